import { type Diagnostic, type DiagnosticCode, diagnostic } from '@lateen/api/diagnostic.ts';
import {
  EGRESS_GATEWAY,
  INGRESS_GATEWAY,
  isGatewayPod,
  isSelected,
  wantsEgressGateway,
} from '@lateen/api/gateway-workload.ts';
import { MESH_CONFIG } from '@lateen/api/istio/mesh-config.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import {
  authoritiesCandidates,
  authoritiesName,
  buildBundle,
  buildCredential,
  type Credential,
} from '../model/credential.ts';
import { buildGateway, byPreference, type Gateway } from '../model/gateway.ts';
import { startedProxies } from '../model/gateway-api/started-proxies.ts';
import { type AttachedServer, groupServers, type ServerConflict } from '../model/gateway-port.ts';
import { buildIngressSettings, ingressDecisions } from '../model/ingress-class.ts';
import { buildIngressGateway } from '../model/ingress-gateway.ts';
import type { CredentialRef } from '../model/server-tls.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { isMeshConfig, readMeshConfig } from './mesh-config.ts';

/** A workload whose proxies are gateways. */
interface GatewayWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * What of Gateways and Ingresses is not served, and why: other servers have the port, or the certificate is not there.
 */
export function gatewayWarnings(objects: ReadonlyMap<ObjectKey, ConfigObject>): Diagnostic[] {
  const gateways = [
    ...[...objects.values()].flatMap((object) => (object.kind === 'Gateway' ? [buildGateway(object)] : [])),
    ...ingressGateways(objects),
  ].sort(byPreference);
  const workloads = workloadsOf(objects, gateways);
  const found = new Map<string, Diagnostic>();
  const tell = (code: DiagnosticCode, { path, ...object }: SourceRef, message: string) => {
    const details = path === undefined ? { object } : { object, path };
    found.set(`${code} ${object.namespace}/${object.name} ${path} ${message}`, diagnostic(code, message, details));
  };
  for (const gateway of gateways) {
    if (!workloads.some(({ labels }) => isSelected(labels, gateway.selector))) {
      const wanted = Object.entries(gateway.selector).map((pair) => pair.join(': '));
      const message = `no gateway has the labels ${wanted.join(', ')}`;
      if (gateway.source.kind === 'Gateway') tell('LAT0595', { ...gateway.source, path: 'spec.selector' }, message);
      else tell('LAT0595', gateway.source, `${message}, which the configuration of the mesh asks for`);
    }
  }
  for (const workload of workloads) {
    const servers = gateways
      .filter(({ selector }) => isSelected(workload.labels, selector))
      .flatMap((gateway) => gateway.servers.map((server): AttachedServer => ({ gateway: gateway.key, ...server })));
    const { ports, conflicts } = groupServers(servers);
    for (const conflict of conflicts) {
      tell(conflict.hosts === undefined ? 'LAT0591' : 'LAT0592', conflict.server.source, conflictMessage(conflict));
    }
    for (const { server } of ports.flatMap((port) => port.servers)) {
      for (const ref of server.tls?.type === 'terminate' ? server.tls.credentials : []) {
        const problem = credentialProblem(ref, workload.namespace, objects);
        if (problem !== undefined) tell(problem.code, { ...server.source, path: ref.path }, problem.message);
      }
    }
  }
  return [...found.values()];
}

/** What the Ingresses that this mesh serves stand for. */
function ingressGateways(objects: ReadonlyMap<ObjectKey, ConfigObject>): Gateway[] {
  const ingresses = [...objects.values()].filter((object) => object.kind === 'Ingress');
  if (ingresses.length === 0) return [];
  const config = objects.get(keyOfRef({ kind: 'ConfigMap', ...MESH_CONFIG }));
  const fields = config === undefined || !isMeshConfig(config) ? {} : (readMeshConfig(config).value ?? {});
  const settings = buildIngressSettings(fields);
  const decide = ingressDecisions(
    settings,
    [...objects.values()].filter((object) => object.kind === 'IngressClass'),
  );
  return ingresses
    .filter((ingress) => decide(ingress).isServed)
    .map((ingress) => buildIngressGateway(ingress, settings, MESH_CONFIG.namespace));
}

function workloadsOf(
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
  gateways: readonly Gateway[],
): readonly GatewayWorkload[] {
  const own = [...objects.values()].flatMap((object): GatewayWorkload[] => {
    if (object.kind !== 'Deployment' || !isGatewayPod(object.spec.template)) return [];
    const { name, namespace } = object.metadata;
    return [{ name, namespace, labels: object.spec.template.metadata?.labels ?? {} }];
  });
  const wantsEgress = wantsEgressGateway(
    gateways.map(({ selector }) => selector),
    own.map(({ labels }) => labels),
  );
  return [INGRESS_GATEWAY, ...(wantsEgress ? [EGRESS_GATEWAY] : []), ...startedProxies(objects.values()), ...own];
}

function conflictMessage({ server, with: other, hosts }: ServerConflict): string {
  const { kind, namespace, name, path } = other.source;
  const place =
    kind === 'Gateway'
      ? `the server ${other.portName} of the Gateway ${other.gateway}`
      : `${path ?? 'HTTP'} of the Ingress ${namespace}/${name}`;
  if (hosts !== undefined) {
    return `is not served on port ${server.port} for ${hosts.join(', ')}, as ${place} has ${hosts.length > 1 ? 'these hosts' : 'this host'} there`;
  }
  return `is not served: ${server.protocol} cannot share port ${server.port} with ${other.protocol} of ${place}`;
}

function credentialProblem(
  { name, part, namespace: preferred }: CredentialRef,
  ofProxy: string,
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
): { readonly code: DiagnosticCode; readonly message: string } | undefined {
  const names = part === 'key-pair' ? [name] : authoritiesCandidates(authoritiesName(name));
  const namespaces = preferred === undefined ? [ofProxy] : [preferred, ofProxy];
  const [namespace = ofProxy] = namespaces;
  const candidates = namespaces.flatMap((where) =>
    names.flatMap((each) => credentialsNamed(each, where, part, objects)),
  );
  if (candidates.length === 0) {
    const kinds = part === 'key-pair' ? 'Secret' : 'Secret or ConfigMap';
    const where = preferred === undefined ? 'the gateway proxy' : 'the Ingress';
    const message = `there is no ${kinds} ${namespace}/${name}; it has to be in the namespace of ${where}. Connections are refused until it comes`;
    return { code: 'LAT0593', message };
  }
  const problems = candidates.map((candidate) => partProblem(candidate, part));
  if (problems.includes(undefined)) return undefined;
  const found = candidates[0]?.source ?? { kind: 'Secret', namespace };
  return {
    code: 'LAT0594',
    message: `the ${found.kind} ${found.namespace}/${name} ${problems[0]}. Connections are refused until it has`,
  };
}

function credentialsNamed(
  name: string,
  namespace: string,
  part: CredentialRef['part'],
  objects: ReadonlyMap<ObjectKey, ConfigObject>,
): Credential[] {
  const secret = objects.get(`Secret/${namespace}/${name}`);
  const map = part === 'authorities' ? objects.get(`ConfigMap/${namespace}/${name}`) : undefined;
  const bundle = map?.kind === 'ConfigMap' ? buildBundle(map) : undefined;
  return [...(secret?.kind === 'Secret' ? [buildCredential(secret)] : []), ...(bundle === undefined ? [] : [bundle])];
}

/** What is missing, as the rest of a sentence. It never shows a value. */
function partProblem({ keyPair, authorities }: Credential, part: CredentialRef['part']): string | undefined {
  if (part === 'authorities') {
    if (authorities === undefined) return 'has no certificate authorities, under ca.crt or cacert';
    return isPem(authorities.roots, 'CERTIFICATE')
      ? undefined
      : 'has no certificates in PEM form under ca.crt or cacert';
  }
  if (keyPair === undefined) return 'has no key and certificate, under tls.key and tls.crt or key and cert';
  if (!isPem(keyPair.chain, 'CERTIFICATE')) return 'has no certificate in PEM form under tls.crt or cert';
  return isPem(keyPair.privateKey, 'PRIVATE KEY') ? undefined : 'has no private key in PEM form under tls.key or key';
}

/** Keys may be of a kind: `BEGIN EC PRIVATE KEY`. Whether they are whole, and fit, Envoy says. */
function isPem(text: string, what: string): boolean {
  return new RegExp(`-----BEGIN (?:[A-Z0-9]+ )?${what}-----`).test(text);
}
