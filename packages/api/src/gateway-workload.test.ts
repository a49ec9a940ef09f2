import { expect, test } from 'vitest';
import { isGatewayPod, wantsEgressGateway } from './gateway-workload.ts';

test('a pod is a gateway if its annotation or its label asks for that template', () => {
  expect(isGatewayPod({ metadata: { annotations: { 'inject.istio.io/templates': 'gateway' } } })).toBe(true);
  expect(isGatewayPod({ metadata: { labels: { 'inject.istio.io/templates': 'gateway' } } })).toBe(true);
  expect(isGatewayPod({ metadata: { annotations: { 'inject.istio.io/templates': 'custom, gateway' } } })).toBe(true);
  expect(isGatewayPod({ metadata: { annotations: { 'inject.istio.io/templates': 'sidecar' } } })).toBe(false);
  expect(isGatewayPod({})).toBe(false);
});

test('the egress gateway runs where a Gateway names it and no other gateway takes its place', () => {
  const egress = { istio: 'egressgateway' };
  expect(wantsEgressGateway([], [])).toBe(false);
  expect(wantsEgressGateway([{ istio: 'ingressgateway' }, {}], [])).toBe(false);
  expect(wantsEgressGateway([{ istio: 'ingressgateway' }, egress], [])).toBe(true);
  expect(wantsEgressGateway([egress], [{ istio: 'ingressgateway' }])).toBe(true);
  expect(wantsEgressGateway([egress], [{ istio: 'egressgateway', team: 'shop' }])).toBe(false);
});
