import type * as z from 'zod/mini';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { groupName, kindName, namespaceName, objectName, sectionName } from './common.ts';

export const GATEWAY_API = 'gateway.networking.k8s.io';

/** An object of any kind, in the same namespace. */
export const localObjectRef = object({
  group: required(groupName(), 'API group of the object; empty for the core group.'),
  kind: required(kindName(), 'Kind of the object.'),
  name: required(objectName(), 'Name of the object.'),
});

/** An object of any kind, in any namespace. */
export const objectRef = object({
  group: required(groupName(), 'API group of the object; empty for the core group.'),
  kind: required(kindName(), 'Kind of the object.'),
  name: required(objectName(), 'Name of the object.'),
  namespace: optional(namespaceName(), 'Namespace of the object; in another one, a ReferenceGrant must allow it.'),
});

/** Parameters that may lie in a namespace or in none. */
export const parametersRef = object({
  group: required(groupName(), 'API group of the object; empty for the core group.'),
  kind: required(kindName(), 'Kind of the object.'),
  name: required(objectName(), 'Name of the object.'),
  namespace: optional(namespaceName(), 'Namespace of the object, if its kind lives in namespaces.'),
});

/** A Secret, unless it says otherwise. */
export const secretRef = object({
  group: optional(groupName(), 'API group of the object; the core group by default.'),
  kind: optional(kindName(), 'Kind of the object; Secret by default.'),
  name: required(objectName(), 'Name of the object.'),
  namespace: optional(namespaceName(), 'Namespace of the object; in another one, a ReferenceGrant must allow it.'),
});

export const backendFields = {
  group: optional(groupName(), 'API group of the backend; the core group by default.'),
  kind: optional(kindName(), 'Kind of the backend; Service by default.'),
  name: required(objectName(), 'Name of the backend.'),
  namespace: optional(namespaceName(), 'Namespace of the backend; in another one, a ReferenceGrant must allow it.'),
  port: optional(v.port(), 'Port of the Service, as its callers know it. Required for Services.'),
};

export const weight = optional(
  v.int(0, 1_000_000),
  'Share of the traffic, relative to the other backends of the rule; 1 by default. 0: gets none.',
);

type Backend = { readonly group?: string; readonly kind?: string; readonly port?: number };

/** Services have several ports, so that one must be named. */
export function checkBackendPort({ group = '', kind = 'Service', port }: Backend, report: Report): void {
  if (group === '' && kind === 'Service' && port === undefined) report('is required for a Service', ['port']);
}

export const backendRef = object(backendFields, { rules: checkBackendPort });

export const weightedBackendRef = object({ ...backendFields, weight }, { rules: checkBackendPort });

const parentRef = object({
  group: optional(groupName(), `API group of the parent; ${GATEWAY_API} by default.`),
  kind: optional(
    kindName(),
    'Kind of the parent; Gateway by default. A Service: the route is for traffic inside of the mesh.',
  ),
  name: required(objectName(), 'Name of the parent.'),
  namespace: optional(namespaceName(), 'Namespace of the parent; that of the route by default.'),
  sectionName: optional(
    sectionName(),
    'Listener of the Gateway, or port of the Service, by name; all of them by default.',
  ),
  port: optional(v.port(), 'Port of the Gateway or Service; all of them by default.'),
});

export type ParentRef = z.infer<typeof parentRef>;

/** What kinds of routes have in common. */
export const routeFields = {
  parentRefs: optional(v.arrayUpTo(32, parentRef), 'Gateways and Services that the route is attached to.'),
  useDefaultGateways: optional(
    v.oneOf(['All', 'None']),
    'All: the route is attached to the default Gateways as well. None, the default.',
  ),
};

/** References to one parent must be told apart: each by section, each by port, or each by both. */
export function checkParentRefs({ parentRefs = [] }: { parentRefs?: readonly ParentRef[] }, report: Report): void {
  const firstOf = new Map<string, ParentRef>();
  const seen = new Set<string>();
  parentRefs.forEach((ref, index) => {
    const { group = GATEWAY_API, kind = 'Gateway', name, namespace = '', sectionName: section, port } = ref;
    const parent = JSON.stringify([group, kind, namespace, name]);
    const part = JSON.stringify([parent, section, port]);
    const first = firstOf.get(parent);
    if (first === undefined) firstOf.set(parent, ref);
    else if (seen.has(part)) report('names the same part of the parent as an earlier one', ['parentRefs', index]);
    else if (
      (first.sectionName === undefined) !== (section === undefined) ||
      (first.port === undefined) !== (port === undefined)
    ) {
      const message = 'must set sectionName and port just as the earlier ones of the same parent do, with other values';
      report(message, ['parentRefs', index]);
    }
    seen.add(part);
  });
}

/** Names of a route's rules, each once. */
export function checkRuleNames(rules: readonly { readonly name?: string }[], report: Report): void {
  const names = new Set<string>();
  rules.forEach(({ name }, index) => {
    if (name === undefined) return;
    if (names.has(name)) report(`the rule name ${name} is used twice`, ['rules', index, 'name']);
    names.add(name);
  });
}
