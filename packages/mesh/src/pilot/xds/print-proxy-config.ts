import type { EnvoyMessage, LocatedSource, ProxyConfigResponse } from '@lateen/api/admin.ts';
import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { asWritten } from '@lateen/api/written-kind.ts';
import type { Origin } from '../config/document-source.ts';
import { sourceLocator } from '../config/locate-source.ts';
import type { Pilot } from '../pilot.ts';
import { type ResourceType, typeUrls } from './resource.ts';
import { METADATA_KEY } from './translate/metadata.ts';

/** What the proxy `NAME.NAMESPACE` should hold; undefined if it is not connected. */
export async function printProxyConfig(
  name: string,
  pilot: Pilot,
  originOf: (key: ObjectKey) => Origin | undefined,
): Promise<ProxyConfigResponse | undefined> {
  const { printResource } = await import('./print-resource.ts');
  const { holdings, resources } = pilot.resources;
  const proxy = [...pilot.proxies.entries()].find(([, { instance }]) => instance === name);
  const held = proxy === undefined ? undefined : holdings.get(proxy[0]);
  if (held === undefined) return undefined;
  const locate = sourceLocator(originOf);
  const sourcesOf = (metadata: EnvoyMessage) => {
    const { sources, instance } = metadata as { sources?: readonly ObjectRef[]; instance?: string };
    return (sources ?? deploymentOf(instance, pilot)).map((source) => asWritten(locate(source)));
  };
  return Object.fromEntries(
    Object.entries(held)
      .filter(([, refs]) => refs.size > 0)
      .map(([type, refs]) => [
        typeUrls[type as ResourceType],
        [...refs.values()]
          .map((key) => resources.get(key))
          .filter((resource) => resource !== undefined)
          .map((resource) => withSources(printResource(resource), sourcesOf) as EnvoyMessage),
      ]),
  );
}

/** An endpoint is there because of the Deployment that it is a replica of. */
function deploymentOf(instance: string | undefined, pilot: Pilot): readonly ObjectRef[] {
  const found = instance === undefined ? undefined : pilot.instances.get(instance);
  return found === undefined ? [] : [{ kind: 'Deployment', namespace: found.namespace, name: found.workload }];
}

/** The value with `sources` in each of Lateen's own entries of a message's metadata. */
function withSources(value: unknown, sourcesOf: (metadata: EnvoyMessage) => readonly LocatedSource[]): unknown {
  if (Array.isArray(value)) return value.map((item) => withSources(item, sourcesOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== 'filter_metadata') return [key, withSources(inner, sourcesOf)];
      const entries = inner as Readonly<Record<string, EnvoyMessage>>;
      const own = entries[METADATA_KEY];
      return [key, own === undefined ? entries : { ...entries, [METADATA_KEY]: { ...own, sources: sourcesOf(own) } }];
    }),
  );
}
