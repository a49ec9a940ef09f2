import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { DEFAULT_SETTINGS } from '../../packages/mesh/src/pilot/model/settings.ts';
import { createPilot, type Pilot } from '../../packages/mesh/src/pilot/pilot.ts';

const ENDPOINTS_PER_SERVICE = 5;
const ZONES = 3;
/** How many services share the third octet of their endpoints' addresses, and how many the second. */
const PER_THIRD = 50;
const PER_SECOND = 12_800;
const OCTET = 256;

/**
 * A mesh of `services` services in one namespace, as ServiceEntries with five endpoints in three zones; each has a
 * VirtualService with two routes and a DestinationRule.
 */
export function buildMesh(services: number): Pilot {
  const pilot = createPilot({ ...DEFAULT_SETTINGS, scoping: 'off' });
  pilot.graph.transaction(() => {
    for (let index = 0; index < services; index++) {
      for (const each of serviceWithRules(index)) pilot.objects.set(keyOf(each), each);
    }
  });
  return pilot;
}

export function serviceWithRules(index: number): readonly ConfigObject[] {
  return [serviceEntryOf(index, addressOf(index, 0)), virtualServiceOf(index, 'none'), destinationRuleOf(index, 100)];
}

export function serviceEntryOf(index: number, firstAddress: string): ConfigObject {
  return networking('ServiceEntry', index, {
    hosts: [hostOf(index)],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }],
    endpoints: Array.from({ length: ENDPOINTS_PER_SERVICE }, (_, k) => ({
      address: k === 0 ? firstAddress : addressOf(index, k),
      labels: { app: `svc-${index}`, version: `v${1 + (k % 2)}` },
      locality: `region/zone-${k % ZONES}`,
    })),
  });
}

/** @param mark what its requests get in a header */
export function virtualServiceOf(index: number, mark: string): ConfigObject {
  const route = [{ destination: { host: hostOf(index) } }];
  return networking('VirtualService', index, {
    hosts: [hostOf(index)],
    http: [
      {
        match: [{ uri: { prefix: '/api' } }],
        headers: { request: { set: { 'x-mark': mark } } },
        timeout: '5s',
        retries: { attempts: 2, perTryTimeout: '2s', retryOn: '5xx,reset' },
        route,
      },
      { route },
    ],
  });
}

export function destinationRuleOf(index: number, maxConnections: number): ConfigObject {
  return networking('DestinationRule', index, {
    host: hostOf(index),
    trafficPolicy: {
      connectionPool: { tcp: { maxConnections }, http: { http2MaxRequests: 1000 } },
      outlierDetection: { consecutive5xxErrors: 5, interval: '10s', baseEjectionTime: '30s' },
    },
  });
}

/** Replaces what `serviceEntryOf` has in itself: its endpoints are found by a label, and this is one of them. */
export function selectingEntryOf(index: number): ConfigObject {
  const { endpoints: _, ...spec } = (serviceEntryOf(index, '') as { readonly spec: Record<string, unknown> }).spec;
  return networking('ServiceEntry', index, { ...spec, workloadSelector: { labels: { app: `svc-${index}` } } });
}

export function workloadEntryOf(index: number, address: string): ConfigObject {
  return networking('WorkloadEntry', index, { address, labels: { app: `svc-${index}` } });
}

/** A workload that only calls, with the proxy that all its connections are redirected to. */
export function clientOf(index: number): WorkloadInstance {
  return {
    name: `client-${index}`,
    namespace: 'default',
    role: 'sidecar',
    workload: 'client',
    labels: { app: 'client' },
    serviceAccount: 'client',
    address: `10.200.${Math.floor(index / OCTET)}.${index % OCTET}`,
    ports: [],
    health: 'ready',
    capture: { mode: 'redirect', interception: 'redirect' },
  };
}

export function addClient(pilot: Pilot, index: number): string {
  const client = clientOf(index);
  pilot.instances.set(instanceKey(client), client);
  return nodeIdOf(client);
}

function hostOf(index: number): string {
  return `svc-${index}.mesh.test`;
}

export function addressOf(index: number, replica: number): string {
  const last = (index % PER_THIRD) * ENDPOINTS_PER_SERVICE + replica + 1;
  return `10.${10 + Math.floor(index / PER_SECOND)}.${Math.floor(index / PER_THIRD) % OCTET}.${last}`;
}

function networking(kind: string, index: number, spec: unknown): ConfigObject {
  const metadata = { name: `svc-${index}`, namespace: 'default' };
  return { apiVersion: 'networking.istio.io/v1', kind, metadata, spec } as unknown as ConfigObject;
}
