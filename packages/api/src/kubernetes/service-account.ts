import type * as z from 'zod/mini';
import { clusterOnly, object, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { metadata } from './metadata.ts';

export const serviceAccount = object({
  apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
  kind: required(v.literal('ServiceAccount'), 'The kind.'),
  metadata: required(metadata, 'Name, namespace, labels and annotations. Each ServiceAccount is one identity.'),
  secrets: clusterOnly(v.array(v.anything()), 'identities on one machine come from the mesh'),
  imagePullSecrets: clusterOnly(v.array(v.anything()), 'images are not pulled on one machine'),
  automountServiceAccountToken: clusterOnly(v.bool(), 'there is no API server on one machine'),
});

export type ServiceAccount = z.infer<typeof serviceAccount>;
