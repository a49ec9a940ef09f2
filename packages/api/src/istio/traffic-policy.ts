import type * as z from 'zod/mini';
import { later, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const httpCookie = object({
  name: required(v.nonEmpty(), 'Name of the cookie.'),
  path: optional(v.text(), 'Path of a cookie that is made.'),
  ttl: optional(v.durationOrZero(), 'Life of a cookie that is made; 0s for the browser session.'),
  attributes: optional(
    v.array(
      object({
        name: required(v.nonEmpty(), 'Name of the attribute.'),
        value: optional(v.text(), 'Its value.'),
      }),
    ),
    'More attributes of a cookie that is made.',
  ),
});

const consistentHash = object(
  {
    httpHeaderName: optional(v.nonEmpty(), 'Hashes this header.'),
    httpCookie: optional(httpCookie, 'Hashes a cookie.'),
    useSourceIp: optional(v.bool(), 'Hashes the address of the caller.'),
    httpQueryParameterName: optional(v.nonEmpty(), 'Hashes this query parameter.'),
    ringHash: optional(
      object({ minimumRingSize: optional(v.int(0, Number.MAX_SAFE_INTEGER), 'Least size of the ring.') }),
      'Ring hash.',
    ),
    maglev: optional(
      object({ tableSize: optional(v.int(0, Number.MAX_SAFE_INTEGER), 'Size of the table, a prime.') }),
      'Maglev.',
    ),
    minimumRingSize: optional(v.int(0, Number.MAX_SAFE_INTEGER), 'Deprecated: least size of the ring.'),
  },
  {
    exactlyOne: ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
    atMostOne: [['ringHash', 'maglev']],
  },
);

const failover = v.array(
  object({
    from: optional(v.text(), 'Region that fails.'),
    to: optional(v.text(), 'Region that takes over.'),
  }),
);

export const localityLbSetting = object({
  distribute: optional(
    v.array(
      object({
        from: optional(v.text(), 'Locality of the caller, as region/zone/sub-zone.'),
        to: optional(v.map(v.uint32()), 'Weight of each locality.'),
      }),
    ),
    'How requests are spread over localities.',
  ),
  failover: optional(failover, 'Where requests go when a region fails.'),
  failoverPriority: optional(v.array(v.text()), 'Labels by which instances are preferred.'),
  enabled: optional(v.bool(), 'Turns it on or off.'),
});

const zoneAwareLbSetting = object({
  enabled: optional(v.bool(), 'Turns it on or off.'),
  failover: optional(failover, 'Where requests go when a region fails.'),
  failoverPriority: optional(v.array(v.text()), 'Labels by which instances are preferred.'),
  minClusterSize: optional(v.int(0, Number.MAX_SAFE_INTEGER), 'Fewer instances than this: zones do not count.'),
});

const loadBalancer = object(
  {
    simple: optional(
      v.oneOf(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'], {
        PASSTHROUGH: 'connections to the address that the caller asked for',
      }),
      'LEAST_REQUEST (the default; LEAST_CONN is its old name), ROUND_ROBIN or RANDOM.',
    ),
    consistentHash: later(consistentHash, 'consistent hashing'),
    localityLbSetting: later(localityLbSetting, 'load balancing by locality'),
    zoneAwareLbSetting: later(zoneAwareLbSetting, 'load balancing by zone'),
    warmupDurationSecs: later(v.duration(), 'slow start'),
    warmup: later(
      object({
        duration: required(v.duration(), 'How long a new instance gets fewer requests.'),
        minimumPercent: optional(v.double(0, 100), 'Share that it starts with.'),
        aggression: optional(v.double(1, Number.MAX_VALUE), 'How fast the share grows; 1 is evenly.'),
      }),
      'slow start',
    ),
  },
  { atMostOne: [['simple', 'consistentHash']] },
);

export const tcpKeepalive = object({
  probes: optional(v.uint32(), 'Probes without answer before the connection is dropped.'),
  time: optional(v.duration(), 'Idle time before the first probe.'),
  interval: optional(v.duration(), 'Time between probes.'),
});

export const connectionPool = object({
  tcp: optional(
    object({
      maxConnections: optional(v.int(0), 'Most connections to a host.'),
      connectTimeout: optional(v.duration(), 'Time to connect; 10s by default.'),
      tcpKeepalive: optional(tcpKeepalive, 'Keep-alive of the operating system.'),
      maxConnectionDuration: optional(v.duration(), 'Longest life of a connection.'),
      idleTimeout: optional(v.durationOrZero(), 'Idle time after which a connection is closed; 0s for never.'),
    }),
    'Limits on connections.',
  ),
  http: optional(
    object({
      http1MaxPendingRequests: optional(v.int(0), 'Most requests that wait for a connection.'),
      http2MaxRequests: optional(v.int(0), 'Most requests at a time.'),
      maxRequestsPerConnection: optional(v.int(0), 'Most requests on one connection; 0 for no limit.'),
      maxRetries: optional(v.int(0), 'Most retries at a time.'),
      idleTimeout: optional(v.durationOrZero(), 'Idle time after which a connection is closed; 0s for never.'),
      h2UpgradePolicy: optional(v.oneOf(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']), 'Whether HTTP/1.1 becomes HTTP/2.'),
      useClientProtocol: optional(v.bool(), "Keeps the caller's version of HTTP."),
      maxConcurrentStreams: optional(v.int(0), 'Most streams on one HTTP/2 connection.'),
      http2KeepAlive: optional(
        object({
          interval: optional(v.duration(), 'Time between pings.'),
          timeout: optional(v.duration(), 'Time to wait for an answer.'),
        }),
        'Pings on HTTP/2 connections.',
      ),
    }),
    'Limits on HTTP requests.',
  ),
});

const outlierDetection = object({
  consecutiveErrors: optional(v.int(0), 'Deprecated.'),
  splitExternalLocalOriginErrors: optional(v.bool(), 'Counts failed connections apart from bad answers.'),
  consecutiveLocalOriginFailures: optional(v.uint32(), 'Failed connections before an instance is ejected.'),
  consecutiveGatewayErrors: optional(v.uint32(), 'Answers 502, 503 or 504 before an instance is ejected.'),
  consecutive5xxErrors: optional(v.uint32(), 'Answers 5xx before an instance is ejected.'),
  interval: optional(v.duration(), 'Time between two looks.'),
  baseEjectionTime: optional(v.duration(), 'Time of the first ejection.'),
  maxEjectionPercent: optional(v.int(0, 100), 'Largest share of instances that may be ejected.'),
  minHealthPercent: optional(v.int(0, 100), 'Below this share of healthy instances nothing is ejected.'),
  outlierDetectionHttpErrorCodes: optional(v.array(v.int(100, 599)), 'Statuses that count as errors.'),
});

const clientTlsSettings = object(
  {
    mode: optional(v.oneOf(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']), 'Whether and how TLS is used.'),
    clientCertificate: optional(v.text(), 'File with the certificate chain.'),
    privateKey: optional(v.text(), 'File with the private key.'),
    caCertificates: optional(v.text(), 'File with the certificate authorities.'),
    credentialName: optional(v.text(), 'Secret with key and certificates.'),
    subjectAltNames: optional(v.array(v.text()), 'Names that the server may have.'),
    sni: optional(v.text(), 'Server name to ask for.'),
    insecureSkipVerify: optional(v.bool(), 'Accepts any certificate.'),
    caCrl: optional(v.text(), 'File with revoked certificates.'),
  },
  {
    rules(tls, report) {
      if (tls.mode === 'MUTUAL' && !tls.credentialName && !(tls.clientCertificate && tls.privateKey)) {
        report('mode MUTUAL needs credentialName, or clientCertificate and privateKey');
      }
    },
  },
);

const portPolicy = {
  loadBalancer: optional(loadBalancer, 'How an instance is chosen.'),
  connectionPool: later(connectionPool, 'limits on connections and requests'),
  outlierDetection: later(outlierDetection, 'ejection of failing instances'),
  tls: later(clientTlsSettings, 'client TLS settings'),
};

const portTrafficPolicy = object({
  port: optional(object({ number: required(v.port(), 'Number of the service port.') }), 'Port of the service.'),
  ...portPolicy,
});

export const trafficPolicy = object(
  {
    ...portPolicy,
    portLevelSettings: later(v.array(portTrafficPolicy), 'policies for single ports'),
    tunnel: later(
      object({
        protocol: optional(v.oneOf(['CONNECT', 'POST']), 'Method that opens the tunnel.'),
        targetHost: required(v.nonEmpty(), 'Host that the tunnel leads to.'),
        targetPort: required(v.port(), 'Port that the tunnel leads to.'),
      }),
      'tunnels through a proxy',
    ),
    proxyProtocol: later(
      object({ version: optional(v.oneOf(['V1', 'V2']), 'Version of the protocol.') }),
      'the PROXY protocol',
    ),
    retryBudget: later(
      object({
        percent: optional(v.double(0, 100), 'Most retries, as a share of the requests at the time.'),
        minRetryConcurrency: optional(v.uint32(), 'Retries that are always allowed.'),
        budgetInterval: optional(v.duration(), 'Time over which requests are counted.'),
      }),
      'retry budgets',
    ),
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
    },
  },
);

export type TrafficPolicy = z.infer<typeof trafficPolicy>;
