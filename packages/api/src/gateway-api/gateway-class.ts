import type * as z from 'zod/mini';
import { clusterObjectSchema } from '../kubernetes/metadata.ts';
import { object, optional, required } from '../schema/field.ts';
import { controllerName, textUpTo } from './common.ts';
import { parametersRef } from './references.ts';

/** Who acts on the objects of a class, and with which settings. */
export const controllerFields = {
  controllerName: required(controllerName(), 'Who acts on it, as DOMAIN/PATH. It is never changed.'),
  parametersRef: optional(parametersRef, 'Settings of whoever acts on it.'),
  description: optional(textUpTo(64), 'What it is for, in a few words.'),
};

export const gatewayClass = clusterObjectSchema(
  'gateway.networking.k8s.io/v1',
  'GatewayClass',
  object(controllerFields),
);

export type GatewayClass = z.infer<typeof gatewayClass>;
