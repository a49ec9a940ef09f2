import type * as z from 'zod/mini';
import { clusterOnly, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { objectSchema, podMetadata } from './metadata.ts';
import { podSpec } from './pod.ts';

const ROLLOUT = 'on one machine a changed replica is started anew at once';

const labelSelector = object({
  matchLabels: optional(v.labels(), 'Pods belong to the Deployment when they have all of these labels.'),
  matchExpressions: later(v.array(v.anyObject()), 'selectors with expressions'),
});

const deploymentSpec = object(
  {
    replicas: optional(v.int(0), 'Number of pods; 1 by default.'),
    selector: required(labelSelector, 'Which pods belong to the Deployment; the labels of the template must match.'),
    template: required(
      object({
        metadata: optional(podMetadata, 'Labels and annotations of the pods.'),
        spec: required(podSpec, 'What runs in the pods.'),
      }),
      'What each pod is like.',
    ),
    minReadySeconds: later(v.int(0), 'a time that pods must be ready', [0]),
    paused: later(v.bool(), 'paused Deployments'),
    strategy: clusterOnly(v.anyObject(), ROLLOUT),
    revisionHistoryLimit: clusterOnly(v.int(0), ROLLOUT),
    progressDeadlineSeconds: clusterOnly(v.int(0), ROLLOUT),
  },
  {
    rules({ selector, template }, report) {
      const wanted = Object.entries(selector.matchLabels ?? {});
      if (wanted.length === 0 && (selector.matchExpressions ?? []).length === 0) {
        report('must have at least one label in matchLabels', ['selector']);
      }
      const labels = template.metadata?.labels ?? {};
      for (const [key, value] of wanted) {
        if (labels[key] === value) continue;
        const found = labels[key] === undefined ? `has no label ${key}` : `has ${key}: ${labels[key]}`;
        report(`selects ${key}: ${value}, but the template ${found}`, ['selector', 'matchLabels', key]);
      }
    },
  },
);

export const deployment = objectSchema('apps/v1', 'Deployment', deploymentSpec);

export type Deployment = z.infer<typeof deployment>;
