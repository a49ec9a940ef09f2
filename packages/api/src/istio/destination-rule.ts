import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { forEachRepeated, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { workloadSelector } from './common.ts';
import { trafficPolicy } from './traffic-policy.ts';

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
    exportTo: later(v.array(v.text()), 'visibility of configuration'),
    workloadSelector: later(workloadSelector, 'policies for some callers only'),
  },
  {
    rules({ subsets = [] }, report) {
      forEachRepeated(
        subsets,
        ({ name }) => name,
        ({ name }, index) => report(`the subset ${name} is defined twice`, ['subsets', index, 'name']),
      );
    },
  },
);

export const destinationRule = objectSchema('networking.istio.io/v1', 'DestinationRule', destinationRuleSpec);

export type Subset = z.infer<typeof subset>;
export type DestinationRule = z.infer<typeof destinationRule>;
