import { fromBinary } from '@bufbuild/protobuf';
import type { IdentityPattern, ServerTlsVerdict, Unknown } from '@lateen/api/verdict.ts';
import type { TransportSocket } from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import {
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
} from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/tls_pb.js';
import { typeName } from '../any-type.ts';
import type { Certificate, Payload, TlsPayload } from '../call.ts';
import { identityPattern, validationOf } from '../cluster/client-tls.ts';
import type { DownstreamConnection } from '../http/request.ts';
import type { PreparedProxy } from '../proxy.ts';
import { compiled, isUndecidable } from '../route/string-match.ts';

/** A connection after a chain's transport socket had its way. */
export type Opened =
  | {
      readonly type: 'opened';
      readonly tls: ServerTlsVerdict | null;
      readonly payload: Payload;
      readonly certificate: DownstreamConnection['certificate'];
    }
  | { readonly type: 'closed'; readonly tls: ServerTlsVerdict | null; readonly reason: string }
  | { readonly type: 'undecided'; readonly reason: string };

export function openConnection(
  proxy: PreparedProxy,
  socket: TransportSocket | undefined,
  payload: Payload,
  unknowns: Unknown[],
  where: string,
): Opened {
  const config = socket?.configType.case === 'typedConfig' ? socket.configType.value : undefined;
  switch (typeName(config)) {
    case '':
    case 'envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer':
      return { type: 'opened', tls: null, payload, certificate: 'none' };
    case DownstreamTlsContextSchema.typeName:
      return endTls(
        proxy,
        fromBinary(DownstreamTlsContextSchema, config?.value ?? new Uint8Array()),
        payload,
        unknowns,
        where,
      );
    default:
      unknowns.push({ what: `transport socket ${socket?.name}`, where });
      return { type: 'undecided', reason: `the transport socket ${socket?.name} is not known` };
  }
}

function endTls(
  proxy: PreparedProxy,
  context: DownstreamTlsContext,
  payload: Payload,
  unknowns: Unknown[],
  where: string,
): Opened {
  const required = context.requireClientCertificate === true;
  const validation = validationOf(context.commonTlsContext);
  const asks = required || context.commonTlsContext?.validationContextType.case !== undefined;
  const tls: ServerTlsVerdict = { clientCertificate: required ? 'required' : asks ? 'optional' : 'none' };
  const closed = (reason: string): Opened => ({ type: 'closed', tls, reason });
  if (payload.type !== 'tls') return closed('the client does not speak TLS');
  if (context.requireSni === true && payload.serverName === undefined) return closed('the client names no server');
  for (const name of secretsOf(context)) {
    const isThere = proxy.hasSecret(name);
    if (isThere === undefined) unknowns.push({ what: `the files of the secret ${name}`, where });
    if (isThere === false) return closed(`the secret ${name} is not there`);
  }
  const { certificate } = payload;
  if (required && certificate === undefined) return closed('the client shows no certificate');
  const shown = asks ? certificate : undefined;
  const names = (validation?.matchTypedSubjectAltNames ?? []).flatMap(({ matcher }) => identityPattern(matcher));
  if (shown !== undefined && !shown.trusted)
    return closed("the client's certificate is not signed by a root of the server");
  if (shown !== undefined && !hasIdentity(shown, names))
    return closed("the client's certificate has none of the names that the server accepts");
  const agreed = agreedProtocol(context.commonTlsContext?.alpnProtocols ?? [], payload);
  return {
    type: 'opened',
    tls: agreed === undefined ? tls : { ...tls, applicationProtocol: agreed },
    payload: payload.inside,
    certificate: shown === undefined ? 'none' : asks ? 'checked' : 'unchecked',
  };
}

/** Those that come from the control plane. */
function secretsOf({ commonTlsContext: common }: DownstreamTlsContext): string[] {
  const validation = common?.validationContextType;
  const authorities =
    validation?.case === 'combinedValidationContext' ? validation.value.validationContextSdsSecretConfig : undefined;
  return [...(common?.tlsCertificateSdsSecretConfigs ?? []), ...(authorities === undefined ? [] : [authorities])]
    .filter(({ sdsConfig }) => sdsConfig?.configSourceSpecifier.case === 'ads')
    .map(({ name }) => name);
}

/** The server's first that the client offers. */
function agreedProtocol(served: readonly string[], { applicationProtocols }: TlsPayload): string | undefined {
  return served.find((protocol) => applicationProtocols.includes(protocol));
}

/** One pattern is enough; none accepts everybody. */
export function hasIdentity({ names }: Certificate, patterns: readonly IdentityPattern[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => names.some((name) => fits(name, pattern)));
}

function fits(name: string, { type, value }: IdentityPattern): boolean {
  switch (type) {
    case 'exact':
      return name === value;
    case 'prefix':
      return name.startsWith(value);
    case 'suffix':
      return name.endsWith(value);
    case 'contains':
      return name.includes(value);
    case 'regex': {
      const regex = compiled(value);
      return !isUndecidable(regex) && regex.matches(name);
    }
  }
}
