import type * as z from 'zod/mini';
import { clusterOnly, object, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { clusterMetadata } from './metadata.ts';

export const namespace = object({
  apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
  kind: required(v.literal('Namespace'), 'The kind.'),
  metadata: required(clusterMetadata, 'Name, labels and annotations.'),
  spec: clusterOnly(v.anyObject(), 'finalizers are kept by the API server of a cluster'),
  status: clusterOnly(v.anyObject(), 'written by control planes'),
});

export type Namespace = z.infer<typeof namespace>;
