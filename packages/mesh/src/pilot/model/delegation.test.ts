import type { VirtualService } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { mergeDelegates } from './delegation.ts';
import { buildRouteRules } from './route-rule.ts';

type Spec = VirtualService['spec'];
type Rule = NonNullable<Spec['http']>[number];
type Match = NonNullable<Rule['match']>[number];

function ruleSet(name: string, spec: Spec, namespace = 'default') {
  const metadata = { name, namespace };
  return buildRouteRules(
    { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata, spec } as VirtualService,
    'cluster.local',
  );
}

const TO_A: Rule = { route: [{ destination: { host: 'a' } }] };

/** A root with this rule, and a delegate with those. */
function merge(root: Partial<Rule>, ...leaves: Rule[]) {
  const set = ruleSet('root', { hosts: ['x'], http: [{ ...root, delegate: { name: 'leaf', namespace: 'team' } }] });
  const delegate = ruleSet('leaf', { http: leaves }, 'team');
  return mergeDelegates(set, (key) => (key === 'team/leaf' ? delegate : undefined));
}

/** The match of both, or undefined if there is none. */
function mergedMatch(root: Match, leaf: Match) {
  const { set, problems } = merge({ match: [root] }, { ...TO_A, match: [leaf] });
  const match = set.rules[0]?.matches[0];
  expect(problems.map(({ type }) => type)).toEqual(match === undefined ? ['conflict'] : []);
  return match;
}

const exact = (value: string) => ({ exact: value });
const prefix = (value: string) => ({ prefix: value });
const regex = (value: string) => ({ regex: value });

describe('paths', () => {
  it.each([
    [undefined, prefix('/a'), { type: 'prefix', value: '/a' }],
    [prefix('/a'), undefined, { type: 'prefix', value: '/a' }],
    [prefix('/a'), prefix('/a/b'), { type: 'prefix', value: '/a/b' }],
    [prefix('/a/b'), prefix('/a'), { type: 'prefix', value: '/a/b' }],
    [prefix('/a'), exact('/a/b'), { type: 'exact', value: '/a/b' }],
    [exact('/a/b'), prefix('/a'), { type: 'exact', value: '/a/b' }],
    [exact('/a'), exact('/a'), { type: 'exact', value: '/a' }],
    [regex('/a.*'), regex('/a.*'), { type: 'regex', value: '/a.*' }],
  ])('%j and %j are %j', (root, leaf, path) => {
    const match = mergedMatch(root === undefined ? {} : { uri: root }, leaf === undefined ? {} : { uri: leaf });
    expect(match).toMatchObject({ path, headers: [] });
  });

  it.each([
    [prefix('/a'), prefix('/b')],
    [prefix('/a/b'), exact('/a')],
    [exact('/a'), exact('/b')],
    [exact('/a'), prefix('/a/b')],
  ])('%j and %j have nothing in common', (root, leaf) => {
    expect(mergedMatch({ uri: root }, { uri: leaf })).toBeUndefined();
  });

  it.each([
    [{ uri: prefix('/a') }, { uri: regex('.*/b') }, { type: 'prefix', value: '/a' }],
    [{ uri: regex('/a|/b') }, { uri: exact('/a') }, { type: 'regex', value: '(?:/a|/b)(?:\\?.*)?' }],
    [{ uri: exact('/a.b') }, { uri: regex('/.*') }, { type: 'regex', value: '/a\\.b(?:\\?.*)?' }],
    [
      { uri: prefix('/A'), ignoreUriCase: true },
      { uri: prefix('/a/b') },
      { type: 'prefix', value: '/A', ignoreCase: true },
    ],
    [{ uri: exact('/A'), ignoreUriCase: true }, { uri: prefix('/a') }, { type: 'regex', value: '(?i)/A(?:\\?.*)?' }],
  ])('of %j and %j, that of the delegate is matched as path and the other as header', (root, leaf, value) => {
    expect(mergedMatch(root, leaf)).toMatchObject({ headers: [{ name: ':path', value }] });
  });

  it('that differ in case conflict unless one of them does not mind', () => {
    expect(mergedMatch({ uri: prefix('/A') }, { uri: prefix('/a/b') })).toBeUndefined();
    expect(mergedMatch({ uri: prefix('/A'), ignoreUriCase: true }, { uri: prefix('/b') })).toBeUndefined();
  });
});

describe('conditions', () => {
  it('of both must hold', () => {
    const root: Match = {
      method: exact('GET'),
      headers: { a: exact('1'), same: {} },
      withoutHeaders: { b: {} },
      queryParams: { q: prefix('x') },
      sourceLabels: { app: 'web' },
      gateways: ['mesh', 'front'],
      port: 80,
      statPrefix: 'root',
    };
    const leaf: Match = {
      scheme: exact('http'),
      headers: { c: exact('2'), same: {} },
      queryParams: { q: prefix('xy') },
      sourceLabels: { version: 'v1' },
      sourceNamespace: 'shop',
      gateways: ['default/front', 'back'],
      statPrefix: 'leaf',
    };
    expect(mergedMatch(root, leaf)).toEqual({
      path: { type: 'any' },
      headers: [
        { name: 'a', value: { type: 'exact', value: '1' } },
        { name: 'b', value: { type: 'present' }, invert: true },
        { name: ':method', value: { type: 'exact', value: 'GET' } },
        { name: 'c', value: { type: 'exact', value: '2' } },
        { name: 'same', value: { type: 'present' } },
        { name: ':scheme', value: { type: 'exact', value: 'http' } },
      ],
      query: [
        { name: 'q', value: { type: 'prefix', value: 'x' } },
        { name: 'q', value: { type: 'prefix', value: 'xy' } },
      ],
      port: 80,
      client: { labels: { app: 'web', version: 'v1' }, namespace: 'shop' },
      gateways: ['default/front'],
      statPrefix: 'leaf',
      source: { kind: 'VirtualService', namespace: 'team', name: 'leaf', path: 'spec.http[0].match[0]' },
      delegatedFrom: { kind: 'VirtualService', namespace: 'default', name: 'root', path: 'spec.http[0].match[0]' },
    });
  });

  it.each<[Match, Match]>([
    [{ method: exact('GET') }, { method: exact('POST') }],
    [{ headers: { a: prefix('x') } }, { headers: { a: exact('y') } }],
    [{ headers: { a: {} } }, { withoutHeaders: { a: {} } }],
    [{ queryParams: { a: exact('1') } }, { queryParams: { a: exact('2') } }],
    [{ port: 80 }, { port: 81 }],
    [{ sourceNamespace: 'a' }, { sourceNamespace: 'b' }],
    [{ sourceLabels: { app: 'a' } }, { sourceLabels: { app: 'b' } }],
    [{ gateways: ['mesh'] }, { gateways: ['default/front'] }],
  ])('%j and %j conflict', (root, leaf) => {
    expect(mergedMatch(root, leaf)).toBeUndefined();
  });

  it('are joined each with each, but for those that conflict', () => {
    const { set, problems } = merge(
      { match: [{ uri: prefix('/a') }, { uri: prefix('/b') }] },
      { ...TO_A, match: [{ uri: exact('/a/1') }, { method: exact('GET') }, { uri: exact('/c') }] },
    );
    expect(set.rules[0]?.matches.map(({ path }) => path)).toEqual([
      { type: 'exact', value: '/a/1' },
      { type: 'prefix', value: '/a' },
      { type: 'prefix', value: '/b' },
    ]);
    expect(problems).toMatchObject([{ type: 'conflict', source: { name: 'leaf', path: 'spec.http[0].match[2]' } }]);
  });
});

describe('rules', () => {
  it('stand in the place of the one that delegates, with what it says and they do not', () => {
    const root = ruleSet('root', {
      hosts: ['x'],
      http: [
        { ...TO_A, match: [{ uri: exact('/first') }] },
        {
          name: 'root',
          timeout: '5s',
          retries: { attempts: 1 },
          headers: { request: { set: { x: 'root' } } },
          delegate: { name: 'leaf' },
        },
        { ...TO_A, name: 'last' },
      ],
    });
    const leaf = ruleSet('leaf', {
      http: [
        { ...TO_A, name: 'one', timeout: '1s', match: [{ uri: prefix('/one') }] },
        { redirect: { uri: '/' }, headers: { request: { set: { x: 'leaf' } } } },
      ],
    });
    const { set, problems } = mergeDelegates(root, () => leaf);
    expect(problems).toEqual([]);
    expect(set).toMatchObject({ hosts: root.hosts, gateways: ['mesh'], source: root.source });
    expect(set.rules.map(({ name }) => name)).toEqual([undefined, 'root-one', 'root', 'last']);
    expect(set.rules[1]?.options).toMatchObject({
      timeoutMs: 1000,
      retry: { attempts: 1 },
      headers: { operations: { request: { set: [{ name: 'x', value: 'root' }] } } },
    });
    expect(set.rules[2]).toMatchObject({
      action: { type: 'redirect' },
      options: { timeoutMs: 5000, headers: { operations: { request: { set: [{ name: 'x', value: 'leaf' }] } } } },
    });
  });

  it('of a delegate that is not there leave nothing', () => {
    const root = ruleSet('root', { hosts: ['x'], http: [{ delegate: { name: 'gone' } }, TO_A] });
    const { set, problems } = mergeDelegates(root, () => undefined);
    expect(set.rules.map(({ source }) => source.path)).toEqual(['spec.http[1]']);
    expect(problems).toMatchObject([{ type: 'missing', source: { path: 'spec.http[0].delegate' } }]);
  });

  it('without delegates are the same as before', () => {
    const root = ruleSet('root', { hosts: ['x'], http: [TO_A] });
    expect(mergeDelegates(root, () => undefined).set).toBe(root);
  });
});
