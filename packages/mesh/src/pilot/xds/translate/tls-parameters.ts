import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  TlsParameters_TlsProtocol as Protocol,
  type TlsParametersSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/common_pb.js';
import type { TlsParametersIr, TlsVersion } from '../../proxy/ir/tls-parameters.ts';

const PROTOCOLS: Readonly<Record<TlsVersion, Protocol>> = {
  '1.0': Protocol.TLSv1_0,
  '1.1': Protocol.TLSv1_1,
  '1.2': Protocol.TLSv1_2,
  '1.3': Protocol.TLSv1_3,
};

export function tlsParameters({
  minVersion = '1.2',
  maxVersion = '1.3',
  cipherSuites = [],
  ecdhCurves = [],
}: TlsParametersIr): MessageInitShape<typeof TlsParametersSchema> {
  return {
    tlsMinimumProtocolVersion: PROTOCOLS[minVersion],
    tlsMaximumProtocolVersion: PROTOCOLS[maxVersion],
    cipherSuites: [...cipherSuites],
    ecdhCurves: [...ecdhCurves],
  };
}
