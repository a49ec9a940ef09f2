import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { GatewayStatus, MeshStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callThrough, eventually, fetchText, isRunning, replica, Sandbox } from './mesh.ts';

const EGRESS = readFileSync(join(import.meta.dirname, '../../../../samples/outside/egress-gateway.yaml'), 'utf8');

const sandbox = new Sandbox();
let status: MeshStatus;
let outside: Server;
beforeAll(async () => {
  outside = createServer(({ headers }, response) => response.end(`through ${headers['x-through'] ?? 'nothing'}`));
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  status = await sandbox.up();
});
afterAll(async () => {
  outside.close();
  await sandbox.close();
});

async function lateen(...args: string[]): Promise<void> {
  const { code, stderr } = await sandbox.lateen(...args);
  expect(code, stderr).toBe(0);
}

/** Outside of the mesh's folder, so that only `apply` and `delete` read it. */
function manifest(name: string, text: string): string {
  const path = join(sandbox.home, name);
  writeFileSync(path, text);
  return path;
}

async function gateways(isWanted: (gateway: GatewayStatus) => boolean): Promise<readonly GatewayStatus[]> {
  return (await sandbox.status()).gateways.filter(isWanted);
}

describe('the egress gateway', () => {
  const isEgress = ({ name }: GatewayStatus) => name === 'istio-egressgateway';
  const call = () => callThrough(replica(status, 'productpage-v1'), 'http://currency.example.com/rates');
  const bodyOf = async () => (await call()).body;

  it('runs while a Gateway selects it, and carries the calls that rules send there', async () => {
    const { port } = outside.address() as AddressInfo;
    const service = manifest(
      'currency.yaml',
      `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: currency}
spec:
  hosts: [currency.example.com]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: ${port}}]
  endpoints: [{address: 127.0.0.1}]
`,
    );
    const egress = manifest('egress.yaml', EGRESS);
    await lateen('apply', '-f', service);
    await eventually('calls go out', async () => (await bodyOf()) === 'through nothing');
    expect(await gateways(isEgress)).toEqual([]);

    await lateen('apply', '-f', egress);
    await eventually('calls go through the gateway', async () => (await bodyOf()) === 'through egress');
    const [first] = await gateways(isEgress);
    expect(first).toMatchObject({ ready: true, ports: [{ port: 80, protocol: 'HTTPS' }] });
    const shown = await sandbox.lateen('proxy-config', 'listeners', 'gateway');
    expect(shown.stdout, 'still the ingress gateway').not.toContain('currency.example.com');
    // It takes the mutual TLS of the mesh only.
    const hostPort = first?.ports[0]?.hostPort;
    await expect(fetchText(`http://127.0.0.1:${hostPort}/`, { host: 'currency.example.com' })).rejects.toThrow();

    const { pid } = first ?? {};
    process.kill(pid ?? 0, 'SIGKILL');
    const again = await eventually('it is started again', async () =>
      (await gateways(isEgress)).find((each) => each.ready && each.pid !== pid),
    );
    await eventually('calls go through it', async () => (await bodyOf()) === 'through egress');

    await lateen('delete', '-f', egress);
    await eventually('calls go straight out again', async () => (await bodyOf()) === 'through nothing');
    await eventually('the gateway ends', async () => (await gateways(isEgress)).length === 0);
    expect(isRunning(again.pid ?? 0)).toBe(false);
    await lateen('delete', '-f', service);
  });
});

describe('gateways of Deployments', () => {
  const isOwn = ({ namespace, labels }: GatewayStatus) => namespace === 'default' && labels.istio === 'shop';
  const shop = (replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-gateway}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {istio: shop}}
  template:
    metadata:
      labels: {istio: shop}
      annotations: {inject.istio.io/templates: gateway}
    spec:
      containers: [{name: istio-proxy, image: auto, ports: [{containerPort: 80}]}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop}
spec:
  selector: {istio: shop}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  gateways: [shop]
  http: [{route: [{destination: {host: details}}]}]
`;
  const call = ({ ports: [first] }: GatewayStatus) =>
    fetchText(`http://127.0.0.1:${first?.hostPort}/details/0`, { host: 'shop.example.com' });

  it('open a port for each replica, take part in the mesh, and end with their Deployment', async () => {
    const file = manifest('shop.yaml', shop(2));
    await lateen('apply', '-f', file);
    const ready = async (count: number) => {
      const found = await gateways((each) => isOwn(each) && each.ready && each.ports.length > 0);
      return found.length === count && found;
    };
    const both = await eventually('both replicas are ready', () => ready(2));
    expect(new Set(both.map(({ ports: [first] }) => first?.hostPort)).size).toBe(2);
    for (const each of both) {
      expect(each.spiffeId).toBe('spiffe://cluster.local/ns/default/sa/default');
      const answer = await eventually('it answers', async () => {
        const found = await call(each);
        return found.status === 200 && found;
      });
      expect(answer.body).toContain('author');
    }
    // The ingress gateway is another one.
    expect((await sandbox.status()).gateways.some(({ name, ready: is }) => name === 'istio-ingressgateway' && is)).toBe(
      true,
    );

    manifest('shop.yaml', shop(1));
    await lateen('apply', '-f', file);
    const [one] = await eventually('one is left', () => ready(1));
    expect((await call(one as GatewayStatus)).status).toBe(200);

    await lateen('delete', '-f', file);
    await eventually('it ends', async () => (await gateways(isOwn)).length === 0);
    for (const { pid } of both) expect(isRunning(pid ?? 0)).toBe(false);
  });

  it('take the place of the egress gateway', async () => {
    const file = manifest('own-egress.yaml', `${shop(1).replaceAll('istio: shop', 'istio: egressgateway')}`);
    await lateen('apply', '-f', file);
    const names = async () =>
      (await gateways(({ labels }) => labels.istio === 'egressgateway')).map(({ name }) => name);
    expect(await eventually('it runs', async () => (await names()).length > 0 && names())).toEqual(['shop-gateway-0']);
    await lateen('delete', '-f', file);
  });
});
