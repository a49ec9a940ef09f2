import type * as z from 'zod/mini';
import { clusterOnly, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { metadata } from './metadata.ts';

/** Of ConfigMaps and Secrets. */
export const configKey = v.syntax(
  (text) => text.length <= 253 && /^[-._a-zA-Z0-9]+$/.test(text),
  "a key of at most 253 of letters, digits, '-', '_' and '.'",
);

export const configMap = object({
  apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
  kind: required(v.literal('ConfigMap'), 'The kind.'),
  metadata: required(metadata, 'Name, namespace, labels and annotations.'),
  data: optional(v.map(v.text(), configKey), 'Values by key; all values are text.'),
  binaryData: later(v.map(v.text(), configKey), 'binary values'),
  immutable: clusterOnly(v.bool(), 'files on one machine can always be edited'),
});

export type ConfigMap = z.infer<typeof configMap>;
