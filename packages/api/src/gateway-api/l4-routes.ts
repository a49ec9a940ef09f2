import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isIp } from '../names.ts';
import { checked, object, optional, required } from '../schema/field.ts';
import { arrayOfOneTo, hostname, sectionName } from './common.ts';
import { checkParentRefs, routeFields, weightedBackendRef } from './references.ts';

/** These routes have one rule, which takes all that comes. */
const rules = (what: string) =>
  required(
    arrayOfOneTo(
      1,
      object({
        name: optional(sectionName(), 'Name of the rule.'),
        backendRefs: required(arrayOfOneTo(16, weightedBackendRef), `Where the ${what} go, in shares by weight.`),
      }),
    ),
    `What becomes of the ${what}: one rule.`,
  );

const sniHostname = checked(hostname(), (value) =>
  isIp(value) ? `must be a host name, not the IP address ${value}` : undefined,
);

export const tlsRoute = objectSchema(
  'gateway.networking.k8s.io/v1',
  'TLSRoute',
  object(
    {
      ...routeFields,
      hostnames: required(arrayOfOneTo(1024, sniHostname), 'Hosts that the clients ask for, by SNI.'),
      rules: rules('connections'),
    },
    { rules: checkParentRefs },
  ),
);

export const tcpRoute = objectSchema(
  'gateway.networking.k8s.io/v1',
  'TCPRoute',
  object({ ...routeFields, rules: rules('connections') }, { rules: checkParentRefs }),
);

export const udpRoute = objectSchema(
  'gateway.networking.k8s.io/v1',
  'UDPRoute',
  object({ ...routeFields, rules: rules('datagrams') }, { rules: checkParentRefs }),
);

export type TLSRoute = z.infer<typeof tlsRoute>;
export type TCPRoute = z.infer<typeof tcpRoute>;
export type UDPRoute = z.infer<typeof udpRoute>;
