import { keyOf } from '@lateen/api/object-key.ts';
import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import { parseDocuments } from '../config/parse.ts';
import type { Pilot } from '../pilot.ts';
import { heldTable } from '../testing/held-table.ts';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const SERVICES = serviceText('a', '[{port: 80, name: http}]') + serviceText('b', '[{port: 80, name: http}]');

function client(name: string, more: Partial<WorkloadInstance> = {}): WorkloadInstance {
  const capture = { mode: 'redirect', interception: 'redirect' } as const;
  return sidecarOf(name, { address: '10.1.0.1', ports: [], capture, ...more });
}

function rules(host: string, prefix: string): string {
  const spec = `{hosts: [${host}], http: [{match: [{uri: {prefix: ${prefix}}}], route: [{destination: {host: ${host}}}]}]}`;
  return networkingText('VirtualService', host, spec);
}

function hostKeys({ resolved }: Pilot, { name, ...rest }: WorkloadInstance) {
  return resolved.shared.get(nodeIdOf({ name, ...rest }))?.virtualHosts ?? new Map<string, string>();
}

describe('virtual hosts of redirected workloads', () => {
  it('come on their own, and a change of rules for one of them is just that', () => {
    const one = client('one');
    const pilot = pilotOf(SERVICES + rules('a', '/v1'), one);
    const names = ['80/a.default.svc.cluster.local', '80/b.default.svc.cluster.local'];
    expect([...hostKeys(pilot, one).keys()]).toEqual(names);
    const { resources } = pilot.resources;
    const changed = new Set<string | undefined>();
    resources.onChange((keys) => {
      for (const key of keys) changed.add(resources.get(key)?.name);
    });
    const [after] = parseDocuments(rules('a', '/v2'), 'test.yaml', { defaultNamespace: 'default' }).objects;
    if (after !== undefined) pilot.objects.set(keyOf(after.object), after.object);
    expect([...changed]).toEqual(['80/a.default.svc.cluster.local']);
  });

  it('are the same resources for the clients of all namespaces that call them by the same names', () => {
    const [near, far, farther] = [
      client('one'),
      client('two', { namespace: 'x', address: '10.1.0.2' }),
      client('three', { namespace: 'y', address: '10.1.0.3' }),
    ] as const;
    const pilot = pilotOf(SERVICES, near, far, farther);
    expect([...hostKeys(pilot, far)]).toEqual([...hostKeys(pilot, farther)]);
    expect([...hostKeys(pilot, near).values()]).not.toEqual([...hostKeys(pilot, far).values()]);
  });

  it('stay in their tables for a proxy that speaks the state-of-the-world protocol', () => {
    const one = client('one');
    const pilot = pilotOf(SERVICES, one);
    const apart = heldTable(pilot, one, '80')?.virtualHosts;
    const nodeId = nodeIdOf(one);
    pilot.proxies.set(nodeId, { nodeId, instance: 'one.default', wholeTables: true });
    expect([...hostKeys(pilot, one)]).toEqual([]);
    expect(heldTable(pilot, one, '80')).toEqual({ name: '80', ignorePortInHost: true, virtualHosts: apart });
  });

  it('stay in their tables where an EnvoyFilter alters routes', () => {
    const one = client('one');
    const patch = `{applyTo: VIRTUAL_HOST, match: {context: SIDECAR_OUTBOUND}, patch: {operation: MERGE, value: {include_request_attempt_count: true}}}`;
    const pilot = pilotOf(
      SERVICES + networkingText('EnvoyFilter', 'count', `{configPatches: [${patch}]}`).replace('/v1,', '/v1alpha3,'),
      one,
    );
    expect([...hostKeys(pilot, one)]).toEqual([]);
    expect(heldTable(pilot, one, '80')?.virtualHosts).toHaveLength(3);
  });
});
