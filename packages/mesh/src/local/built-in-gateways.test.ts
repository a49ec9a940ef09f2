import type { Deployment } from '@lateen/api/kinds.ts';
import { onTestFinished, test } from 'vitest';
import type { ManifestsMessage } from '#pilot/registry/processes/link.ts';
import { BuiltInGateways } from './built-in-gateways.ts';
import { Ports } from './ports.ts';
import { fakeMesh } from './testing/fake-mesh.ts';
import { waitUntil } from './testing/wait-until.ts';

async function start() {
  const mesh = fakeMesh();
  const [http = 0, other = 0] = await new Ports().allocate(2);
  const gateways = new BuiltInGateways({ context: mesh.context, hostPorts: { 80: http, 9000: other }, onNotice() {} });
  onTestFinished(() => gateways.stop());
  await gateways.start();
  return {
    gateways,
    apply: (message: Pick<ManifestsMessage, 'gateways'> & Partial<ManifestsMessage>) =>
      gateways.apply({
        type: 'manifests',
        deployments: [],
        configMaps: [],
        services: [],
        builtInProxies: {},
        ...message,
      }),
    until: (wanted: Record<string, number[]>) =>
      waitUntil(
        `there are ${JSON.stringify(wanted)}`,
        () => JSON.stringify(portsByGateway()) === JSON.stringify(wanted),
      ),
  };
  function portsByGateway() {
    return Object.fromEntries(
      mesh.context.instances.all().map(({ instance: { name, capture } }) => {
        return [name, capture.mode === 'gateway' ? Object.keys(capture.hostPorts).map(Number) : []];
      }),
    );
  }
}

const egress = { selector: { istio: 'egressgateway' }, ports: [443] };

test('the egress gateway comes and goes with the Gateways that ask for it', async () => {
  const { apply, until } = await start();
  await until({ 'istio-ingressgateway': [80] });
  apply({ gateways: [{ selector: { istio: 'ingressgateway' }, ports: [9000] }, egress] });
  await until({ 'istio-egressgateway': [443], 'istio-ingressgateway': [80, 9000] });
  apply({ gateways: [] });
  await until({ 'istio-ingressgateway': [80, 9000] });
  // The one before may still be on its way down.
  apply({ gateways: [egress] });
  apply({ gateways: [] });
  apply({ gateways: [egress] });
  await until({ 'istio-egressgateway': [443], 'istio-ingressgateway': [80, 9000] });
});

test('a Deployment of the user takes the place of the egress gateway', async () => {
  const { apply, until } = await start();
  apply({ gateways: [egress] });
  await until({ 'istio-egressgateway': [443], 'istio-ingressgateway': [80] });
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'my-egress', namespace: 'default' },
    spec: {
      selector: { matchLabels: { istio: 'egressgateway' } },
      template: {
        metadata: {
          labels: { istio: 'egressgateway' },
          annotations: { 'inject.istio.io/templates': 'gateway' },
        },
        spec: { containers: [{ name: 'istio-proxy', image: 'auto' }] },
      },
    },
  };
  apply({ gateways: [egress], deployments: [{ deployment, baseDir: '/', proxy: {} }] });
  await until({ 'istio-ingressgateway': [80] });
});

test('nothing is started once they are stopped', async () => {
  const { gateways, apply, until } = await start();
  await gateways.stop();
  apply({ gateways: [egress] });
  await until({});
});
