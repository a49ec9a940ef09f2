import { encode } from '@lateen/envoy-api/encode';
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import {
  type TypedExtensionConfig,
  TypedExtensionConfigSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/extension_pb.js';
import { type Listener, ListenerSchema } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import type { ClusterIr } from '../proxy/ir/cluster.ts';
import type { ListenerIr } from '../proxy/ir/listener.ts';
import type { RouteTableIr, VirtualHostIr } from '../proxy/ir/route.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import { type EncodedHost, encodeHostMessage, encodeVirtualHost, joinRouteTable, named } from './encode-resource.ts';
import { patchCluster } from './patch/clusters.ts';
import { patchListener } from './patch/listeners.ts';
import type { ClusterFacts, ListenerFacts, TableFacts } from './patch/match.ts';
import type { Applied, Patches } from './patch/patch.ts';
import { addedHosts, concernsHost, patchHost, patchTable } from './patch/routes.ts';
import type { Resource } from './resource.ts';
import { translateCluster } from './translate/cluster.ts';
import { translateListener } from './translate/listener.ts';
import { translateRouteTable, translateVirtualHost } from './translate/route.ts';

/** A resource as patches left it. */
export interface PatchedResource {
  /** Absent: it was removed. */
  readonly resource?: Resource;
  /** The patches that found something here. */
  readonly applied: readonly SourceRef[];
}

/** Fragment -> Envoy message -> patched -> bytes. `undefined` where no patch found anything. */
export function encodePatchedCluster(
  ir: ClusterIr,
  facts: ClusterFacts,
  patches: Patches,
): PatchedResource | undefined {
  const applied: Applied = new Set();
  const message = patchCluster(translateCluster(ir), facts, patches, applied);
  return outcome(message && encodeClusterMessage(message), applied);
}

export function encodePatchedListener(
  ir: ListenerIr,
  facts: ListenerFacts,
  inlineRoutes: (table: string) => TableFacts,
  patches: Patches,
): PatchedResource | undefined {
  const applied: Applied = new Set();
  const message = patchListener(translateListener(ir), facts, inlineRoutes, patches, applied);
  return outcome(message && encodeListenerMessage(message), applied);
}

export function encodeClusterMessage(message: Cluster): Resource {
  const resource = named('cluster', message.name, encode(ClusterSchema, message));
  const { clusterDiscoveryType: discovery, edsClusterConfig: eds } = message;
  if (discovery.case !== 'type' || discovery.value !== Cluster_DiscoveryType.EDS) return resource;
  if (eds?.edsConfig?.configSourceSpecifier.case !== 'ads') return resource;
  return { ...resource, edsName: eds.serviceName === '' ? message.name : eds.serviceName };
}

export function encodeListenerMessage(message: Listener): Resource {
  return named('listener', message.name, encode(ListenerSchema, message));
}

export function encodeExtension(message: TypedExtensionConfig): Resource {
  return named('extension', message.name, encode(TypedExtensionConfigSchema, message));
}

/** As `encodeRouteTable`: hosts that no patch is for are not translated again, and others only when they changed. */
export function encodePatchedTable(ir: RouteTableIr, facts: TableFacts, patches: Patches): PatchedResource | undefined {
  const applied: Applied = new Set();
  const rest = patchTable(translateRouteTable({ ...ir, virtualHosts: [] }), facts, patches, applied);
  const merged = rest.virtualHosts.map((host) => patchHost(host, facts, patches, applied));
  const hosts: EncodedHost[] = [];
  for (const host of ir.virtualHosts) {
    if (!concernsHost(host, facts, patches)) {
      hosts.push(encodeVirtualHost(host));
      continue;
    }
    const patched = encodePatchedHost(host, facts, patches);
    for (const patch of patched.applied) applied.add(patch);
    if (patched.encoded !== undefined) hosts.push(patched.encoded);
  }
  const more = [...merged, ...addedHosts(facts, patches, applied)].filter((host) => host !== undefined);
  hosts.push(...more.map(encodeHostMessage));
  return outcome(joinRouteTable({ ...rest, virtualHosts: [] }, hosts), applied);
}

interface PatchedHost {
  /** Absent: it was removed. */
  readonly encoded?: EncodedHost;
  readonly applied: Applied;
}

/** By host, patches and the table's name. */
const patchedHosts = new WeakMap<VirtualHostIr, WeakMap<Patches, Map<string, PatchedHost>>>();

function encodePatchedHost(ir: VirtualHostIr, facts: TableFacts, patches: Patches): PatchedHost {
  const table = facts.names[0] ?? '';
  const byPatches = patchedHosts.get(ir) ?? new WeakMap<Patches, Map<string, PatchedHost>>();
  const byTable = byPatches.get(patches) ?? new Map<string, PatchedHost>();
  const known = byTable.get(table);
  if (known !== undefined) return known;
  const applied: Applied = new Set();
  const message = patchHost(translateVirtualHost(ir), facts, patches, applied);
  const patched = { ...(message === undefined ? {} : { encoded: encodeHostMessage(message) }), applied };
  // What rules are called is told by other objects, whose changes would go unnoticed.
  if (asksForRouteName(patches)) return patched;
  patchedHosts.set(ir, byPatches.set(patches, byTable.set(table, patched)));
  return patched;
}

function asksForRouteName({ HTTP_ROUTE = [] }: Patches): boolean {
  return HTTP_ROUTE.some(({ routes }) => routes?.host?.route?.name !== undefined);
}

function outcome(resource: Resource | undefined, applied: Applied): PatchedResource | undefined {
  if (applied.size === 0) return undefined;
  return { ...(resource === undefined ? {} : { resource }), applied: [...applied].map(({ source }) => source) };
}
