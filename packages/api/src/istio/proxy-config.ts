import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { clusterOnly, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { workloadSelector } from './common.ts';

const variableName = v.syntax((text) => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text), 'the name of a variable');

const proxyConfigSpec = object({
  selector: optional(
    workloadSelector,
    'Workloads that it is for. Without it: all of the namespace; in the root namespace (istio-system): all of the mesh.',
  ),
  concurrency: optional(
    v.int(0),
    'Worker threads of the proxy; 0 for one for each processor. On one machine 1 by default.',
  ),
  environmentVariables: optional(
    v.map(v.text(), variableName),
    'Environment variables of the proxy. They hold from its next start.',
  ),
  image: clusterOnly(
    object({ imageType: optional(v.text(), 'Flavour of the image: default, debug or distroless.') }),
    'on one machine proxies run without images',
  ),
});

export const proxyConfig = objectSchema('networking.istio.io/v1beta1', 'ProxyConfig', proxyConfigSpec);

export type ProxyConfig = z.infer<typeof proxyConfig>;
