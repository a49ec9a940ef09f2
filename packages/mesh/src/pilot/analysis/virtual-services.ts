import type { VirtualService } from '@lateen/api/kinds.ts';
import type { HttpRule } from './http-match.ts';
import type { MeshView } from './mesh-view.ts';

export const MESH = 'mesh';

/** The gateways that serve the rules: `mesh`, or `NAMESPACE/NAME`. */
export function gatewaysOf({ metadata, spec }: VirtualService): readonly string[] {
  const { gateways = [] } = spec;
  if (gateways.length === 0) return (spec.hosts ?? []).length === 0 ? [] : [MESH];
  return [...new Set(gateways.map((gateway) => gatewayKey(gateway, metadata.namespace)))];
}

export function gatewayKey(gateway: string, namespace: string): string {
  return gateway === MESH || gateway.includes('/') ? gateway : `${namespace}/${gateway}`;
}

/** Rules that hold at certain times only. */
export function scheduledRules(mesh: MeshView): ReadonlySet<HttpRule> {
  const rules = new Set<HttpRule>();
  for (const { metadata, spec } of mesh.of('TrafficSchedule')) {
    for (const { kind, name, sectionName } of spec.targetRefs) {
      if (kind !== 'VirtualService') continue;
      const target = mesh.get('VirtualService', metadata.namespace, name);
      for (const rule of target?.spec.http ?? []) {
        if (sectionName === undefined || rule.name === sectionName) rules.add(rule);
      }
    }
  }
  return rules;
}

export interface DestinationUse {
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  /** Of the destination. */
  readonly path: string;
  /** Gets none of the requests. */
  readonly idle: boolean;
}

type Destination = { readonly host: string; readonly subset?: string; readonly port?: { readonly number: number } };
type Weighted = readonly { readonly destination: Destination; readonly weight?: number }[];

/** Everywhere that the rules send requests and connections to, with full hostnames. */
export function destinationsOf(object: VirtualService, mesh: MeshView): DestinationUse[] {
  const { namespace } = object.metadata;
  const uses: DestinationUse[] = [];
  const add = ({ host, subset, port }: Destination, path: string, idle = false) =>
    uses.push({
      host: mesh.resolve(host, namespace),
      ...(subset === undefined ? {} : { subset }),
      ...(port === undefined ? {} : { port: port.number }),
      path,
      idle,
    });
  const addAll = (routes: Weighted | undefined, path: string) =>
    routes?.forEach(({ destination, weight }, index) => {
      const idle = routes.length > 1 && (weight ?? 0) === 0;
      add(destination, `${path}.route[${index}].destination`, idle);
    });
  object.spec.http?.forEach((rule, at) => {
    const path = `spec.http[${at}]`;
    addAll(rule.route, path);
    if (rule.mirror !== undefined) add(rule.mirror, `${path}.mirror`);
    rule.mirrors?.forEach(({ destination }, index) => {
      add(destination, `${path}.mirrors[${index}].destination`);
    });
  });
  object.spec.tls?.forEach(({ route }, at) => {
    addAll(route, `spec.tls[${at}]`);
  });
  object.spec.tcp?.forEach(({ route }, at) => {
    addAll(route, `spec.tcp[${at}]`);
  });
  return uses;
}
