import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import {
  authoritiesCandidates,
  authoritiesName,
  authoritiesNamesOf,
  type Credential,
  isForAuthorities,
  keyPairName,
} from '../model/credential.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { ClusterSpec } from './clusters.ts';
import type { SecretDataIr, SecretIr } from './ir/secret.ts';

/** Every secret that some proxy could ask for: those of credentials by `secretKey`, those of policies by `fileKey`. */
export function resolveSecrets(
  graph: Graph,
  { credentials }: MeshModel,
  clusters: Collection<ClusterSpec>,
): Collection<SecretIr> {
  const keyPairs = graph.expand('key pairs', credentials, (credential) => {
    const { namespace, name, keyPair } = credential;
    if (keyPair === undefined || isForAuthorities(name)) return [];
    const secret = keyPairSecret(keyPairName(name), credential);
    return [[secretKey(namespace, secret.name), secret]];
  });
  const byResource = graph.index('authorities by resource', credentials, ({ namespace, name, authorities }) =>
    authorities === undefined
      ? []
      : authoritiesNamesOf(name).map((credential) => secretKey(namespace, authoritiesName(credential))),
  );
  const authorities = graph.derive('authorities', byResource, (candidates, _, key): SecretIr | undefined => {
    const name = key.slice(key.indexOf('/') + 1);
    const chosen = preferred(candidates, name);
    if (chosen?.authorities === undefined) return undefined;
    return authoritiesSecret(name, { authorities: chosen.authorities, source: chosen.source });
  });
  const filesOf = graph.derive('files of clusters', clusters, ({ settings: { tls } }) =>
    tls?.type === 'originate' && tls.files.length > 0 ? tls.files : undefined,
  );
  const byName = graph.index('clusters by file', filesOf, (files) => files.map(({ name }) => fileKey(name)));
  const files = graph.derive('files', byName, ([list = []], _, key) => list.find(({ name }) => fileKey(name) === key));
  return graph.union('secrets', [keyPairs, authorities, files]);
}

/** @param name of the resource */
export function keyPairSecret(name: string, { keyPair, source }: Pick<Credential, 'keyPair' | 'source'>): SecretIr {
  return {
    type: 'certificate',
    name,
    chain: text(keyPair?.chain ?? ''),
    privateKey: text(keyPair?.privateKey ?? ''),
    sources: [source],
  };
}

export function authoritiesSecret(
  name: string,
  { authorities: { roots, revoked }, source }: Required<Pick<Credential, 'authorities' | 'source'>>,
): SecretIr {
  return {
    type: 'authorities',
    name,
    roots: text(roots),
    ...(revoked === undefined ? {} : { revoked: text(revoked) }),
    sources: [source],
  };
}

export function fileKey(name: string): string {
  return ` ${name}`;
}

export function secretKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** A Secret of their own comes before what stands beside a key pair, and a Secret before a ConfigMap. */
function preferred(candidates: readonly Credential[], resource: string): Credential | undefined {
  for (const name of authoritiesCandidates(resource)) {
    const named = candidates.filter((each) => each.name === name);
    const found = named.find(({ source }) => source.kind === 'Secret') ?? named[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

function text(value: string): SecretDataIr {
  return { type: 'text', text: value };
}
