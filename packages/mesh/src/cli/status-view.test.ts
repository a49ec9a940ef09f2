import { expect, test } from 'vitest';
import { bookinfoStatus } from './fixtures/bookinfo-status.ts';
import { formatReady, formatStatus } from './status-view.ts';

const plain = { colour: false };

test('status', () => {
  expect(formatStatus(plain, bookinfoStatus(), { wide: false })).toBe(`\
Mesh bookinfo is not ready
  admin          http://localhost:19000
  control plane  process 4100
  supervisor     process 4000

GATEWAY          READY   URL                     IDENTITY
ingressgateway   yes     http://localhost:8080   spiffe://cluster.local/ns/default/sa/ingressgateway

SERVICE       VERSIONS   REPLICAS   IDENTITY
productpage   v1         1/1        spiffe://cluster.local/ns/default/sa/bookinfo-productpage
reviews       v1         1/2        spiffe://cluster.local/ns/default/sa/bookinfo-reviews

REPLICA            VERSION   READY   STATUS     RESTARTS   PROXY    PROCESS   ENVOY
productpage-v1-0   v1        yes     running    0          synced   4300      4400
reviews-v1-0       v1        yes     running    0          synced   4301      4401
reviews-v2-0       v2        no      back-off   3          synced   -         4402

reviews-v2-0 is not ready (back-off): exited with code 1: cannot find module. See: lateen logs reviews-v2-0

error LAT0110 routes/reviews.yaml:12 spec.http[0].mtch: unknown field, did you mean 'match'?
`);
});

test('wide: where each process can be reached, and who each replica is', () => {
  const status = bookinfoStatus();
  const [first] = status.workloads;
  if (first === undefined) throw new Error('the fixture has workloads');
  const portless = { ...first, name: 'worker-v1-0', ports: [], inbound: { address: '127.0.0.1', port: 0 } };
  const text = formatStatus(plain, { ...status, workloads: [first, portless] }, { wide: true });
  expect(text).toContain(`
GATEWAY          READY   URL                     ENVOY   ENVOY ADMIN              IDENTITY
ingressgateway   yes     http://localhost:8080   4200    http://127.0.0.1:15200   spiffe://cluster.local/ns/default/sa/ingressgateway
`);
  const [titles, productpage, worker] = text
    .slice(text.indexOf('\nREPLICA ') + 1)
    .split('\n')
    .map((line) => line.split(/ {3,}/).slice(7));
  expect(titles).toEqual(['ENVOY', 'INBOUND', 'OUTBOUND PROXY', 'ENVOY ADMIN', 'IDENTITY']);
  expect(productpage).toEqual([
    '4400',
    '127.0.0.1:15400',
    'http://127.0.0.1:15600',
    'http://127.0.0.1:15300',
    'spiffe://cluster.local/ns/default/sa/bookinfo-productpage',
  ]);
  expect(worker?.[1]).toBe('-');
});

test('the table of up', () => {
  const status = { ...bookinfoStatus(), ready: true, diagnostics: [] };
  const ready = { ...status, workloads: status.workloads.slice(0, 2), services: status.services.slice(0, 1) };
  expect(formatReady(ready, { elapsedMs: 2_140, colour: false })).toBe(`\
Mesh bookinfo is ready in 2.1 s

SERVICE       VERSIONS   REPLICAS   IDENTITY
productpage   v1         1/1        spiffe://cluster.local/ns/default/sa/bookinfo-productpage

ingressgateway   http://localhost:8080
admin            http://localhost:19000
`);
});

test('the table of up says what is wrong', () => {
  const text = formatReady(bookinfoStatus(), { elapsedMs: 60_000, colour: false });
  expect(text).toMatch(/^Mesh bookinfo is not ready after 60\.0 s\n/);
  expect(text).toContain('reviews-v2-0 is not ready (back-off): exited with code 1: cannot find module.');
  expect(text).toContain('error LAT0110 routes/reviews.yaml:12');
});

test('a proxy that rejects its configuration, and control characters', () => {
  const status = bookinfoStatus();
  const [first] = status.workloads;
  if (first === undefined) throw new Error('the fixture has workloads');
  const proxy = { connected: true, synced: false, rejected: 'bad \u001b[2Jroute' };
  const text = formatStatus(plain, { ...status, workloads: [{ ...first, proxy }] }, { wide: false });
  expect(text).toContain('productpage-v1-0 rejects its configuration: bad \ufffd[2Jroute\n');
  expect(text).not.toContain('\u001b');
});

test('a Gateway that nobody serves as it is written', () => {
  const gateway = { name: 'web', namespace: 'shop', reason: 'Invalid', message: 'no \u001b[2Jlistener' };
  const kubernetesGateways = [
    { ...gateway, programmed: false },
    { ...gateway, name: 'other', programmed: true },
  ];
  const text = formatStatus(plain, { ...bookinfoStatus(), kubernetesGateways }, { wide: false });
  expect(text).toContain('the Gateway web.shop is not programmed (Invalid): no \ufffd[2Jlistener\n');
  expect(text).not.toContain('other');
});
