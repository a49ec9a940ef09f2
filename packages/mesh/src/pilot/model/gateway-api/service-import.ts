import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import { serviceHostname } from '../hostname.ts';
import { type ServiceDeclaration, serviceKey } from '../service.ts';

/** The domain of services that clusters share (Multi-Cluster Services API). */
const CLUSTER_SET_DOMAIN = 'clusterset.local';

export function importedHost(name: string, namespace: string): string {
  return serviceHostname(name, namespace, CLUSTER_SET_DOMAIN);
}

/**
 * In a single cluster an imported service is the Service of the same name, which says all that the ServiceImport repeats of
 * it. Without that there is nothing to import. By object key.
 */
export function deriveServiceImports(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  objects: Collection<ConfigObject>,
  clusterDomain: string,
): Collection<ServiceDeclaration> {
  return graph.derive('imported services', apiObjects, (object, read): ServiceDeclaration | undefined => {
    if (object.kind !== 'ServiceImport') return undefined;
    const { name, namespace } = object.metadata;
    if (read.get(objects, keyOfRef({ kind: 'Service', namespace, name })) === undefined) return undefined;
    const hostname = importedHost(name, namespace);
    return {
      key: serviceKey(namespace, hostname),
      hostname,
      name: `${name}.${CLUSTER_SET_DOMAIN}`,
      namespace,
      registry: 'kubernetes',
      ports: [],
      resolution: 'alias',
      isExternal: false,
      addresses: object.spec?.ips ?? [],
      subjectAltNames: [],
      backing: { ports: [], addresses: [], notReadyToo: false },
      externalName: serviceHostname(name, namespace, clusterDomain),
      isHeadless: false,
      wantsAddress: false,
      visibility: 'all',
      source: { kind: 'ServiceImport', namespace, name },
    };
  });
}
