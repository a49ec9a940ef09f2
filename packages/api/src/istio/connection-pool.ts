import type * as z from 'zod/mini';
import { object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';

export const tcpKeepalive = object({
  probes: optional(v.uint32(), "Probes without answer before the connection is dropped; the system's default is 9."),
  time: optional(v.duration(), "Idle time before the first probe; the system's default is 2h."),
  interval: optional(v.duration(), "Time between probes; the system's default is 75s."),
});

const tcp = object({
  maxConnections: optional(v.int(0), 'Most connections to all instances together; 0, the default, for no limit.'),
  connectTimeout: optional(v.duration(), 'Time to connect; 10s by default.'),
  tcpKeepalive: optional(tcpKeepalive, 'Keep-alive probes of the operating system.'),
  maxConnectionDuration: optional(v.duration(), 'Longest life of a connection; no limit by default.'),
  idleTimeout: optional(
    v.durationOrZero(),
    'Idle time after which a connection is closed; 1h by default, 0s for never. For HTTP, http.idleTimeout goes before.',
  ),
});

const http2KeepAlive = object({
  interval: optional(v.duration(), 'Time between pings; without it there are none.'),
  timeout: optional(
    v.duration(),
    'Time to wait for an answer to a ping before the connection is closed; 20s by default.',
  ),
});

const http = object(
  {
    http1MaxPendingRequests: optional(
      v.int(0),
      'Most requests that wait for a connection; others get 503 at once. 0, the default, for no limit.',
    ),
    http2MaxRequests: optional(v.int(0), 'Most requests at a time; others get 503. 0, the default, for no limit.'),
    maxRequestsPerConnection: optional(v.int(0), 'Most requests on one connection; 0, the default, for no limit.'),
    maxRetries: optional(
      v.int(0),
      'Most retries at a time, in place of a retry budget; 0, the default, leaves it to the budget.',
    ),
    idleTimeout: optional(
      v.durationOrZero(),
      'Idle time after which a connection is closed; 1h by default, 0s for never.',
    ),
    h2UpgradePolicy: optional(
      v.oneOf(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
      'UPGRADE speaks HTTP/2 with the instances where the port says HTTP/1.1. DEFAULT does so with sidecars, where connections are not limited.',
    ),
    useClientProtocol: optional(v.bool(), 'Speaks with the instances the version of HTTP that the caller speaks.'),
    maxConcurrentStreams: optional(v.int(0), 'Most requests at a time on one HTTP/2 connection; 0 for no limit.'),
    http2KeepAlive: optional(http2KeepAlive, 'Pings on HTTP/2 connections.'),
  },
  {
    rules({ h2UpgradePolicy, useClientProtocol }, report) {
      if (h2UpgradePolicy === 'UPGRADE' && useClientProtocol === true) {
        report('cannot be true where h2UpgradePolicy is UPGRADE', ['useClientProtocol']);
      }
    },
  },
);

export const connectionPool = object({
  tcp: optional(tcp, 'Connections, whatever they carry.'),
  http: optional(http, 'Limits on HTTP requests.'),
});

export type ConnectionPool = z.infer<typeof connectionPool>;
