import type * as z from 'zod/mini';
import { object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { isPrime } from './prime.ts';

/** Envoy's own limits. */
const MAX_RING_SIZE = 8_388_608;
const MAX_MAGLEV_TABLE_SIZE = 5_000_011;

const REGION_ZONE_SUBZONE = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
];

const httpCookie = object({
  name: required(v.nonEmpty(), 'Name of the cookie.'),
  path: optional(v.text(), 'Path of a cookie that is made.'),
  ttl: optional(
    v.durationOrZero(),
    'Life of a cookie that is made where the caller sends none; 0s for the browser session. Without it none is made.',
  ),
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
    httpHeaderName: optional(v.headerName(), 'Hashes this header.'),
    httpCookie: optional(httpCookie, 'Hashes a cookie.'),
    useSourceIp: optional(v.bool(), 'Hashes the address of the caller. The only one with a meaning for TCP.'),
    httpQueryParameterName: optional(v.nonEmpty(), 'Hashes this query parameter.'),
    ringHash: optional(
      object({ minimumRingSize: optional(v.int(0, MAX_RING_SIZE), 'Least size of the ring; 1024 by default.') }),
      'Instances stand on a ring, in proportion to their weight. The default.',
    ),
    maglev: optional(
      object({
        tableSize: optional(v.int(0, MAX_MAGLEV_TABLE_SIZE), 'Size of the table, a prime; 65537 by default.'),
      }),
      'A table that is quicker to look up than a ring, but moves more callers when instances come and go.',
    ),
    minimumRingSize: optional(v.int(0, MAX_RING_SIZE), 'Old form of ringHash.minimumRingSize.'),
  },
  {
    exactlyOne: ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
    atMostOne: [['ringHash', 'maglev']],
    rules({ useSourceIp, maglev, ringHash, minimumRingSize = 0 }, report) {
      if (useSourceIp === false) report('must be true, or left out', ['useSourceIp']);
      const { tableSize = 0 } = maglev ?? {};
      if (tableSize > 0 && !isPrime(tableSize)) {
        report(`must be a prime, such as 65537, not ${tableSize}`, ['maglev', 'tableSize']);
      }
      if (minimumRingSize > 0 && (maglev !== undefined || ringHash !== undefined)) {
        report('is the old form of ringHash.minimumRingSize, and cannot be set beside ringHash or maglev', [
          'minimumRingSize',
        ]);
      }
    },
  },
);

const failover = v.array(
  object(
    {
      from: optional(region(), 'Region of the caller.'),
      to: optional(region(), 'Region that takes over when there is nothing healthy in its own.'),
    },
    {
      rules({ from = '', to = '' }, report) {
        if (from === to) report('from and to must be different regions');
      },
    },
  ),
);

const failoverPriority = v.array(
  v.syntax(
    (text) => /^[^\s=]+(=[^\s=]*)?$/.test(text),
    'a label key, or KEY=VALUE for a value other than that of the caller',
  ),
);

export const localityLbSetting = object(
  {
    distribute: optional(
      v.array(
        object(
          {
            from: optional(
              locality(),
              'Locality of the callers: region, region/zone or region/zone/sub-zone, where * stands for any.',
            ),
            to: optional(
              v.map(v.int(1, 100), locality()),
              'Percent of the requests for each locality. Instances elsewhere get none.',
            ),
          },
          {
            rules({ to = {} }, report) {
              const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
              if (total !== 100) report(`the weights must add up to 100, not ${total}`, ['to']);
              reportOverlaps(Object.keys(to), report, ['to']);
            },
          },
        ),
      ),
      'How requests are spread over localities, by the locality of the caller.',
    ),
    failover: optional(
      failover,
      'Which region takes over from which. Without it, any other. Needs outlierDetection, which says what is healthy.',
    ),
    failoverPriority: optional(
      failoverPriority,
      'Label keys, the most important first. Instances that agree with the caller in all of them are preferred, then those that agree in all but the last, and so on. Needs outlierDetection.',
    ),
    enabled: optional(v.bool(), 'false leaves localities out of account.'),
  },
  {
    atMostOne: [['distribute', 'failover']],
    rules({ distribute = [], failover = [], failoverPriority = [] }, report) {
      if (distribute.length > 0 && failoverPriority.length > 0) {
        report('distribute and failoverPriority exclude each other', ['failoverPriority']);
      }
      reportFailover(failover, failoverPriority, report);
      reportOverlaps(
        distribute.map(({ from = '*' }) => from),
        report,
        ['distribute'],
      );
    },
  },
);

const zoneAwareLbSetting = object(
  {
    enabled: optional(v.bool(), 'false turns it off; on by default where the setting is there.'),
    failover: optional(failover, 'Which region takes over from which.'),
    failoverPriority: optional(
      failoverPriority,
      'Label keys by which instances are preferred before zones count, the most important first.',
    ),
    minClusterSize: optional(
      v.int(0, Number.MAX_SAFE_INTEGER),
      'With fewer instances than this, zones do not count; 6 by default.',
    ),
  },
  {
    rules: ({ failover = [], failoverPriority = [] }, report) => reportFailover(failover, failoverPriority, report),
  },
);

function reportFailover(failover: readonly unknown[], failoverPriority: readonly string[], report: Report): void {
  if (failover.length === 0) return;
  failoverPriority.forEach((label, i) => {
    if (!REGION_ZONE_SUBZONE.includes(label)) return;
    report(`${label} says what failover says already: set only one of the two`, ['failoverPriority', i]);
  });
}

const warmup = object({
  duration: required(v.duration(), 'How long a new instance gets fewer requests than the others.'),
  minimumPercent: optional(v.double(0, 100), 'Percent of its full share that it starts with; 10 by default.'),
  aggression: optional(
    v.double(1, Number.MAX_VALUE),
    'How fast the share grows: 1, the default, is evenly; more is faster at first.',
  ),
});

export const loadBalancer = object(
  {
    simple: optional(
      v.oneOf(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST']),
      'LEAST_REQUEST (the default; LEAST_CONN is its old name), ROUND_ROBIN, RANDOM, or PASSTHROUGH: to the address that the caller asked for.',
    ),
    consistentHash: optional(consistentHash, 'Requests with the same property go to the same instance.'),
    localityLbSetting: optional(localityLbSetting, 'How the localities of caller and instances count.'),
    zoneAwareLbSetting: optional(
      zoneAwareLbSetting,
      'Keeps requests in the zone of the caller as far as its share of the instances goes, and spreads the rest.',
    ),
    warmupDurationSecs: optional(v.duration(), 'Old form of warmup.duration.'),
    warmup: optional(warmup, 'New instances get more and more requests. For LEAST_REQUEST and ROUND_ROBIN.'),
  },
  {
    atMostOne: [
      ['simple', 'consistentHash'],
      ['warmup', 'warmupDurationSecs'],
      ['localityLbSetting', 'zoneAwareLbSetting'],
    ],
    advice({ simple, consistentHash, warmup, warmupDurationSecs }, report) {
      if (warmup === undefined && warmupDurationSecs === undefined) return;
      const field = warmup === undefined ? 'warmupDurationSecs' : 'warmup';
      const how = consistentHash === undefined ? simple : 'consistentHash';
      if (how === 'RANDOM' || how === 'PASSTHROUGH' || how === 'consistentHash') {
        report(`has no effect with ${how}: only LEAST_REQUEST and ROUND_ROBIN warm instances up`, [field]);
      }
    },
  },
);

export type LoadBalancer = z.infer<typeof loadBalancer>;

function region() {
  return v.syntax((text) => /^[^\s/*]+$/.test(text), 'a region, without zone and wildcard');
}

/** `region/zone/sub-zone`, the later parts optional, `*` only as the last part. */
function locality() {
  return v.syntax(
    (text) => /^(\*|[^\s/*]+(\/(\*|[^\s/*]+(\/(\*|[^\s/*]+))?))?)$/.test(text),
    'a locality: region, region/zone or region/zone/sub-zone, where * may be the last part',
  );
}

function reportOverlaps(localities: readonly string[], report: Report, path: readonly (string | number)[]): void {
  localities.forEach((one, i) => {
    const other = localities.slice(0, i).find((each) => covers(each, one) || covers(one, each));
    if (other !== undefined) report(`${other} and ${one} overlap`, path);
  });
}

function covers(wide: string, narrow: string): boolean {
  const prefix = wide.replace(/\/?\*$/, '');
  return prefix === '' || narrow === prefix || narrow.startsWith(`${prefix}/`);
}
