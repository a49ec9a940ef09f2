import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import { INGRESS_GATEWAY, usualHostPort } from '@lateen/api/gateway-workload.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { nodeMetadata } from '#agent/bootstrap.ts';
import { type CheckedFiles, checkFiles } from '#pilot/config/check-files.ts';
import type { Origin } from '#pilot/config/document-source.ts';
import { connectProxies, type PlannedPorts, planInstances } from '#pilot/explain/planned-mesh.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import { createPilot, type Pilot } from '#pilot/pilot.ts';
import type { Sources } from './read-sources.ts';

/** As `lateen up` takes ports: unlike those of any service. */
const FIRST_PORT = 20_000;

/** Ports as `lateen up` gives them out, on a machine where nobody has taken any. */
function freePorts(): PlannedPorts {
  let port = FIRST_PORT;
  const taken = new Set<number>();
  const next = (): number => {
    while (taken.has(port)) port++;
    return port++;
  };
  const gateway = (wanted: number, name: string): number => {
    const usual = usualHostPort(wanted);
    if (name !== INGRESS_GATEWAY.name || taken.has(usual)) return next();
    taken.add(usual);
    return usual;
  };
  return { next, gateway };
}

/** A mesh as `lateen up` would run it, with every proxy connected; nothing of it runs. */
export interface PlannedMesh {
  readonly pilot: Pilot;
  readonly instances: readonly WorkloadInstance[];
  readonly originOf: (key: ObjectKey) => Origin | undefined;
}

/** The mesh that is made of these files. Throws what is wrong with them. */
export function planFiles({ files }: Sources, namespace: string): PlannedMesh {
  const { clusterDomain } = DEFAULT_SETTINGS;
  const checked = checkFiles(files, { defaultNamespace: namespace, clusterDomain, wholeMesh: true });
  const errors = checked.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new DiagnosticError(errors);
  return planChecked(checked);
}

/** The mesh of objects that are all right. */
export function planChecked({ objects }: Pick<CheckedFiles, 'objects'>): PlannedMesh {
  const pilot = createPilot();
  pilot.graph.transaction(() => {
    for (const [key, { object }] of objects) pilot.objects.set(key, object);
  });
  const wanted = [...objects.values()].map(({ object }) => object);
  const instances = planInstances(pilot, wanted, freePorts());
  // EnvoyFilters may ask for what proxies say of themselves.
  const { trustDomain } = pilot.model.settings;
  connectProxies(pilot, instances, (instance) => nodeMetadata({ instance, trustDomain, meshId: 'files' }));
  return { pilot, instances, originOf: (key) => objects.get(key)?.origin };
}
