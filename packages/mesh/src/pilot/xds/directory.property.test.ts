import { keyOf } from '@lateen/api/object-key.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPilot } from '../pilot.ts';
import { anyInstance, anyObject } from '../testing/random-mesh.ts';
import { PilotDirectory } from './directory.ts';
import type { ProxyView, Resource, ResourceType } from './resource.ts';

const TYPES: readonly ResourceType[] = ['cluster', 'endpoint', 'extension', 'listener', 'route', 'virtualHost'];

/** A client that looks only at what it is told has changed. */
class Follower {
  readonly copy = new Map<ResourceType, Map<string, Resource>>();
  readonly view: ProxyView;

  constructor(view: ProxyView) {
    this.view = view;
    for (const type of TYPES) this.copy.set(type, new Map(view.resources(type)));
    view.onChange((change) => {
      for (const [type, names] of change) {
        const wanted = view.resources(type);
        for (const name of names) {
          const resource = wanted.get(name);
          if (resource === undefined) this.copy.get(type)?.delete(name);
          else this.copy.get(type)?.set(name, resource);
        }
      }
    });
  }

  expectUpToDate(): void {
    for (const type of TYPES) {
      expect(sorted(this.copy.get(type) ?? new Map())).toEqual(sorted(this.view.resources(type)));
    }
  }
}

function sorted(resources: ReadonlyMap<string, Resource>) {
  return [...resources].map(([name, { version }]) => [name, version]).sort();
}

const step = fc.oneof(
  { weight: 4, arbitrary: anyObject.map((object) => ({ object })) },
  { weight: 2, arbitrary: anyObject.map((object) => ({ gone: keyOf(object) })) },
  { weight: 4, arbitrary: anyInstance.map((instance) => ({ instance })) },
  { weight: 1, arbitrary: anyInstance.map((instance) => ({ lost: instanceKey(instance) })) },
  { weight: 3, arbitrary: fc.nat(10).map((connect) => ({ connect })) },
  { weight: 1, arbitrary: fc.nat(10).map((close) => ({ close })) },
);

describe('the directory', () => {
  it('tells every view of all changes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 120, size: 'max' }), (steps) => {
        const pilot = createPilot();
        const directory = new PilotDirectory(pilot);
        const followers: Follower[] = [];
        for (const each of steps) {
          if ('object' in each) pilot.objects.set(keyOf(each.object), each.object);
          if ('gone' in each) pilot.objects.delete(each.gone);
          if ('instance' in each) pilot.instances.set(instanceKey(each.instance), each.instance);
          if ('lost' in each) pilot.instances.delete(each.lost);
          if ('connect' in each) {
            const instances: WorkloadInstance[] = [...pilot.instances.entries()].map(([, instance]) => instance);
            const instance = instances[each.connect % Math.max(1, instances.length)];
            if (instance === undefined) continue;
            const view = directory.connect({ id: nodeIdOf(instance), cluster: '', metadata: {} }, 'delta');
            followers.push(new Follower(view));
          }
          if ('close' in each) {
            const [closed] = followers.splice(each.close, 1);
            closed?.view.close();
          }
          for (const follower of followers) follower.expectUpToDate();
        }
      }),
      { numRuns: 30 },
    );
  });
});
