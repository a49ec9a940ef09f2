import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { forEachRepeated, object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { workloadSelector } from './common.ts';
import { type TrafficPolicy, trafficPolicy } from './traffic-policy.ts';
import { checkExportTo, exportTo } from './visibility.ts';

/** Far more than anybody has; an API server adds up what checking them could cost. */
const MAX_SUBSETS = 1024;

const subset = object({
  name: required(v.dnsLabel(), 'Name that routes use for these instances.'),
  labels: optional(v.labels(), 'Instances belong to the subset when they have all of these labels.'),
  trafficPolicy: optional(trafficPolicy, 'Overrides the policy of the host for this subset.'),
});

const destinationRuleSpec = object(
  {
    host: required(
      v.wildcardHost(),
      'Service that the policy is for. A short name is completed with the namespace of this object.',
    ),
    trafficPolicy: optional(trafficPolicy, 'Policy for connections and requests to the host.'),
    subsets: optional(v.arrayUpTo(MAX_SUBSETS, subset), 'Named groups of instances, such as versions.'),
    exportTo: optional(
      exportTo,
      'Namespaces whose workloads the policy holds for; all by default. That of the caller goes before that of the service, and that before the root namespace.',
    ),
    workloadSelector: optional(
      workloadSelector,
      'Only callers in the namespace of this object that have these labels are under the policy.',
    ),
  },
  {
    rules({ subsets = [], workloadSelector, exportTo = [] }, report) {
      checkExportTo(exportTo, report);
      if (workloadSelector !== undefined && exportTo.some((namespace) => namespace !== '.')) {
        report("can only be '.' beside workloadSelector, which selects in the namespace of the object", ['exportTo']);
      }
      forEachRepeated(
        subsets,
        ({ name }) => name,
        ({ name }, index) => report(`the subset ${name} is defined twice`, ['subsets', index, 'name']),
      );
    },
    advice({ trafficPolicy, subsets = [] }, report) {
      adviseFailover(trafficPolicy, undefined, report, ['trafficPolicy']);
      subsets.forEach((subset, i) => {
        adviseFailover(subset.trafficPolicy, trafficPolicy, report, ['subsets', i, 'trafficPolicy']);
      });
    },
  },
);

/** Only outlier detection tells that instances near by have failed. */
function adviseFailover(
  policy: TrafficPolicy | undefined,
  inherited: TrafficPolicy | undefined,
  report: Report,
  path: readonly (string | number)[],
): void {
  const settings = [
    { at: [], policy, detects: (policy?.outlierDetection ?? inherited?.outlierDetection) !== undefined },
    ...(policy?.portLevelSettings ?? []).map((port, i) => ({
      at: ['portLevelSettings', i],
      policy: port,
      detects: port.outlierDetection !== undefined,
    })),
  ];
  for (const { at, policy, detects } of settings) {
    const { failover, failoverPriority } = policy?.loadBalancer?.localityLbSetting ?? {};
    const field = failover !== undefined ? 'failover' : failoverPriority !== undefined ? 'failoverPriority' : undefined;
    if (field === undefined || detects) continue;
    report('has no effect without outlierDetection, which tells what has failed', [
      ...path,
      ...at,
      'loadBalancer',
      'localityLbSetting',
      field,
    ]);
  }
}

export const destinationRule = objectSchema('networking.istio.io/v1', 'DestinationRule', destinationRuleSpec);

export type Subset = z.infer<typeof subset>;
export type DestinationRule = z.infer<typeof destinationRule>;
