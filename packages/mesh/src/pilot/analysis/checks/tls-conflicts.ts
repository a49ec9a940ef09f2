import { isSelected } from '@lateen/api/gateway-workload.ts';
import type { PeerAuthentication, Service } from '@lateen/api/kinds.ts';
import { type Check, groupBy, refOf, titleOf } from '../check.ts';
import type { MeshView } from '../mesh-view.ts';

/** Callers that are told to use plain text towards workloads that want mutual TLS, and the other way round. */
export const tlsConflicts: Check = {
  about: 'DestinationRules and PeerAuthentications that disagree on TLS',
  *run(mesh) {
    const policies = groupBy(mesh.of('PeerAuthentication'), ({ metadata }) => [metadata.namespace]);
    for (const rule of mesh.of('DestinationRule')) {
      const mode = rule.spec.trafficPolicy?.tls?.mode;
      if (mode === undefined) continue;
      for (const { object, namespace } of mesh.services.reachedBy(
        mesh.resolve(rule.spec.host, rule.metadata.namespace),
      )) {
        if (object?.kind !== 'Service') continue;
        const policy = decidingPolicy(object, namespace, policies, mesh);
        const wanted = policy?.spec.mtls?.mode;
        const clash =
          (wanted === 'STRICT' && mode !== 'ISTIO_MUTUAL') || (wanted === 'DISABLE' && mode === 'ISTIO_MUTUAL');
        if (policy === undefined || !clash) continue;
        yield {
          code: 'LAT0624',
          object: refOf(rule),
          path: 'spec.trafficPolicy.tls.mode',
          message: `${titleOf(refOf(policy))} asks for ${wanted === 'STRICT' ? 'mutual TLS' : 'plain text'} (${wanted}), but callers are told to use ${mode}: their connections fail`,
        };
      }
    }
  },
};

type Policies = ReadonlyMap<string, readonly PeerAuthentication[]>;

/** The narrowest policy that says something of the service's workloads, if it is the same for all of them. */
function decidingPolicy({ spec }: Service, namespace: string, policies: Policies, mesh: MeshView) {
  const own = policies.get(namespace) ?? [];
  const { selector = {} } = spec;
  const workloads = Object.keys(selector).length === 0 ? [] : mesh.workloads.selected(selector, namespace);
  const says = (each: PeerAuthentication) => (each.spec.mtls?.mode ?? 'UNSET') !== 'UNSET';
  const selectorOf = (each: PeerAuthentication) => each.spec.selector?.matchLabels ?? {};
  const forWorkloads = own.filter((each) => Object.keys(selectorOf(each)).length > 0);
  const narrow = workloads.map((workload) =>
    forWorkloads.find((each) => isSelected(workload.labels, selectorOf(each))),
  );
  const [first] = narrow;
  if (narrow.some((each) => each !== first)) return undefined;
  if (first !== undefined && says(first)) return first;
  const isWide = (each: PeerAuthentication) => Object.keys(selectorOf(each)).length === 0 && says(each);
  return own.find(isWide) ?? policies.get(mesh.rootNamespace)?.find(isWide);
}
