import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { expect } from 'vitest';
import { parseDocuments } from '../config/parse.ts';
import { DEFAULT_SETTINGS, type MeshSettings } from '../model/settings.ts';
import { createPilot, type Pilot } from '../pilot.ts';

/** A Pilot with the objects of a YAML text, which must be right, and with instances whose proxies are connected. */
export function pilotOf(
  input: string | { readonly text: string; readonly scoping: MeshSettings['scoping'] },
  ...instances: readonly WorkloadInstance[]
): Pilot {
  const { text, scoping } = typeof input === 'string' ? { text: input, scoping: 'declared' as const } : input;
  const pilot = createPilot({ ...DEFAULT_SETTINGS, scoping });
  const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  pilot.graph.transaction(() => {
    for (const { object } of objects) pilot.objects.set(keyOf(object), object);
    for (const instance of instances) {
      const nodeId = nodeIdOf(instance);
      pilot.instances.set(instanceKey(instance), instance);
      pilot.proxies.set(nodeId, { nodeId, instance: instanceKey(instance) });
    }
  });
  return pilot;
}

/** A ready replica with one container port, 8080, named `web`. */
export function sidecarOf(name: string, more: Partial<WorkloadInstance> = {}): WorkloadInstance {
  return {
    name,
    namespace: 'default',
    role: 'sidecar',
    workload: 'app',
    labels: { app: 'a', version: 'v1' },
    serviceAccount: 'one',
    address: '127.0.0.1',
    ports: [{ containerPort: 8080, name: 'web', inboundPort: 20_000, appPort: 20_001 }],
    health: 'ready',
    capture: { mode: 'explicit', httpProxyPort: 20_002, servicePorts: {} },
    ...more,
  };
}

/** A gateway proxy that can open the ports of the host that are given for ports of Gateways. */
export function gatewayOf(
  hostPorts: Readonly<Record<number, number>>,
  more: Partial<WorkloadInstance> = {},
): WorkloadInstance {
  return sidecarOf('gateway', {
    role: 'router',
    labels: { istio: 'ingressgateway' },
    ports: [],
    capture: { mode: 'gateway', hostPorts },
    ...more,
  });
}

/** One document: a Service `name` whose pods are those with the label `app: NAME`. */
export function serviceText(name: string, ports: string, more: { namespace?: string; selector?: string } = {}): string {
  const { namespace = 'default', selector = `{app: ${name}}` } = more;
  return `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: ${namespace}}, spec: {selector: ${selector}, ports: ${ports}}}\n`;
}

/** One document of Istio's networking API; `spec` in YAML's flow style. */
export function networkingText(kind: string, name: string, spec: string, namespace = 'default'): string {
  return `---\n{apiVersion: networking.istio.io/v1, kind: ${kind}, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}\n`;
}
