import type * as z from 'zod/mini';
import { forEachRepeated, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { clientTlsSettings } from './client-tls.ts';
import { connectionPool } from './connection-pool.ts';
import { loadBalancer } from './load-balancer.ts';
import { outlierDetection } from './outlier-detection.ts';

const portPolicy = {
  loadBalancer: optional(loadBalancer, 'How an instance is chosen.'),
  connectionPool: optional(connectionPool, 'Limits on connections and requests.'),
  outlierDetection: optional(outlierDetection, 'Instances that fail get no requests for a while.'),
  tls: optional(
    clientTlsSettings,
    "TLS towards the instances. Without it, the mesh's own where the instances take it, and plaintext elsewhere.",
  ),
};

const portTrafficPolicy = object({
  port: required(object({ number: required(v.port(), 'Number of the service port.') }), 'Port of the service.'),
  ...portPolicy,
});

const tunnel = object({
  protocol: optional(v.oneOf(['CONNECT', 'POST']), 'Method that opens the tunnel; CONNECT by default.'),
  targetHost: required(v.hostOrIp(), 'Host that the tunnel leads to.'),
  targetPort: required(v.port(), 'Port that the tunnel leads to.'),
});

const proxyProtocol = object({
  version: optional(v.oneOf(['V1', 'V2']), 'V1, a line of text (the default), or V2, binary.'),
});

const retryBudget = object({
  percent: optional(
    v.double(0, 100),
    'Most retries at a time, as percent of the requests that are under way; 20 by default.',
  ),
  minRetryConcurrency: optional(v.uint32(), 'Retries at a time that are always allowed; 3 by default.'),
  budgetInterval: optional(v.durationOrZero(), 'Time over which requests are counted; 0s for those under way now.'),
});

export const trafficPolicy = object(
  {
    ...portPolicy,
    portLevelSettings: optional(
      v.array(portTrafficPolicy),
      'For single ports, in place of loadBalancer, connectionPool, outlierDetection and tls as a whole: what is left out there has its default.',
    ),
    tunnel: optional(
      tunnel,
      'TCP connections to the host go through it, a proxy, to another host. Has no effect on HTTP routes.',
    ),
    proxyProtocol: optional(
      proxyProtocol,
      'Connections start with a PROXY header that tells the address of the caller. The server must expect it.',
    ),
    retryBudget: optional(retryBudget, 'Limits retries in proportion to the requests.'),
  },
  {
    rules(policy, report) {
      const fields = [
        'loadBalancer',
        'connectionPool',
        'outlierDetection',
        'tls',
        'portLevelSettings',
        'tunnel',
        'proxyProtocol',
        'retryBudget',
      ] as const;
      if (fields.every((name) => policy[name] === undefined)) report(`must set at least one of ${list(fields, 'or')}`);
      forEachRepeated(
        policy.portLevelSettings ?? [],
        ({ port }) => String(port.number),
        ({ port }, index) => report(`the port ${port.number} is set twice`, ['portLevelSettings', index, 'port']),
      );
    },
  },
);

export type TrafficPolicy = z.infer<typeof trafficPolicy>;
