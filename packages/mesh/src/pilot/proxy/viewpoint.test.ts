import { describe, expect, it } from 'vitest';
import { parseLocality } from '../model/locality.ts';
import { groupsByLocality, type PlacedEndpoint } from './endpoint-groups.ts';
import type { EndpointGroupIr } from './ir/endpoints.ts';
import { groupsFrom } from './viewpoint.ts';

type Setting = Parameters<typeof groupsFrom>[2];

let lastPort = 0;

function endpoint(place: string, labels: Readonly<Record<string, string>> = {}): PlacedEndpoint {
  const locality = parseLocality(place);
  const port = ++lastPort;
  return {
    address: '127.0.0.1',
    port,
    meshTls: true,
    instance: `${place}-${port}`,
    labels,
    ...(locality === undefined ? {} : { locality }),
  };
}

/** `PRIORITY PLACE xNUMBER` of each group, with `=WEIGHT` where there is one. */
function shown(groups: readonly EndpointGroupIr[]): string[] {
  return groups.map(({ priority, weight, endpoints }) => {
    const place = endpoints[0]?.instance?.replace(/-\d+$/, '');
    return `${priority} ${place} x${endpoints.length}${weight === undefined ? '' : ` =${weight}`}`;
  });
}

function seen(
  from: string,
  setting: Setting,
  endpoints: readonly PlacedEndpoint[],
  more: { labels?: Record<string, string>; application?: readonly string[] } = {},
): string[] {
  const { labels = {}, application = [from] } = more;
  const locality = parseLocality(from);
  const view = {
    ...(locality === undefined ? {} : { locality }),
    labels,
    applicationLocalities: application.map(parseLocality),
  };
  return shown(groupsFrom(view, endpoints, setting));
}

function failover(regions: { from: string; to: string }[] = [], labels: { key: string; value?: string }[] = []) {
  return { type: 'failover', order: { regions, labels } } as const;
}

const EVERYWHERE = ['eu/a/1', 'eu/a/2', 'eu/b', 'us/a', 'asia', ''].map((place) => endpoint(place));

describe('endpoints seen by everybody', () => {
  it('are grouped by locality', () => {
    const groups = groupsByLocality([endpoint('us'), endpoint('eu/a'), endpoint('eu/a'), endpoint('')]);
    expect(shown(groups)).toEqual(['0  x1', '0 eu/a x2', '0 us x1']);
  });
});

describe('failover', () => {
  it('is to the same zone, then the same region, then anywhere', () => {
    expect(seen('eu/a/1', failover(), EVERYWHERE)).toEqual([
      '0 eu/a/1 x1',
      '1 eu/a/2 x1',
      '2 eu/b x1',
      '3  x1',
      '3 asia x1',
      '3 us/a x1',
    ]);
  });

  it('is to the region that is asked for before others', () => {
    const regions = [{ from: 'eu', to: 'us' }];
    expect(seen('eu/b', failover(regions), EVERYWHERE).slice(0, 4)).toEqual([
      '0 eu/b x1',
      '1 eu/a/1 x1',
      '1 eu/a/2 x1',
      '2 us/a x1',
    ]);
    expect(seen('asia', failover(regions), EVERYWHERE).slice(0, 2)).toEqual(['0 asia x1', '1  x1']);
  });

  it('makes no difference to who is nowhere', () => {
    expect(seen('', failover(), EVERYWHERE)).toEqual([
      '0  x1',
      '1 asia x1',
      '1 eu/a/1 x1',
      '1 eu/a/2 x1',
      '1 eu/b x1',
      '1 us/a x1',
    ]);
    expect(seen('', failover(), [endpoint('eu'), endpoint('us')])).toEqual(['0 eu x1', '0 us x1']);
  });

  it('by labels goes by the first that differs', () => {
    const endpoints = [
      endpoint('all', { a: '1', b: '1' }),
      endpoint('first', { a: '1' }),
      endpoint('second', { b: '1' }),
      endpoint('other', { a: '2', b: '2' }),
    ];
    const labels = { a: '1', b: '1' };
    expect(seen('eu', failover([], [{ key: 'a' }, { key: 'b' }]), endpoints, { labels })).toEqual([
      '0 all x1',
      '1 first x1',
      '2 other x1',
      '2 second x1',
    ]);
    expect(seen('eu', failover([], [{ key: 'a', value: '2' }]), endpoints, { labels })[0]).toBe('0 other x1');
  });

  it('by labels counts localities as labels, and as regions where these are given', () => {
    const byRegion = failover([], [{ key: 'topology.kubernetes.io/region' }]);
    expect(seen('us/z', byRegion, EVERYWHERE)[0]).toBe('0 us/a x1');
    const endpoints = [endpoint('us', { a: '1' }), endpoint('eu', { a: '1' }), endpoint('us', { a: '2' })];
    expect(seen('us', failover([{ from: 'us', to: 'eu' }], [{ key: 'a' }]), endpoints, { labels: { a: '1' } })).toEqual(
      ['0 us x1', '1 eu x1', '2 us x1'],
    );
  });
});

describe('distribution', () => {
  const rules = [
    { from: 'eu/*', to: [['eu/a/*', 80] as const, ['us', 20] as const] },
    { from: 'us/a', to: [['*', 100] as const] },
  ];

  it('gives localities the shares that are asked for, and others nothing', () => {
    expect(seen('eu/b', { type: 'distribute', rules }, EVERYWHERE)).toEqual([
      '0 eu/a/1 x1 =4000',
      '0 eu/a/2 x1 =4000',
      '0 us/a x1 =2000',
    ]);
  });

  it('is by number of endpoints within a pattern, and where no rule holds', () => {
    const endpoints = [endpoint('eu'), endpoint('us'), endpoint('us'), endpoint('us')];
    expect(seen('us/a', { type: 'distribute', rules }, endpoints)).toEqual(['0 eu x1 =2500', '0 us x3 =7500']);
    expect(seen('asia', { type: 'distribute', rules }, endpoints)).toEqual(['0 eu x1 =1', '0 us x3 =3']);
  });
});

describe('zone-aware balancing', () => {
  const setting: Setting = { type: 'zone-aware', order: { regions: [], labels: [] }, minClusterSize: 3 };
  const inZones = (...places: string[]) => places.map((place) => endpoint(place));

  it('keeps requests in a zone that has its share, with the rest of the region and then others behind it', () => {
    const endpoints = inZones('eu/a', 'eu/a', 'eu/b', 'us/a');
    expect(seen('eu/a', setting, endpoints, { application: ['eu/a', 'eu/b'] })).toEqual([
      '0 eu/a x2 =10000',
      '1 eu/b x1 =1',
      '2 us/a x1 =1',
    ]);
  });

  it('sends what would overload the zone to zones with something to spare', () => {
    // A third of the endpoints for half of the clients: a third of the requests has to leave.
    const endpoints = inZones('eu/a', 'eu/b', 'eu/b');
    expect(seen('eu/a', setting, endpoints, { application: ['eu/a', 'eu/b'] })).toEqual([
      '0 eu/a x1 =6667',
      '0 eu/b x2 =3333',
    ]);
  });

  it('sends nothing to zones that have nothing to spare, unless the others fail', () => {
    const endpoints = inZones('eu/a', 'eu/b', 'eu/c', 'eu/c', 'eu/c', 'eu/c');
    const application = ['eu/a', 'eu/a', 'eu/b', 'eu/c'];
    expect(seen('eu/a', setting, endpoints, { application })).toEqual([
      '0 eu/a x1 =3333',
      '0 eu/c x4 =6667',
      '1 eu/b x1 =1',
    ]);
  });

  it('leaves zones out of account where there are few endpoints, or none in the zone', () => {
    const even = ['0 eu/a x1 =1', '0 eu/b x1 =1', '1 us x1 =1'];
    expect(seen('eu/a', setting, inZones('eu/a', 'eu/b', 'us'))).toEqual(even);
    expect(seen('eu/c', setting, inZones('eu/a', 'eu/b', 'eu/b'))).toEqual(['0 eu/a x1 =1', '0 eu/b x2 =2']);
  });
});
