import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOfRef } from '@lateen/api/object-key.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { Route } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import type { Collection, Reader } from '../incremental/collection.ts';
import { targetOf } from '../model/endpoint.ts';
import type { Gateway } from '../model/gateway.ts';
import { serviceHostname } from '../model/hostname.ts';
import type { MeshModel } from '../model/mesh.ts';
import type { ServicePort } from '../model/service.ts';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { ListenerIr } from '../proxy/ir/listener.ts';
import type { RouteTableIr } from '../proxy/ir/route.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { OwnIr } from '../proxy/resolve.ts';
import { HTTP_PROXY_TABLE } from '../proxy/routes.ts';
import type { ClusterFacts, ListenerFacts, TableFacts } from './patch/match.ts';
import type { PatchedProxy } from './patch/select.ts';
import { sourcesIn } from './translate/metadata.ts';

/** What is known where a fragment is patched. */
export interface Surroundings {
  readonly model: MeshModel;
  readonly objects: Collection<ConfigObject>;
  readonly read: Reader;
}

type Role = PatchedProxy['role'];

/** `PORT` in `inbound|PORT`, `outbound|PORT||HOST`, `gateway|PORT`, and in `ADDRESS_PORT`. */
function portIn(name: string): number | undefined {
  const port = /^(?:(?:inbound|outbound|gateway)\||.*_)(\d+)/.exec(name)?.[1];
  return port === undefined ? undefined : Number(port);
}

export function listenerFacts(ir: ListenerIr, instance: WorkloadInstance, around: Surroundings): ListenerFacts {
  const port = portIn(ir.name);
  if (instance.role === 'router') {
    const names = port === undefined ? [ir.name] : [ir.name, `0.0.0.0_${port}`];
    return { context: 'GATEWAY', names, ports: port === undefined ? [] : [port], portNames: serverNames(ir, around) };
  }
  if (ir.direction === 'inbound') return inboundFacts(ir, port, instance, around);
  return outboundFacts(ir, around);
}

/** Of a listener for calls to one port, which proxies may share. */
export function outboundFacts(ir: ListenerIr, around: Surroundings): ListenerFacts {
  const port = portIn(ir.name);
  if (CAPTURES.has(ir.name)) return { context: 'SIDECAR_OUTBOUND', names: [ir.name], ports: 'by-chain', portNames: [] };
  if (port === undefined) return { context: 'SIDECAR_OUTBOUND', names: [ir.name], ports: [], portNames: [] };
  const portNames = servicePorts(ir.sources, around)
    .filter((each) => each.port === port)
    .map(nameOf);
  return { context: 'SIDECAR_OUTBOUND', names: [ir.name, `0.0.0.0_${port}`], ports: [port], portNames };
}

/**
 * Istio has one listener for all ports of a workload, and finds the container's port in it. A service's port counts where
 * that cannot be mistaken for another container port.
 */
function inboundFacts(
  ir: ListenerIr,
  containerPort: number | undefined,
  instance: WorkloadInstance,
  { model, read }: Surroundings,
): ListenerFacts {
  const byPort = read.get(model.inbound, instanceKey(instance)) ?? [];
  if (containerPort === undefined) {
    const portNames = byPort.flatMap(({ services }) => services.flatMap(({ ports }) => ports.map(nameOf)));
    return { context: 'SIDECAR_INBOUND', names: [ir.name], ports: 'by-chain', portNames };
  }
  const met = byPort.find((each) => each.containerPort === containerPort);
  const leading = (met?.services ?? []).flatMap(({ ports }) =>
    ports.filter((port) => targetOf(port, instance)?.containerPort === containerPort),
  );
  const others = leading
    .map(({ port }) => port)
    .filter((port) => !instance.ports.some((each) => each.containerPort === port));
  return {
    context: 'SIDECAR_INBOUND',
    names: [ir.name, 'virtualInbound'],
    ports: [containerPort, ...others],
    portNames: leading.map(nameOf),
  };
}

function nameOf({ name = '' }: ServicePort): string {
  return name.toLowerCase();
}

function servicePorts(sources: readonly SourceRef[], { model, read }: Surroundings): readonly ServicePort[] {
  return sources
    .filter(({ kind }) => kind === 'Service')
    .flatMap(({ namespace, name }) => {
      const hostname = serviceHostname(name, namespace, model.settings.clusterDomain);
      return read.get(model.services, `${namespace}/${hostname}`)?.ports ?? [];
    });
}

/** Names of the ports of the servers that a listener serves. */
function serverNames({ name, sources }: ListenerIr, around: Surroundings): string[] {
  return gatewaysIn(sources, around).flatMap(({ servers }) =>
    servers.filter(({ port }) => port === portIn(name)).map(({ portName }) => portName.toLowerCase()),
  );
}

/** Gateways, and Ingresses under the names that Istio gives to theirs. */
function gatewaysIn(sources: readonly SourceRef[], { model, read }: Surroundings): Gateway[] {
  const keys = sources
    .filter(({ kind }) => kind === 'Gateway' || kind === 'Ingress')
    .map(({ kind, namespace, name }) => keyOfRef({ kind, namespace, name }));
  return [...new Set(keys)].flatMap((key) => read.get(model.gateways, key) ?? []);
}

/** Listeners that take all connections which the kernel hands over. */
const CAPTURES = new Set(['virtualInbound', 'virtualOutbound']);

/** Of a table that only this proxy has: a gateway's. */
export function ownTableFacts(
  ir: RouteTableIr,
  own: OwnIr,
  instance: WorkloadInstance,
  around: Surroundings,
): TableFacts {
  const listener = own.listeners.find(({ chains }) =>
    chains.some(
      ({ handler }) =>
        handler.type === 'http' && handler.http.routes.type === 'discovered' && handler.http.routes.name === ir.name,
    ),
  );
  if (listener === undefined) return sharedTableFacts(ir.name, instance.role, around);
  const { context, portNames, ...facts } = listenerFacts(listener, instance, around);
  const ports = facts.ports === 'by-chain' ? [] : facts.ports;
  const gateways = gatewaysIn(listener.sources, around).map(({ key }) => key);
  return { context, names: [ir.name], ports, portNames, gateways, routeNames: (route) => ruleNames(route, around) };
}

/** Of the routes that stand in a listener. */
export function inlineTableFacts(table: string, listener: ListenerFacts, around: Surroundings): TableFacts {
  const { context, portNames } = listener;
  const own = portIn(table);
  const ports = listener.ports !== 'by-chain' ? listener.ports : own === undefined ? [] : [own];
  const names = ports.flatMap((port) => [`inbound|${port}`, `inbound|${port}||`]);
  return { context, names, ports, portNames, gateways: [], routeNames: (route) => ruleNames(route, around) };
}

/** Of a table that proxies share: that of a service's port, or of the HTTP proxy. */
export function sharedTableFacts(name: string, role: Role, around: Surroundings): TableFacts {
  const port = /(?:^|:)(\d+)$/.exec(name)?.[1];
  return {
    context: role === 'router' ? 'GATEWAY' : 'SIDECAR_OUTBOUND',
    names: port === undefined ? [name] : [name, port],
    ports: name === HTTP_PROXY_TABLE ? 'by-host' : port === undefined ? [] : [Number(port)],
    portNames: [],
    gateways: [],
    routeNames: (route) => ruleNames(route, around),
  };
}

/** What VirtualServices call a route: its rule's name, with the name of the match behind it. */
function ruleNames(route: Route, { objects, read }: Surroundings): string[] {
  return sourcesIn(route.metadata).flatMap((source) => {
    const at = /^spec\.http\[(\d+)\](?:\.match\[(\d+)\])?/.exec(source.path ?? '');
    const object = source.kind === 'VirtualService' ? read.get(objects, keyOfRef(source)) : undefined;
    if (at === null || object?.kind !== 'VirtualService') return [];
    const rule = object.spec.http?.[Number(at[1])];
    const match = at[2] === undefined ? undefined : rule?.match?.[Number(at[2])];
    if (rule?.name === undefined) return [];
    return match?.name === undefined ? [rule.name] : [rule.name, `${rule.name}.${match.name}`];
  });
}

export function clusterFacts({ name, sources }: ClusterIr, role: Role, clusterDomain: string): ClusterFacts {
  if (role === 'router') return { context: 'GATEWAY', services: [] };
  if (!name.startsWith('inbound|')) return { context: 'SIDECAR_OUTBOUND', services: [] };
  const services = sources
    .filter(({ kind }) => kind === 'Service')
    .map((source) => serviceHostname(source.name, source.namespace, clusterDomain));
  return { context: 'SIDECAR_INBOUND', services };
}
