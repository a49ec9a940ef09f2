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
import type { SecretDataIr, SecretIr } from './ir/secret.ts';

/** Every secret that some gateway could ask for, by `secretKey`. */
export function resolveSecrets(graph: Graph, { credentials }: MeshModel): Collection<SecretIr> {
  const keyPairs = graph.expand('key pairs', credentials, ({ namespace, name, keyPair, source }) => {
    if (keyPair === undefined || isForAuthorities(name)) return [];
    const secret: SecretIr = {
      type: 'certificate',
      name: keyPairName(name),
      chain: text(keyPair.chain),
      privateKey: text(keyPair.privateKey),
      sources: [source],
    };
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
    const { roots, revoked } = chosen.authorities;
    return {
      type: 'authorities',
      name,
      roots: text(roots),
      ...(revoked === undefined ? {} : { revoked: text(revoked) }),
      sources: [chosen.source],
    };
  });
  return graph.union('secrets', [keyPairs, authorities]);
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
