import type * as z from 'zod/mini';
import { clusterObjectSchema } from '../kubernetes/metadata.ts';
import { object } from '../schema/field.ts';
import { controllerFields } from './gateway-class.ts';

export const xMesh = clusterObjectSchema('gateway.networking.x-k8s.io/v1alpha1', 'XMesh', object(controllerFields));

export type XMesh = z.infer<typeof xMesh>;
