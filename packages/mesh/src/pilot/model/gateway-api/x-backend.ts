import type { ConfigObject, XBackend } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import { type ClientTls, SYSTEM_ROOTS } from '../client-tls.ts';
import { defined } from '../defined.ts';
import type { Protocol } from '../protocol.ts';
import { type ServiceDeclaration, serviceKey } from '../service.ts';
import { findAuthorities, namesOf } from './backend-tls.ts';
import { findClientCertificate } from './client-certificate.ts';
import type { Problem } from './conditions.ts';
import type { CredentialContext } from './key-pair.ts';

/** A host outside of the mesh, as backend of routes. */
export interface XBackendState {
  readonly service: ServiceDeclaration;
  readonly problems: readonly Problem[];
}

export const X_BACKEND_GROUP = 'gateway.networking.x-k8s.io';

/** The name by which the mesh knows an XBackend: several may be for one host, and call it differently. */
export function xBackendHost(name: string, namespace: string, clusterDomain: string): string {
  return `${name}.${namespace}.backend.${clusterDomain}`;
}

/** By object key. */
export function deriveXBackends(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  credentials: Omit<CredentialContext, 'read'>,
  clusterDomain: string,
): Collection<XBackendState> {
  return graph.derive('backends of the Gateway API', apiObjects, (object, read) =>
    object.kind === 'XBackend' ? buildXBackend(object, { ...credentials, read }, clusterDomain) : undefined,
  );
}

const PROTOCOLS: Readonly<Record<NonNullable<XBackend['spec']['protocol']>, Protocol>> = {
  TCP: 'tcp',
  HTTP: 'http',
  HTTP11: 'http',
  // The Model Context Protocol is HTTP.
  MCP: 'http',
  HTTP2: 'http2',
  H2C: 'http2',
};

function buildXBackend({ metadata, spec }: XBackend, context: CredentialContext, clusterDomain: string): XBackendState {
  const { name, namespace } = metadata;
  const source = { kind: 'XBackend', namespace, name };
  const address = spec.externalHostname?.hostname ?? '';
  const hostname = xBackendHost(name, namespace, clusterDomain);
  const { port } = spec.port;
  const portName = spec.port.name === '' ? undefined : spec.port.name;
  const ports = [
    defined({
      port,
      name: portName,
      // Without one, the backend is spoken to as the client speaks.
      protocol: spec.protocol === undefined ? ('detect' as const) : PROTOCOLS[spec.protocol],
      targetPort: port,
    }),
  ];
  const { tls, problems } = buildTls(spec.tls, address, source, context);
  return {
    service: {
      key: serviceKey(namespace, hostname),
      hostname,
      name,
      namespace,
      registry: 'service-entry',
      ports,
      resolution: 'dns',
      isExternal: true,
      addresses: [],
      subjectAltNames: [],
      backing: {
        ports,
        addresses: [{ namespace, address, ports: {}, labels: {}, hasSidecar: false, ready: true }],
        notReadyToo: false,
      },
      ...(tls === undefined ? {} : { backendTls: { [port]: { tls, source } } }),
      isHeadless: false,
      wantsAddress: false,
      visibility: 'all',
      source,
    },
    problems,
  };
}

/** Undefined: plaintext. What is wanted but cannot be had is refused. */
function buildTls(
  tls: XBackend['spec']['tls'],
  address: string,
  source: ServiceDeclaration['source'],
  context: CredentialContext,
): { readonly tls?: ClientTls; readonly problems: readonly Problem[] } {
  if (tls === undefined || tls.mode === 'None') return { problems: [] };
  const { validation, clientCertificateRef } = tls;
  const authorities =
    validation === undefined
      ? { ref: SYSTEM_ROOTS, secrets: [], problems: [] }
      : findAuthorities(validation, source, context.credentials, context.read, 'spec.tls.validation');
  const shown =
    clientCertificateRef === undefined
      ? { problems: [] }
      : findClientCertificate(clientCertificateRef, X_BACKEND_GROUP, source, 'spec.tls.clientCertificateRef', context);
  const problems = [...authorities.problems, ...shown.problems];
  const secret = 'secret' in shown ? shown.secret : undefined;
  if (authorities.ref === undefined || shown.problems.length > 0) return { tls: { type: 'refuse' }, problems };
  return {
    tls: defined({
      type: 'originate' as const,
      sni: validation?.hostname ?? address,
      names: validation === undefined ? [address] : namesOf(validation),
      certificate: secret === undefined ? undefined : { name: secret.name, from: 'pilot' as const },
      authorities: authorities.ref,
      files: [...authorities.secrets, ...(secret === undefined ? [] : [secret])],
      credentials: [],
    }),
    problems,
  };
}
