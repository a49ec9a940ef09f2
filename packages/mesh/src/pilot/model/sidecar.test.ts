import type { Sidecar } from '@lateen/api/kinds.ts';
import { describe, expect, it } from 'vitest';
import { parseDocuments } from '../config/parse.ts';
import { buildSidecar, decideSidecar, isCovered } from './sidecar.ts';

function rules(spec: string, { name = 'one', namespace = 'shop' } = {}) {
  const text = `{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}`;
  const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
  expect(diagnostics).toEqual([]);
  return buildSidecar(objects[0]?.object as Sidecar, 'cluster.local');
}

describe('hosts of an egress listener', () => {
  const covers = (host: string, namespace: string, hostname: string) => {
    const [listener] = rules(`{egress: [{hosts: ["${host}"]}]}`).egress ?? [];
    return isCovered({ namespace, hostname }, listener?.hosts ?? []);
  };

  it.each([
    ['./*', 'shop', 'a.shop.svc.cluster.local', true],
    ['./*', 'other', 'a.other.svc.cluster.local', false],
    ['other/*', 'other', 'a.other.svc.cluster.local', true],
    ['*/*', 'other', 'a.other.svc.cluster.local', true],
    ['~/*', 'shop', 'a.shop.svc.cluster.local', false],
    ['*/a.other.svc.cluster.local', 'other', 'a.other.svc.cluster.local', true],
    ['./a', 'shop', 'a.shop.svc.cluster.local', true],
    ['other/a', 'other', 'a.other.svc.cluster.local', true],
    ['*/*.example.com', 'shop', 'a.example.com', true],
    ['*/*.example.com', 'shop', 'example.com', false],
    ['*/*.com', 'shop', '*.example.com', true],
    ['*/a.example.com', 'shop', '*.example.com', false],
  ])('%s for %s/%s: %s', (host, namespace, hostname, expected) => {
    expect(covers(host, namespace, hostname)).toBe(expected);
  });
});

describe('an egress listener', () => {
  const listener = (spec: string) => rules(`{egress: [{${spec}, hosts: ["*/*"]}]}`).egress?.[0];

  it.each([
    ['port: {number: 80, protocol: HTTP, name: http}', { number: 80, protocol: 'http', isProxy: false }, undefined],
    ['port: {number: 80, name: grpc-web}', { number: 80, protocol: 'http2', isProxy: false }, undefined],
    ['port: {number: 80}', { number: 80, isProxy: false }, undefined],
    ['port: {number: 80}, captureMode: NONE', { number: 80, isProxy: false }, { type: 'loopback' }],
    [
      'port: {number: 3128, protocol: HTTP_PROXY}, bind: 127.0.0.1',
      { number: 3128, protocol: 'http', isProxy: true },
      { type: 'ip', address: '127.0.0.1' },
    ],
    [
      'port: {number: 0, protocol: TCP}, bind: "unix:///run/a.sock"',
      { protocol: 'tcp', isProxy: false },
      { type: 'socket', path: '/run/a.sock' },
    ],
  ])('%s', (spec, port, bind) => {
    expect(listener(spec)).toMatchObject({ port });
    expect(listener(spec)?.bind).toEqual(bind);
  });
});

describe('an ingress listener', () => {
  it.each([
    ['127.0.0.1:8080', { type: 'loopback', port: 8080 }],
    ['"[::1]:8080"', { type: 'loopback', port: 8080 }],
    ['":8080"', { type: 'loopback', port: 8080 }],
    ['0.0.0.0:8080', { type: 'workload', port: 8080 }],
    ['"unix:///run/a.sock"', { type: 'socket', path: '/run/a.sock' }],
    ['""', undefined],
  ])('leads to the application at %s', (endpoint, target) => {
    const { ingress } = rules(`{ingress: [{port: {number: 80, name: http}, defaultEndpoint: ${endpoint}}]}`);
    expect(ingress).toMatchObject([{ port: 80, protocol: 'http', isUncaptured: false }]);
    expect(ingress?.[0]?.target).toEqual(target);
  });
});

describe('of several Sidecars', () => {
  const EGRESS = 'egress: [{hosts: ["./*"]}]';
  const all = rules(`{${EGRESS}, outboundTrafficPolicy: {mode: REGISTRY_ONLY}}`, { namespace: 'istio-system' });
  const wide = rules(`{${EGRESS}}`, { name: 'b-wide' });
  const later = rules(`{${EGRESS}}`, { name: 'c-wide' });
  const pool = 'inboundConnectionPool: {tcp: {maxConnections: 1}}';
  const own = rules(`{workloadSelector: {labels: {app: a}}, ${pool}}`, { name: 'own' });
  const decide = (namespace: string, app: string) =>
    decideSidecar({ namespace, labels: { app } }, namespace === 'shop' ? [wide, later, own] : [], [all]);

  it('the narrowest holds, and the first by name where two are as wide', () => {
    expect(decide('shop', 'b').egress).toBe(wide.egress);
    expect(decide('elsewhere', 'b').egress).toBe(all.egress);
    expect(decideSidecar({ namespace: 'elsewhere', labels: {} }, [], [])).toEqual({});
  });

  it('wider ones say of calls by the workload what it does not', () => {
    expect(decide('shop', 'a')).toMatchObject({ egress: wide.egress, outside: { type: 'refuse' } });
    expect(decide('shop', 'a').inboundPool?.source).toMatchObject({ name: 'own', path: 'spec.inboundConnectionPool' });
    expect(decide('shop', 'b').inboundPool).toBeUndefined();
  });

  it('those with a selector in the root namespace are for its own workloads', () => {
    const selecting = rules(`{workloadSelector: {labels: {app: a}}, ${EGRESS}}`, { namespace: 'istio-system' });
    expect(decideSidecar({ namespace: 'shop', labels: { app: 'a' } }, [], [selecting])).toEqual({});
    const inRoot = { namespace: 'istio-system', labels: { app: 'a' } };
    expect(decideSidecar(inRoot, [selecting, all], [selecting, all]).egress).toBe(selecting.egress);
  });
});

describe('outboundTrafficPolicy', () => {
  it.each([
    ['{}', { type: 'refuse' }],
    ['{mode: REGISTRY_ONLY}', { type: 'refuse' }],
    ['{mode: ALLOW_ANY}', { type: 'allow' }],
    [
      '{mode: ALLOW_ANY, egressProxy: {host: out, subset: v1, port: {number: 80}}}',
      { type: 'allow', via: { host: 'out.shop.svc.cluster.local', subset: 'v1', port: 80 } },
    ],
  ])('%s', (policy, outside) => {
    expect(rules(`{outboundTrafficPolicy: ${policy}}`).outside).toMatchObject(outside);
  });
});
