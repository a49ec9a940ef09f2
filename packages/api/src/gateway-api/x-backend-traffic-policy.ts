import type * as z from 'zod/mini';
import { durationMs } from '../duration.ts';
import { objectSchema } from '../kubernetes/metadata.ts';
import { checked, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { arrayOfOneTo, distinct, duration } from './common.ts';
import { localObjectRef } from './references.ts';
import { sessionPersistence } from './session-persistence.ts';

const HOUR_MS = 3_600_000;

/** A duration up to an hour. */
function interval(minimum: '1ms' | '1s') {
  return checked(duration(), (value) => {
    const valueMs = durationMs(value) ?? 0;
    return valueMs < (durationMs(minimum) ?? 0) || valueMs > HOUR_MS
      ? `must be from ${minimum} to 1h, not ${value}`
      : undefined;
  });
}

const retryConstraint = object({
  budget: optional(
    object({
      percent: optional(v.int(0, 100), 'How many percent of the requests may be retries; 20 by default.'),
      interval: optional(interval('1s'), 'Time over which they are counted, 1s to 1h; 10s by default.'),
    }),
    'Which part of the requests may be retries.',
  ),
  minRetryRate: optional(
    object({
      count: optional(v.int(1, 1_000_000), 'How many retries; 10 if minRetryRate is left out as a whole.'),
      interval: optional(interval('1ms'), 'In this time, up to 1h; 1s if minRetryRate is left out as a whole.'),
    }),
    'So many retries are always allowed.',
  ),
});

const spec = object({
  targetRefs: required(
    distinct(arrayOfOneTo(16, localObjectRef), ({ group, kind, name }) => `${group}/${kind}/${name}`),
    'Services that the policy is for, each once.',
  ),
  retryConstraint: optional(retryConstraint, 'How many retries there may be.'),
  sessionPersistence: optional(sessionPersistence, 'Requests of one session go to one endpoint.'),
});

export const xBackendTrafficPolicy = objectSchema(
  'gateway.networking.x-k8s.io/v1alpha1',
  'XBackendTrafficPolicy',
  spec,
);

export type XBackendTrafficPolicy = z.infer<typeof xBackendTrafficPolicy>;
