import { EGRESS_GATEWAY, INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { onTestFinished, test } from 'vitest';
import type { StartedGateway } from '#pilot/registry/processes/link.ts';
import { BuiltInGateways } from './built-in-gateways.ts';
import type { MeshContext } from './context.ts';
import { Ports } from './ports.ts';
import { fakeMesh } from './testing/fake-mesh.ts';
import { waitUntil } from './testing/wait-until.ts';

async function start(context: MeshContext = fakeMesh().context) {
  const [http = 0, other = 0] = await new Ports().allocate(2);
  const gateways = new BuiltInGateways({
    context,
    hostPorts: { 80: http, 9000: other },
    onNotice() {},
    onFileProblem(error) {
      throw error;
    },
  });
  onTestFinished(() => gateways.stop());
  await gateways.start();
  return {
    context,
    gateways,
    apply: (...startedGateways: readonly StartedGateway[]) => gateways.apply({ startedGateways }),
    until: (wanted: Record<string, number[]>) =>
      waitUntil(
        `there are ${JSON.stringify(wanted)}`,
        () =>
          JSON.stringify(mapPorts(({ hostPorts }) => Object.keys(hostPorts).map(Number))) === JSON.stringify(wanted),
      ),
    hostPorts: () => mapPorts(({ hostPorts }) => hostPorts),
    labelsOf: (wanted: string) =>
      context.instances.all().find(({ instance: { name } }) => name === wanted)?.instance.labels,
  };
  function mapPorts<T>(valueFrom: (capture: { hostPorts: Readonly<Record<number, number>> }) => T) {
    return Object.fromEntries(
      context.instances.all().flatMap(({ instance: { name, capture } }) => {
        return capture.mode === 'gateway' ? [[name, valueFrom(capture)]] : [];
      }),
    );
  }
}

function ingress(...ports: number[]): StartedGateway {
  return { ...INGRESS_GATEWAY, proxy: {}, ports, hostPorts: 'usual' };
}

const egress: StartedGateway = { ...EGRESS_GATEWAY, proxy: {}, ports: [443], hostPorts: 'any' };

function own(name: string, ...ports: number[]): StartedGateway {
  return { name, namespace: 'default', labels: {}, serviceAccount: name, proxy: {}, ports, hostPorts: 'usual' };
}

test('gateways come and go with what asks for them', async () => {
  const { apply, until } = await start();
  await until({ 'istio-ingressgateway': [80] });
  apply(ingress(9000), egress);
  await until({ 'istio-egressgateway': [443], 'istio-ingressgateway': [80, 9000] });
  apply(ingress());
  await until({ 'istio-ingressgateway': [80, 9000] });
  // The one before may still be on its way down.
  apply(ingress(), egress);
  apply(ingress());
  apply(ingress(), egress);
  await until({ 'istio-egressgateway': [443], 'istio-ingressgateway': [80, 9000] });
});

test('nothing is started once they are stopped', async () => {
  const { gateways, apply, until } = await start();
  await gateways.stop();
  apply(ingress(), egress);
  await until({});
});

test('of several that want a port each has another one, also the next time, whoever comes first then', async () => {
  const [wanted = 0] = await new Ports().allocate(1);
  const { context, gateways, apply, until, hostPorts } = await start();
  apply(ingress(), own('b', wanted));
  await until({ b: [wanted], 'istio-ingressgateway': [80] });
  apply(ingress(), own('a', wanted), own('b', wanted));
  await until({ a: [wanted], b: [wanted], 'istio-ingressgateway': [80] });
  const before = hostPorts();
  await gateways.stop();
  const again = await start(context);
  again.apply(ingress(), own('a', wanted), own('b', wanted));
  await again.until({ a: [wanted], b: [wanted], 'istio-ingressgateway': [80] });
  const { a, b } = again.hostPorts();
  if (a?.[wanted] === b?.[wanted]) throw new Error('both have the same port');
  if (JSON.stringify([a, b]) !== JSON.stringify([before.a, before.b])) throw new Error('they have other ports now');
});

test('one with other labels takes the place of the one before, at the same port', async () => {
  const [wanted = 0] = await new Ports().allocate(1);
  const { apply, until, hostPorts, labelsOf } = await start();
  apply(ingress(), own('a', wanted));
  await until({ a: [wanted], 'istio-ingressgateway': [80] });
  const before = hostPorts().a?.[wanted];
  apply(ingress(), { ...own('a', wanted), labels: { tier: 'edge' } });
  await waitUntil('it has them', () => labelsOf('a')?.tier === 'edge');
  await waitUntil('it has the port', () => hostPorts().a?.[wanted] === before);
});
