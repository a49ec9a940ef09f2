import type * as z from 'zod/mini';
import { isDns1035Label } from '../names.ts';
import { annotate, clusterOnly, later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const SERVER = 'kept by the API server of a cluster';

const common = {
  labels: optional(v.labels(), 'Labels, by which selectors find the object.'),
  annotations: optional(v.annotations(), 'Free notes for people and tools.'),
  generateName: later(v.text(), 'generated names; give a name'),
  uid: clusterOnly(v.text(), SERVER),
  resourceVersion: clusterOnly(v.text(), SERVER),
  generation: clusterOnly(v.int(0, Number.MAX_SAFE_INTEGER), SERVER),
  creationTimestamp: clusterOnly(v.text(), SERVER),
  deletionTimestamp: clusterOnly(v.text(), SERVER),
  deletionGracePeriodSeconds: clusterOnly(v.int(0, Number.MAX_SAFE_INTEGER), SERVER),
  selfLink: clusterOnly(v.text(), SERVER),
  managedFields: clusterOnly(v.array(v.anything()), SERVER),
  ownerReferences: clusterOnly(v.array(v.anything()), SERVER),
  finalizers: clusterOnly(v.array(v.text()), SERVER),
};

const namespace = annotate(v.dnsLabel(), {
  description: 'Namespace of the object; `default`, or the one given on the command line, if it is left out.',
  filledIn: true,
});

/** Metadata of kinds that live in a namespace. */
export const metadata = object({
  name: required(v.dnsSubdomain(), 'Name of the object, unique for its kind and namespace.'),
  namespace,
  ...common,
});

/** Metadata of objects whose name becomes a part of a DNS name. */
export const dnsLabelMetadata = object({
  name: required(
    v.syntax(isDns1035Label, "a name of at most 63 of a-z, 0-9 and '-' that starts with a letter"),
    'Name of the object, unique for its kind and namespace; part of DNS names.',
  ),
  namespace,
  ...common,
});

/** Metadata of Namespace. */
export const clusterMetadata = object({
  name: required(v.dnsLabel(), 'Name of the object.'),
  ...common,
});

/** Metadata of other kinds that live in no namespace. */
export const unscopedMetadata = object({
  name: required(v.dnsSubdomain(), 'Name of the object.'),
  ...common,
});

/** Labels and annotations of a pod, in the template of a Deployment. */
export const podMetadata = object({
  name: clusterOnly(v.text(), 'pods are named by the Deployment'),
  namespace: clusterOnly(v.text(), 'pods are in the namespace of the Deployment'),
  ...common,
});

/** The whole object of a kind with a spec, in a namespace. */
export function objectSchema<const ApiVersion extends string, const Kind extends string, Spec extends z.ZodMiniType>(
  apiVersion: ApiVersion,
  kind: Kind,
  spec: Spec,
) {
  return object({
    apiVersion: required(v.literal(apiVersion), 'Group and version of the kind.'),
    kind: required(v.literal(kind), 'The kind.'),
    metadata: required(metadata, 'Name, namespace, labels and annotations.'),
    spec: required(spec, 'What is wanted.'),
    status: clusterOnly(v.anyObject(), 'written by control planes'),
  });
}

/** The whole object of a kind with a spec that lives in no namespace. */
export function clusterObjectSchema<
  const ApiVersion extends string,
  const Kind extends string,
  Spec extends z.ZodMiniType,
>(apiVersion: ApiVersion, kind: Kind, spec: Spec) {
  return object({
    apiVersion: required(v.literal(apiVersion), 'Group and version of the kind.'),
    kind: required(v.literal(kind), 'The kind.'),
    metadata: required(unscopedMetadata, 'Name, labels and annotations.'),
    spec: required(spec, 'What is wanted.'),
    status: clusterOnly(v.anyObject(), 'written by control planes'),
  });
}

export type Metadata = z.infer<typeof metadata>;
