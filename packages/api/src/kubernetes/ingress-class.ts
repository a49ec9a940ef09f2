import type * as z from 'zod/mini';
import { later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { unscopedMetadata } from './metadata.ts';

const ingressClassSpec = object({
  controller: optional(
    v.syntax(isControllerName, 'a name such as istio.io/ingress-controller'),
    'Who serves the Ingresses of the class: istio.io/ingress-controller is this mesh.',
  ),
  parameters: later(v.anyObject(), 'parameters of ingress classes'),
});

function isControllerName(text: string): boolean {
  return text.length <= 250 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[-A-Za-z0-9/._~!$&'()*+,;=:]+$/.test(text);
}

export const ingressClass = object({
  apiVersion: required(v.literal('networking.k8s.io/v1'), 'Group and version of the kind.'),
  kind: required(v.literal('IngressClass'), 'The kind.'),
  metadata: required(
    unscopedMetadata,
    "Name, labels and annotations. The annotation ingressclass.kubernetes.io/is-default-class: 'true' makes it the class of Ingresses that name none.",
  ),
  spec: optional(ingressClassSpec, 'What is wanted.'),
});

export type IngressClass = z.infer<typeof ingressClass>;
