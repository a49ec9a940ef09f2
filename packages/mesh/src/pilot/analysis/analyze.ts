import { type Diagnostic, diagnostic, type ObjectRef } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { Check, Problem } from './check.ts';
import { annotations } from './checks/annotations.ts';
import { bodies } from './checks/answers.ts';
import { doubleConnectionRules } from './checks/connection-rules.ts';
import { destinationPorts } from './checks/destination-ports.ts';
import { sameHostRules } from './checks/destination-rules.ts';
import { endpointSlices } from './checks/endpoint-slices.ts';
import { exportedNamespaces } from './checks/export-to.ts';
import { gatewayHosts } from './checks/gateway-hosts.ts';
import { gatewayPorts } from './checks/gateway-ports.ts';
import { sharedCertificates, unusedGateways } from './checks/gateways.ts';
import { http3 } from './checks/http3.ts';
import { ingressConflicts } from './checks/ingress-conflicts.ts';
import { ingressBackends, ingressClasses, ingressWords } from './checks/ingresses.ts';
import { mergedHosts } from './checks/merged-hosts.ts';
import { neverMatching, noCallers } from './checks/never-matching.ts';
import { pathRewrites } from './checks/path-rewrites.ts';
import { policyConflicts } from './checks/policies.ts';
import { repeatedDestinations } from './checks/repeated-destinations.ts';
import { selectors } from './checks/selectors.ts';
import { sameAddresses, sameHosts, unusedSubnets, unusedWorkloadEntries } from './checks/service-entries.ts';
import {
  conflictingServices,
  emptyServices,
  externalNameCircles,
  servicePorts,
  specialServices,
  unservedDeployments,
} from './checks/services.ts';
import { hiddenHosts, sidecarConflicts, sidecarHosts } from './checks/sidecars.ts';
import { subsets } from './checks/subsets.ts';
import { timeouts } from './checks/timeouts.ts';
import { tlsConflicts } from './checks/tls-conflicts.ts';
import { trust } from './checks/trust.ts';
import { unreachableRules } from './checks/unreachable-rules.ts';
import { weights } from './checks/weights.ts';
import { type ViewSettings, viewOf } from './mesh-view.ts';

/**
 * Every check of the whole configuration. What an object refers to and is not there (hosts, subsets, ports, gateways,
 * delegates, scheduled rules, Secrets) is told by the admission, which has to know.
 */
export const checks: readonly Check[] = [
  unreachableRules,
  neverMatching,
  noCallers,
  mergedHosts,
  weights,
  repeatedDestinations,
  timeouts,
  pathRewrites,
  bodies,
  destinationPorts,
  gatewayHosts,
  unusedGateways,
  sharedCertificates,
  gatewayPorts,
  http3,
  doubleConnectionRules,
  selectors,
  sameHostRules,
  subsets,
  tlsConflicts,
  trust,
  emptyServices,
  servicePorts,
  conflictingServices,
  unservedDeployments,
  specialServices,
  externalNameCircles,
  sameHosts,
  sameAddresses,
  unusedSubnets,
  unusedWorkloadEntries,
  sidecarConflicts,
  sidecarHosts,
  hiddenHosts,
  policyConflicts,
  exportedNamespaces,
  ingressClasses,
  ingressBackends,
  ingressWords,
  ingressConflicts,
  endpointSlices,
  annotations,
];

/** Where an object was written. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly lineOf: (path: string) => number;
}

export interface AnalysisInput extends ViewSettings {
  readonly objects: Iterable<ConfigObject>;
  readonly placeOf: (ref: ObjectRef) => Place | undefined;
  /** The objects are a part of a mesh only, so nothing is said of what is missing. */
  readonly isPart?: boolean;
}

/** What the checks find, most severe first, then by file and line. */
export function analyze(input: AnalysisInput): Diagnostic[] {
  const steps = analysisSteps(input);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same in steps of a few milliseconds, for callers that have other things to do in between. */
export function* analysisSteps({
  objects,
  placeOf,
  isPart = false,
  ...settings
}: AnalysisInput): Generator<void, Diagnostic[]> {
  const mesh = viewOf(objects, settings);
  const found: Diagnostic[] = [];
  for (const check of checks) {
    yield;
    if (isPart && check.needsAll) continue;
    for (const problem of check.run(mesh)) found.push(located(problem, placeOf));
  }
  return found.sort(bySeverityAndPlace);
}

function located({ code, object, path, message }: Problem, placeOf: AnalysisInput['placeOf']): Diagnostic {
  const place = placeOf(object);
  return diagnostic(code, message, {
    object,
    ...(place === undefined ? {} : { file: place.file, line: path === undefined ? place.line : place.lineOf(path) }),
    ...(path === undefined ? {} : { path }),
  });
}

const ORDER = { error: 0, warning: 1, info: 2 } as const;

function bySeverityAndPlace(a: Diagnostic, b: Diagnostic): number {
  return (
    ORDER[a.severity] - ORDER[b.severity] ||
    compare(a.file ?? '', b.file ?? '') ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compare(a.code, b.code)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
