import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import { instanceKey, nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import type { Place } from '#pilot/simulator/journey/journey.ts';
import { type InstanceMesh, instanceMesh } from '#pilot/simulator/journey/mesh-view.ts';
import { heldConfiguration } from '#pilot/xds/held-configuration.ts';
import type { GoldenCase } from './case-file.ts';
import { fillForRecord } from './certificates.ts';
import { isHere, LOOPBACK, workloadLabel } from './instances.ts';
import { connectProxies, runPipeline } from './pipeline.ts';
import type { Outside } from './placeholders.ts';

/** The mesh of a case as the simulator sees it: the configuration that its proxies would hold, and nothing that runs. */
export interface SimulatedMesh {
  readonly instances: readonly WorkloadInstance[];
  readonly outside: Outside;
  /** `NAME.NAMESPACE` of the instances whose application speaks TLS. */
  readonly speaksTls: ReadonlySet<string>;
  /** The mesh at a time. */
  readonly at: (ms: number) => InstanceMesh;
}

const FIRST_PORT = 20_000;
const OUTSIDE: Outside = { ports: [19_001, 19_002, 19_003], socket: '/run/outside.sock' };

export function simulateMesh(golden: GoldenCase, stateDir: string): SimulatedMesh {
  let port = FIRST_PORT;
  let now = golden.atMs;
  const next = () => port++;
  const input = fillForRecord(golden.input, golden.certificates);
  const pipeline = runPipeline(input, stateDir, next, next, OUTSIDE, () => now);
  connectProxies(pipeline);
  const { pilot, instances } = pipeline;
  return {
    instances,
    outside: OUTSIDE,
    speaksTls: new Set(instances.filter((each) => golden.tls.has(workloadLabel(each))).map(instanceKey)),
    at(ms) {
      now = ms;
      pilot.tick();
      const mesh = instanceMesh({
        instances,
        configurationOf: (instance) => heldConfiguration(pilot.resources, nodeIdOf(instance)),
        certificateOf: (instance) => ({ names: [identityOf(instance, golden)], trusted: true }),
        elsewhere,
      });
      const isDown = (key: string) =>
        instances.some((instance) => instanceKey(instance) === key && golden.down.includes(instance.name));
      return {
        ...mesh,
        lookUpPipe: (path) => (path === OUTSIDE.socket ? { type: 'outside' } : undefined),
        lookUp(from, address) {
          const place = mesh.lookUp(from, isHere(address.host) ? { ...address, host: LOOPBACK } : address);
          if (place.type !== 'application' || !isDown(place.instance)) return place;
          return { type: 'nobody', reason: 'the application does not listen' };
        },
      };
    },
  };
}

/** Nothing but the plain servers is outside of a case's mesh, and no other names can be looked up than this machine's. */
function elsewhere({ host, port }: { readonly host: string; readonly port: number }): Place {
  if (isHere(host) && OUTSIDE.ports.includes(port)) return { type: 'outside' };
  return { type: 'nobody', reason: `${host}:${port} cannot be reached` };
}

function identityOf(instance: WorkloadInstance, { impostors }: GoldenCase): string {
  const { trustDomain } = DEFAULT_SETTINGS;
  const { namespace } = instance;
  const serviceAccount = impostors.get(workloadLabel(instance)) ?? instance.serviceAccount;
  return spiffeIdOf({ trustDomain, namespace, serviceAccount });
}
