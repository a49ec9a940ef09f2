import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional, required } from '../schema/field.ts';
import { groupName, kindName, namespaceName, objectName } from './common.ts';
import { checkListeners, listeners } from './listener.ts';
import { GATEWAY_API } from './references.ts';

const listenerSetSpec = object(
  {
    parentRef: required(
      object({
        group: optional(groupName(), `API group of the parent; ${GATEWAY_API} by default.`),
        kind: optional(kindName(), 'Kind of the parent; Gateway by default.'),
        name: required(objectName(), 'Name of the parent.'),
        namespace: optional(namespaceName(), 'Namespace of the parent; that of the ListenerSet by default.'),
      }),
      'Gateway that gets the listeners.',
    ),
    listeners: required(listeners(), 'What the Gateway listens on as well.'),
  },
  { rules: checkListeners },
);

export const listenerSet = objectSchema('gateway.networking.k8s.io/v1', 'ListenerSet', listenerSetSpec);

export type ListenerSet = z.infer<typeof listenerSet>;
