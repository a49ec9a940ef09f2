import type { ConfigObject, VirtualService } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { createPilot, type Pilot } from '../../packages/mesh/src/pilot/pilot.ts';

const ENDPOINTS_PER_SERVICE = 5;
export const FIRST_TIMEOUT_MS = 5_000;
const NAMESPACE = 'default';

/**
 * A mesh of `services` services in one namespace: each has a Service, a DestinationRule, a VirtualService with
 * two routes, and five instances.
 */
export function buildMesh(services: number): Pilot {
  const pilot = createPilot();
  pilot.graph.transaction(() => {
    for (let index = 0; index < services; index++) {
      for (const object of [serviceOf(index), destinationRuleOf(index), virtualServiceOf(index, FIRST_TIMEOUT_MS)]) {
        pilot.objects.set(keyOf(object), object);
      }
      for (let replica = 0; replica < ENDPOINTS_PER_SERVICE; replica++) {
        const instance = instanceOf(index, replica, 'ready');
        pilot.instances.set(instanceKey(instance), instance);
      }
    }
  });
  return pilot;
}

/** The instances whose sidecars connect: of a workload that no service leads to. */
export function addClients(pilot: Pilot, count: number): string[] {
  const clients = Array.from({ length: count }, (_, index) => instance(`client-${index}`, 'client', 'v1', index));
  pilot.graph.transaction(() => {
    for (const client of clients) pilot.instances.set(instanceKey(client), client);
  });
  return clients.map((client) => nodeIdOf(client));
}

export function serviceOf(index: number): ConfigObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `svc-${index}`, namespace: NAMESPACE },
    spec: { selector: { app: `svc-${index}` }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

function destinationRuleOf(index: number): ConfigObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: `svc-${index}`, namespace: NAMESPACE },
    spec: { host: `svc-${index}`, trafficPolicy: { loadBalancer: { simple: 'ROUND_ROBIN' } } },
  };
}

export function virtualServiceOf(index: number, timeoutMs: number): VirtualService {
  const host = `svc-${index}`;
  const route = [{ destination: { host } }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: host, namespace: NAMESPACE },
    spec: {
      hosts: [host],
      http: [
        {
          match: [{ uri: { prefix: '/api' } }],
          timeout: `${timeoutMs}ms`,
          retries: { attempts: 2, perTryTimeout: '2s', retryOn: '5xx,reset' },
          route,
        },
        { route },
      ],
    },
  };
}

export function instanceOf(service: number, replica: number, health: WorkloadInstance['health']): WorkloadInstance {
  const app = `svc-${service}`;
  const number = service * ENDPOINTS_PER_SERVICE + replica;
  return { ...instance(`${app}-${replica}`, app, replica % 2 === 0 ? 'v1' : 'v2', number), health };
}

/**
 * Each at an address of its own. Without a listener for every service port: that is how `lateen up` captures calls on
 * one machine, and such a mesh never has thousands of services.
 */
function instance(name: string, app: string, version: string, number: number): WorkloadInstance {
  return {
    name,
    namespace: NAMESPACE,
    role: 'sidecar',
    workload: app,
    labels: { app, version },
    serviceAccount: app,
    address: `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
    ports: [{ containerPort: 8080, inboundPort: 8080, appPort: 8081 }],
    health: 'ready',
    capture: { mode: 'explicit', httpProxyPort: 15001, servicePorts: {} },
  };
}
