import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { workloadSelector } from './common.ts';

const mutualTls = object({
  mode: optional(
    v.oneOf(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']),
    'STRICT: mutual TLS only. PERMISSIVE: mutual TLS or plain text. DISABLE: plain text. UNSET: as the next wider policy says.',
  ),
});

const portNumber = v.syntax(
  (text) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535,
  'the number of a port, 1 to 65535',
);

const peerAuthenticationSpec = object(
  {
    selector: optional(
      workloadSelector,
      'Workloads that the policy is for. Without it: all of the namespace; in the root namespace (istio-system): all of the mesh.',
    ),
    mtls: optional(mutualTls, 'Whether callers must use mutual TLS.'),
    portLevelMtls: optional(v.map(mutualTls, portNumber), 'Exceptions by the port of the workload. Needs a selector.'),
  },
  {
    rules({ selector, portLevelMtls = {} }, report) {
      const selects = Object.keys(selector?.matchLabels ?? {}).length > 0;
      if (!selects && Object.keys(portLevelMtls).length > 0) {
        report('needs a selector with matchLabels: ports belong to workloads', ['portLevelMtls']);
      }
    },
  },
);

export const peerAuthentication = objectSchema('security.istio.io/v1', 'PeerAuthentication', peerAuthenticationSpec);

export type PeerAuthentication = z.infer<typeof peerAuthentication>;
