import type { HTTPRoute } from '@lateen/api/kinds.ts';
import { defined } from '../defined.ts';
import type { ExternalAuth } from '../external-auth.ts';
import { serviceSeenFrom } from '../service.ts';
import { type BackendContext, resolveBackend } from './backend.ts';
import type { Problem } from './conditions.ts';

type Rule = NonNullable<HTTPRoute['spec']['rules']>[number];
type Filter = NonNullable<NonNullable<Rule['filters']>[number]['externalAuth']>;

/** With a problem nobody can be asked, so that no request may go on. */
export function buildExternalAuth(
  { protocol, backendRef, grpc, http, forwardBody }: Filter,
  path: string,
  context: BackendContext,
): { readonly auth: ExternalAuth; readonly problem?: never } | { readonly auth?: never; readonly problem: Problem } {
  const { destination, problem } = resolveBackend(backendRef, `${path}.backendRef`, context);
  if (problem !== undefined) return { problem };
  const { host, port, source } = destination;
  const service = serviceSeenFrom(context.read.get(context.servicesByHost, host), source.namespace);
  const called = service?.ports.find((each) => port === undefined || each.port === port);
  if (protocol === 'GRPC' && called?.protocol !== 'http2') {
    const message = `the port ${called?.port} of ${host} does not say that it speaks gRPC (appProtocol: grpc)`;
    return { problem: { type: 'ResolvedRefs', reason: 'UnsupportedProtocol', message, path: `${path}.backendRef` } };
  }
  const lower = (names: readonly string[] = []) => names.map((name) => name.toLowerCase());
  const asked = lower((grpc ?? http)?.allowedHeaders);
  const answered = lower(http?.allowedResponseHeaders);
  return {
    auth: defined({
      protocol: protocol === 'GRPC' ? ('grpc' as const) : ('http' as const),
      destination,
      authority: host,
      pathPrefix: http?.path,
      headers: asked.length === 0 ? undefined : asked,
      responseHeaders: answered.length === 0 ? undefined : answered,
      maxBodyBytes: forwardBody?.maxSize === undefined || forwardBody.maxSize === 0 ? undefined : forwardBody.maxSize,
    }),
  };
}
