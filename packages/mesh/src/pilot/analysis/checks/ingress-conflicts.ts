import { isSelected } from '@lateen/api/gateway-workload.ts';
import type { Ingress } from '@lateen/api/kinds.ts';
import { hostCovers } from '../../model/hostname.ts';
import { buildIngressSettings } from '../../model/ingress-class.ts';
import { hostOf, ingressPath } from '../../model/ingress-rules.ts';
import { type Check, groupBy, type Problem, refOf, titleOf } from '../check.ts';
import { servedIngresses } from '../ingresses.ts';
import type { MeshView } from '../mesh-view.ts';
import { gatewaysOf } from '../virtual-services.ts';

/** Several Ingresses are one list of rules: what two of them ask for, the first has. */
export const ingressConflicts: Check = {
  about: 'Ingresses that ask for the same requests as other Ingresses or VirtualServices',
  *run(mesh) {
    const served = servedIngresses(mesh);
    yield* samePaths(served);
    yield* defaultBackends(served);
    yield* besideVirtualServices(served, mesh);
  },
};

interface PlacedPath {
  readonly ingress: Ingress;
  readonly path: string;
  /** Host, and path as it is matched. */
  readonly asks: string;
}

function* samePaths(served: readonly Ingress[]): Generator<Problem> {
  const byRequest = groupBy(served.flatMap(pathsOf), ({ asks }) => [asks]);
  for (const [first, ...others] of byRequest.values()) {
    for (const { ingress, path } of others) {
      const where = first?.ingress === ingress ? first.path : `${first?.path} of ${titled(first)}`;
      const message = `${where} is for the same host and path, so this rule gets no requests`;
      yield { code: 'LAT0681', object: refOf(ingress), path, message };
    }
  }
}

function titled(placed: PlacedPath | undefined): string {
  return placed === undefined ? '' : titleOf(refOf(placed.ingress));
}

function pathsOf(ingress: Ingress): PlacedPath[] {
  return (ingress.spec.rules ?? []).flatMap(({ host, http }, at) =>
    (http?.paths ?? []).map((path, index) => ({
      ingress,
      path: `spec.rules[${at}].http.paths[${index}]`,
      asks: JSON.stringify([hostOf(host), ingressPath(path)]),
    })),
  );
}

function* defaultBackends(served: readonly Ingress[]): Generator<Problem> {
  const [first, ...others] = served.filter(({ spec }) => spec.defaultBackend !== undefined);
  if (first === undefined) return;
  for (const other of others) {
    const hosts = (other.spec.rules ?? []).map(({ host }) => hostOf(host));
    const rest = hosts.some((host) => host !== '*') ? ' This one gets those for the hosts of its own rules only' : '';
    const message = `${titleOf(refOf(first))} has a default backend too, which gets the requests for all other hosts.${rest === '' ? ' This one gets none' : rest}`;
    yield { code: 'LAT0686', object: refOf(other), path: 'spec.defaultBackend', message };
  }
}

/** They meet where a Gateway has the port of plain HTTP at the same gateways. */
function* besideVirtualServices(served: readonly Ingress[], mesh: MeshView): Generator<Problem> {
  const { selector } = buildIngressSettings(mesh.config);
  const shared = new Map<string, readonly string[]>();
  for (const gateway of mesh.of('Gateway')) {
    const proxies = mesh.workloads.selected(gateway.spec.selector ?? {});
    if (!proxies.some(({ isGateway, labels }) => isGateway && isSelected(labels, selector))) continue;
    const hosts = gateway.spec.servers
      .filter(({ port }) => port.number === 80)
      .flatMap((server) => server.hosts.map((host) => host.slice(host.indexOf('/') + 1)));
    const { namespace, name } = gateway.metadata;
    if (hosts.length > 0) shared.set(`${namespace}/${name}`, hosts);
  }
  const virtualServices = groupBy(
    mesh.of('VirtualService').filter(({ spec }) => (spec.http ?? []).length > 0),
    (object) => {
      const open = gatewaysOf(object).flatMap((gateway) => shared.get(gateway) ?? []);
      return (object.spec.hosts ?? []).filter((host) => open.some((each) => hostCovers(each, host)));
    },
  );
  for (const ingress of served) {
    for (const [at, { host }] of (ingress.spec.rules ?? []).entries()) {
      const owners = virtualServices.get(hostOf(host)) ?? [];
      if (owners.length === 0) continue;
      const names = owners.slice(0, 5).map((each) => titleOf(refOf(each)));
      const message = `${names.join(', ')} ${owners.length === 1 ? 'has' : 'have'} rules for ${hostOf(host)}, too: those are tried before these, and rules for every request last`;
      yield { code: 'LAT0683', object: refOf(ingress), path: `spec.rules[${at}]`, message };
    }
  }
}
