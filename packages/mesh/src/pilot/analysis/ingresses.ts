import type { Ingress } from '@lateen/api/kinds.ts';
import { buildIngressSettings, type IngressDecision, ingressDecisions } from '../model/ingress-class.ts';
import type { MeshView } from './mesh-view.ts';

/** Every Ingress, and whether this mesh serves it. */
export function decidedIngresses(
  mesh: MeshView,
): readonly { readonly ingress: Ingress; readonly decision: IngressDecision }[] {
  const decide = ingressDecisions(buildIngressSettings(mesh.config), mesh.of('IngressClass'));
  return mesh.of('Ingress').map((ingress) => ({ ingress, decision: decide(ingress) }));
}

/** In order of namespace and name. */
export function servedIngresses(mesh: MeshView): Ingress[] {
  return decidedIngresses(mesh).flatMap(({ ingress, decision }) => (decision.isServed ? [ingress] : []));
}
