import type { VirtualService } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { buildRouteRules } from './route-rule.ts';

type Spec = VirtualService['spec'];
type Rule = NonNullable<Spec['http']>[number];

function build(spec: Partial<Spec>) {
  return buildRouteRules(
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: { hosts: ['reviews'], ...spec },
    } as VirtualService,
    'cluster.local',
  );
}

function buildRule(rule: Partial<Rule>) {
  const [built] = build({ http: [{ route: [{ destination: { host: 'reviews' } }], ...rule } as Rule] }).rules;
  if (built === undefined) throw new Error('no rule was built');
  return built;
}

describe('a set of route rules', () => {
  it('is for the sidecars by default, and names gateways with their namespace', () => {
    expect(build({}).gateways).toEqual(['mesh']);
    expect(build({ gateways: [] }).gateways).toEqual(['mesh']);
    expect(build({ gateways: ['front', 'edge/front', 'mesh'] }).gateways).toEqual(['shop/front', 'edge/front', 'mesh']);
  });

  it('completes short hosts with its own namespace', () => {
    expect(build({ hosts: ['reviews', 'reviews.other.svc.cluster.local', 'shop.test'] }).hosts).toEqual([
      'reviews.shop.svc.cluster.local',
      'reviews.other.svc.cluster.local',
      'shop.test',
    ]);
  });
});

describe('a route rule', () => {
  it('without a match matches everything', () => {
    const any = [{ path: { type: 'any' }, headers: [] }];
    expect(buildRule({}).matches).toMatchObject(any);
    expect(buildRule({ match: [] }).matches).toMatchObject(any);
    expect(buildRule({ match: [{}] }).matches).toMatchObject(any);
  });

  it('matches by path, headers and method', () => {
    const { matches } = buildRule({
      match: [
        { uri: { prefix: '/a' }, headers: { 'End-User': { exact: '' }, trace: {} }, method: { regex: 'GET|HEAD' } },
        { uri: { regex: '/b.*' } },
      ],
    });
    expect(matches).toMatchObject([
      {
        path: { type: 'prefix', value: '/a' },
        headers: [
          { name: 'end-user', value: { type: 'exact', value: '' } },
          { name: 'trace', value: { type: 'present' } },
          { name: ':method', value: { type: 'regex', value: 'GET|HEAD' } },
        ],
        source: { path: 'spec.http[0].match[0]' },
      },
      { path: { type: 'regex', value: '/b.*' }, headers: [], source: { path: 'spec.http[0].match[1]' } },
    ]);
  });

  it('gives a single destination everything, and others what their weight says', () => {
    const weightsOf = (...weights: (number | undefined)[]) => {
      const { action } = buildRule({
        route: weights.map((weight) => ({
          destination: { host: 'reviews' },
          ...(weight === undefined ? {} : { weight }),
        })),
      });
      return action.type === 'forward' && action.destinations.map(({ weight }) => weight);
    };
    expect(weightsOf(undefined)).toEqual([1]);
    expect(weightsOf(0)).toEqual([1]);
    expect(weightsOf(100)).toEqual([1]);
    expect(weightsOf(80, 20, undefined)).toEqual([80, 20, 0]);
  });

  it('carries its timeout in milliseconds', () => {
    expect(buildRule({ timeout: '1.5s' }).options).toMatchObject({ timeoutMs: 1500 });
    expect(buildRule({}).options).toEqual({});
  });

  it('redirects with 301 if nothing is said', () => {
    const redirect = (written: Rule['redirect']) => {
      const built = build({ http: [{ redirect: written } as Rule] });
      return built.rules[0]?.action;
    };
    expect(redirect({ uri: '/x' })).toEqual({
      type: 'redirect',
      path: { type: 'full', value: '/x' },
      status: 301,
    });
    expect(redirect({ port: 8080, redirectCode: 308 })).toEqual({ type: 'redirect', port: 8080, status: 308 });
    expect(redirect({ derivePort: 'FROM_PROTOCOL_DEFAULT' })).toMatchObject({ port: 'from-protocol-default' });
    expect(redirect({ derivePort: 'FROM_REQUEST_PORT' })).toMatchObject({ port: 'from-request' });
  });
});
