import type { Gateway, Secret } from '@lateen/api/kinds.ts';
import { type Check, type Problem, refOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

type Tls = NonNullable<Gateway['spec']['servers'][number]['tls']>;

const PAIRS = [
  ['tls.crt', 'tls.key'],
  ['cert', 'key'],
] as const;
const AUTHORITIES = ['ca.crt', 'cacert'];

/** Secrets that Gateways take their certificates from. */
export const credentials: Check = {
  about: 'certificates of Gateways that are missing or incomplete',
  needsAll: true,
  *run(mesh) {
    for (const gateway of mesh.of('Gateway')) {
      const namespaces = proxyNamespaces(gateway, mesh);
      for (const [index, { tls }] of gateway.spec.servers.entries()) {
        if (tls === undefined) continue;
        for (const { name, field, isCa } of credentialsOf(tls)) {
          for (const namespace of namespaces) {
            const why = problemWith(name, namespace, isCa, tls, mesh);
            if (why === undefined) continue;
            const path = `spec.servers[${index}].tls.${field}`;
            yield { code: 'LAT0633', object: refOf(gateway), path, message: why } satisfies Problem;
          }
        }
      }
    }
  },
};

interface Credential {
  readonly name: string;
  readonly field: string;
  /** Only the certificate authorities of clients. */
  readonly isCa: boolean;
}

function credentialsOf({ credentialName, credentialNames = [], caCertCredentialName }: Tls): Credential[] {
  return [
    ...(credentialName === undefined ? [] : [{ name: credentialName, field: 'credentialName', isCa: false }]),
    ...credentialNames.map((name, index) => ({ name, field: `credentialNames[${index}]`, isCa: false })),
    ...(caCertCredentialName === undefined
      ? []
      : [{ name: caCertCredentialName, field: 'caCertCredentialName', isCa: true }]),
    // Names with a scheme are for providers of secrets.
  ].filter(({ name }) => name !== '' && !name.includes('://'));
}

/** Secrets are read where the gateway proxies run. */
function proxyNamespaces({ spec }: Gateway, mesh: MeshView): string[] {
  const proxies = mesh.workloads.selected(spec.selector ?? {}).filter(({ isGateway }) => isGateway);
  // A gateway of the user's own is meant where there is one: the built-in ones may not even run.
  const own = proxies.filter(({ isBuiltIn }) => !isBuiltIn);
  return [...new Set((own.length > 0 ? own : proxies).map(({ namespace }) => namespace))].sort();
}

function problemWith(name: string, namespace: string, isCa: boolean, tls: Tls, mesh: MeshView): string | undefined {
  const secret = mesh.get('Secret', namespace, name);
  if (secret === undefined) {
    if (isCa && mesh.get('ConfigMap', namespace, name) !== undefined) return undefined;
    const elsewhere = mesh.of('Secret').find((each) => each.metadata.name === name);
    const hint =
      elsewhere === undefined
        ? ''
        : `; the one in ${elsewhere.metadata.namespace} is not read, since the gateway runs in ${namespace}`;
    return `there is no Secret ${namespace}/${name}${hint}`;
  }
  const keys = keysOf(secret);
  if (isCa) return hasAuthorities(keys) ? undefined : lacks(name, namespace, AUTHORITIES.join(' or '));
  if (!PAIRS.some((pair) => pair.every((key) => keys.has(key)))) return lacks(name, namespace, PAIRS[0].join(' and '));
  const takesClients = tls.mode === 'MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL';
  if (!takesClients || tls.caCertCredentialName !== undefined || tls.insecureSkipVerify === true) return undefined;
  const beside = mesh.get('Secret', namespace, `${name}-cacert`);
  if (hasAuthorities(keys) || (beside !== undefined && hasAuthorities(keysOf(beside)))) return undefined;
  return `${lacks(name, namespace, AUTHORITIES.join(' or '))}, nor is there a Secret ${name}-cacert: with the mode ${tls.mode}, clients' certificates are checked against it`;
}

function keysOf({ data = {}, stringData = {} }: Secret): ReadonlySet<string> {
  return new Set([...Object.keys(data), ...Object.keys(stringData)]);
}

function hasAuthorities(keys: ReadonlySet<string>): boolean {
  return AUTHORITIES.some((key) => keys.has(key));
}

function lacks(name: string, namespace: string, what: string): string {
  return `the Secret ${namespace}/${name} has no ${what}`;
}
