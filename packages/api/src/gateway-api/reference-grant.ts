import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional, required } from '../schema/field.ts';
import { arrayOfOneTo, groupName, kindName, namespaceName, objectName } from './common.ts';

const referenceGrantSpec = object({
  from: required(
    arrayOfOneTo(
      16,
      object({
        group: required(groupName(), 'API group of the objects that refer.'),
        kind: required(kindName(), 'Kind of the objects that refer, such as HTTPRoute.'),
        namespace: required(namespaceName(), 'Namespace of the objects that refer.'),
      }),
    ),
    'Who may refer to objects of this namespace.',
  ),
  to: required(
    arrayOfOneTo(
      16,
      object({
        group: required(groupName(), 'API group of the objects; empty for the core group.'),
        kind: required(kindName(), 'Kind of the objects, such as Service or Secret.'),
        name: optional(objectName(), 'Name of the object; all of the kind by default.'),
      }),
    ),
    'Which objects of this namespace may be referred to.',
  ),
});

export const referenceGrant = objectSchema('gateway.networking.k8s.io/v1', 'ReferenceGrant', referenceGrantSpec);

export type ReferenceGrant = z.infer<typeof referenceGrant>;
