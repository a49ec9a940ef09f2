import type { ExplainRequest } from '@lateen/api/admin.ts';
import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import { INGRESS_GATEWAY, usualHostPort } from '@lateen/api/gateway-workload.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import { nodeMetadata } from '#agent/bootstrap.ts';
import { checkFiles } from '#pilot/config/check-files.ts';
import { explain } from '#pilot/explain/explain.ts';
import { connectProxies, type PlannedPorts, planInstances } from '#pilot/explain/planned-mesh.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import { createPilot } from '#pilot/pilot.ts';
import type { Sources } from '../check/read-sources.ts';

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

/** As a mesh made of these files would treat the request. Throws what is wrong with the files. */
export function explainFiles({ files }: Sources, namespace: string, request: ExplainRequest): Journey {
  const { clusterDomain } = DEFAULT_SETTINGS;
  const { objects, diagnostics } = checkFiles(files, { defaultNamespace: namespace, clusterDomain, wholeMesh: true });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new DiagnosticError(errors);
  const pilot = createPilot();
  pilot.graph.transaction(() => {
    for (const [key, { object }] of objects) pilot.objects.set(key, object);
  });
  const wanted = [...objects.values()].map(({ object }) => object);
  const instances = planInstances(pilot, wanted, freePorts());
  // EnvoyFilters may ask for what proxies say of themselves.
  const { trustDomain } = pilot.model.settings;
  connectProxies(pilot, instances, (instance) => nodeMetadata({ instance, trustDomain, meshId: 'files' }));
  return explain(pilot, request, (key) => objects.get(key)?.origin);
}
