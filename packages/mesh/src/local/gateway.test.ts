import { createServer } from 'node:net';
import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { expect, onTestFinished, test } from 'vitest';
import { Gateway } from './gateway.ts';
import { Ports } from './ports.ts';
import { fakeMesh } from './testing/fake-mesh.ts';
import { waitUntil } from './testing/wait-until.ts';

async function startGateway() {
  const mesh = fakeMesh();
  const [wanted = 0] = await new Ports().allocate(1);
  const notices: string[] = [];
  const gateway = new Gateway({
    context: mesh.context,
    gateway: INGRESS_GATEWAY,
    proxy: {},
    hostPorts: { wanted: () => wanted, isOfAnother: () => false, reserved: [80] },
    onNotice: (text) => notices.push(text),
  });
  onTestFinished(() => gateway.stop());
  await gateway.start();
  return { mesh, gateway, wanted, notices };
}

test('a port that was taken between its reservation and its first use is replaced', async () => {
  const { gateway, wanted, notices } = await startGateway();
  expect(gateway.url).toBe(`http://localhost:${wanted}`);
  const thief = createServer();
  onTestFinished(() => void thief.close());
  await new Promise<void>((resolve) => {
    thief.listen(wanted, '127.0.0.1', resolve);
  });
  gateway.serve([80]);
  await waitUntil('it has another port', () => gateway.url !== `http://localhost:${wanted}`);
  expect(notices).toEqual([
    `port ${wanted} is taken; the ingress gateway listens on ${new URL(gateway.url ?? '').port}`,
  ]);
});

test('all ports are given back at the end', async () => {
  const { mesh, gateway } = await startGateway();
  expect(mesh.ports.held.size).toBe(2);
  await gateway.stop();
  expect([...mesh.ports.held]).toEqual([]);
  expect(mesh.context.instances.all()).toEqual([]);
});
