import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import {
  type Address,
  AddressSchema,
  SocketAddress_Protocol,
} from '@lateen/envoy-api/envoy/config/core/v3/address_pb.js';
import {
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/config_source_pb.js';

import {
  type FractionalPercent,
  FractionalPercent_DenominatorType,
  FractionalPercentSchema,
} from '@lateen/envoy-api/envoy/type/v3/percent_pb.js';

export function duration(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000);
  return create(DurationSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((milliseconds - seconds * 1000) * 1_000_000),
  });
}

export function shareOf(perMillion: number): FractionalPercent {
  return create(FractionalPercentSchema, {
    numerator: perMillion,
    denominator: FractionalPercent_DenominatorType.MILLION,
  });
}

/** An IP address and a port, or the path of a Unix socket (`@` for an abstract one). */
export function socketAddress(address: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Address {
  if (address.startsWith('/') || address.startsWith('@')) {
    return create(AddressSchema, { address: { case: 'pipe', value: { path: address } } });
  }
  return create(AddressSchema, {
    address: {
      case: 'socketAddress',
      value: {
        ...(protocol === 'udp' ? { protocol: SocketAddress_Protocol.UDP } : {}),
        address,
        portSpecifier: { case: 'portValue', value: port },
      },
    },
  });
}

/** `10.1.0.0/16`; a single address stands for itself. */
export function addressRange(range: string) {
  const [addressPrefix = '', bits] = range.split('/');
  return { addressPrefix, prefixLen: bits === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(bits) };
}

/** One of Envoy's extensions (a filter, a transport socket, a retry predicate) and its configuration. */
export function extension<Desc extends DescMessage>(name: string, schema: Desc, config?: MessageInitShape<Desc>) {
  return { name, configType: { case: 'typedConfig' as const, value: packAny(schema, create(schema, config)) } };
}

/** "By the stream that this resource came on." */
export const ADS: ConfigSource = create(ConfigSourceSchema, {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
});
