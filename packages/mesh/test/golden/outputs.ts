import type { JsonObject } from '@bufbuild/protobuf';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { stringify } from 'yaml';
import { allDiagnostics } from '#pilot/model/gateway-api/diagnostics.ts';
import type { Pilot } from '#pilot/pilot.ts';
import { unmatchedPatches } from '#pilot/xds/patch-matches.ts';
import { printResource } from '#pilot/xds/print-resource.ts';
import type { ResourceType } from '#pilot/xds/resource.ts';
import type { GoldenCase } from './case-file.ts';
import { fillForRecord } from './certificates.ts';
import { GATEWAY, workloadLabel } from './instances.ts';
import { type CasePipeline, connectProxies, runPipeline } from './pipeline.ts';
import type { Outside } from './placeholders.ts';

/** What one proxy holds, as Envoy's JSON. */
export type ProxyResources = Readonly<Record<Exclude<ResourceType, RareType>, readonly JsonObject[]>> & {
  /** Absent where there is none: few proxies have any. */
  readonly [type in RareType]?: readonly JsonObject[];
};

type RareType = 'extension' | 'secret' | 'virtualHost';

export interface CaseOutputs {
  /** File names below `expected/`, and what they must hold. */
  readonly files: ReadonlyMap<string, string>;
  /** By proxy. */
  readonly resources: ReadonlyMap<string, ProxyResources>;
  readonly diagnostics: readonly Diagnostic[];
}

const FIRST_PORT = 20_000;
const RECORDED_OUTSIDE: Outside = { ports: [19_001, 19_002, 19_003], socket: '/run/outside.sock' };

/** IR and xDS of the recorded proxies of a case, and its diagnostics. */
export function caseOutputs(golden: GoldenCase, stateDir: string): CaseOutputs {
  let port = FIRST_PORT;
  const pipeline = runPipeline(
    fillForRecord(golden.input, golden.certificates),
    stateDir,
    () => port++,
    // Those of the ingress gateway are the well-known ones; other gateways get what is free.
    (wanted, gateway) => (gateway !== INGRESS_GATEWAY.name ? port++ : wanted < 1024 ? wanted + 8000 : wanted),
    RECORDED_OUTSIDE,
    () => golden.atMs,
  );
  connectProxies(pipeline);
  const files = new Map<string, string>();
  const resources = new Map<string, ProxyResources>();
  for (const proxy of golden.proxies ?? defaultProxies(pipeline)) {
    const instance = pipeline.instances.find((each) => workloadLabel(each) === proxy);
    if (instance === undefined) throw new Error(`${golden.name}/expect.yaml: proxies: there is no workload ${proxy}`);
    const nodeId = nodeIdOf(instance);
    const held = resourcesOf(pipeline.pilot, nodeId);
    resources.set(proxy, held);
    files.set(`${proxy}.ir.yaml`, toYaml(fragmentsOf(pipeline.pilot, nodeId)));
    files.set(`${proxy}.xds.yaml`, toYaml(held));
  }
  const unmatched = unmatchedPatches(pipeline.pilot).map((each) => pipeline.locate(each.diagnostic));
  const ofModel = allDiagnostics(pipeline.pilot.model.diagnostics).map((each) => pipeline.locate(each));
  const diagnostics = [...pipeline.diagnostics, ...unmatched, ...ofModel];
  if (diagnostics.length > 0) files.set('diagnostics.yaml', toYaml(diagnostics));
  return { files, resources, diagnostics };
}

function defaultProxies({ instances }: CasePipeline): string[] {
  const labels = instances.map(workloadLabel);
  const first = labels.find((label) => label !== GATEWAY);
  return [...(first === undefined ? [] : [first]), ...(labels.includes(GATEWAY) ? [GATEWAY] : [])];
}

function resourcesOf(pilot: Pilot, nodeId: string): ProxyResources {
  const { holdings, resources } = pilot.resources;
  const held = holdings.get(nodeId);
  const list = (type: ResourceType) =>
    [...(held?.[type] ?? [])].sort(byFirst).map(([name, key]) => {
      const resource = resources.get(key);
      if (resource === undefined) throw new Error(`${nodeId} holds the ${type} ${name}, which does not exist`);
      return printResource(resource) as JsonObject;
    });
  const extension = list('extension');
  const secret = list('secret');
  const virtualHost = list('virtualHost');
  return {
    listener: list('listener'),
    ...(extension.length === 0 ? {} : { extension }),
    route: list('route'),
    ...(virtualHost.length === 0 ? {} : { virtualHost }),
    cluster: list('cluster'),
    endpoint: list('endpoint'),
    ...(secret.length === 0 ? {} : { secret }),
  };
}

/** The complete IR of one proxy: its own fragments, and the shared ones that it holds. */
function fragmentsOf({ resolved }: Pilot, nodeId: string) {
  const own = resolved.own.get(nodeId);
  const shared = resolved.shared.get(nodeId);
  if (own === undefined || shared === undefined) throw new Error(`${nodeId} was not resolved`);
  return {
    listeners: own.listeners.toSorted(byName),
    routes: [...[...shared.tables.values()].map((key) => resolved.tables.get(key)), ...own.tables]
      .filter((table) => table !== undefined)
      .toSorted(byName),
    ...(shared.virtualHosts.size === 0
      ? {}
      : { virtualHosts: [...shared.virtualHosts].sort(byFirst).map(([, key]) => resolved.virtualHosts.get(key)) }),
    clusters: [...[...shared.clusters.values()].map((key) => resolved.clusters.get(key)), ...own.clusters]
      .filter((cluster) => cluster !== undefined)
      .toSorted(byName),
    endpoints: [...shared.endpoints].sort(byFirst).map(([, key]) => resolved.endpoints.get(key)),
  };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function byFirst([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Fragments share parts; a file without aliases is easier to read. */
function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}
