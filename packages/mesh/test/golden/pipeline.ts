import { join } from 'node:path';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { nodeMetadata } from '#agent/bootstrap.ts';
import { Overlay } from '#pilot/config/overlay.ts';
import { parseDocuments } from '#pilot/config/parse.ts';
import { ConfigStore } from '#pilot/config/store.ts';
import { type NextPort, withMissingServicePorts } from '#pilot/explain/planned-instances.ts';
import { connectProxies as connectPlanned, planInstances } from '#pilot/explain/planned-mesh.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import { createPilot, type Pilot } from '#pilot/pilot.ts';
import { fillInInbound, fillInOutside, type Outside } from './placeholders.ts';

export interface CasePipeline {
  readonly pilot: Pilot;
  readonly instances: readonly WorkloadInstance[];
  readonly diagnostics: readonly Diagnostic[];
  /** Puts file and line to a diagnostic. */
  readonly locate: (each: Diagnostic) => Diagnostic;
}

/** Sends the text of an `input.yaml` through the whole of Pilot, with every replica ready. */
export function runPipeline(
  input: string,
  stateDir: string,
  nextPort: NextPort,
  gatewayHostPort: (port: number, gateway: string) => number,
  outside: Outside,
  now: () => number,
): CasePipeline {
  const pilot = createPilot(DEFAULT_SETTINGS, undefined, now);
  const overlay = new Overlay(join(stateDir, 'applied', 'objects.json'));
  const store = new ConfigStore(pilot.graph, pilot.objects, overlay, DEFAULT_SETTINGS.clusterDomain);
  const read = (instances: readonly WorkloadInstance[]) => {
    const text = fillInInbound(fillInOutside(input, outside), instances);
    const parsed = parseDocuments(text, 'input.yaml', { defaultNamespace: 'default' });
    store.setFiles(new Map([['input.yaml', parsed]]));
    return parsed;
  };
  const parsed = read([]);

  const planned = planInstances(
    pilot,
    parsed.objects.map(({ object }) => object),
    { next: nextPort, gateway: gatewayHostPort },
  );
  read(planned);
  // Ports of services may be among what is filled in.
  const instances = withMissingServicePorts(planned, pilot.model, nextPort);
  pilot.graph.transaction(() => {
    for (const instance of instances) pilot.instances.set(instanceKey(instance), instance);
  });
  return { pilot, instances, diagnostics: store.diagnostics(), locate: (each) => store.locate(each) };
}

/** Connects every instance's proxy, as the xDS server does when one comes. */
export function connectProxies({ pilot, instances }: CasePipeline): void {
  const { trustDomain } = DEFAULT_SETTINGS;
  connectPlanned(pilot, instances, (instance) => nodeMetadata({ instance, trustDomain, meshId: 'golden' }));
}
