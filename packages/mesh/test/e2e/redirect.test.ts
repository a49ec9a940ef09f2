import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EnvoyProcess, stopEnvoy } from '#agent/envoy/run.ts';
import { WorkloadSecrets } from '#agent/secrets/workload-secrets.ts';
import { startTestAuthority, type TestAuthority } from '../golden/test-authority.ts';
import { eventually } from './mesh.ts';
import type { Call, CallResult } from './redirect/inside.ts';
import { type Machine, Network, whyNoNetworks } from './redirect/network.ts';
import { type PilotProcess, startPilot } from './redirect/pilot-process.ts';
import { startStockEnvoy } from './redirect/stock-envoy.ts';

const CONFIGURATION = `
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, clusterIP: 10.96.0.10, ports: [{port: 80, targetPort: 9080, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec: {selector: {app: reviews}, clusterIP: 10.96.0.11, ports: [{port: 3306, name: mysql}]}
---
apiVersion: v1
kind: Service
metadata: {name: either}
spec: {selector: {app: reviews}, clusterIP: 10.96.0.12, ports: [{port: 7000}]}
---
apiVersion: v1
kind: Service
metadata: {name: strict}
spec: {selector: {app: strict}, clusterIP: 10.96.0.13, ports: [{port: 80, targetPort: 9080, name: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: exact}
spec: {selector: {group: exact}, clusterIP: 10.96.0.14, ports: [{port: 9080, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: exact-tcp}
spec:
  hosts: [exact-tcp.com]
  addresses: [10.2.0.0/16]
  ports: [{number: 8000, name: tcp, protocol: TCP}]
  resolution: STATIC
  location: MESH_EXTERNAL
  endpoints: [{address: 10.1.0.2, ports: {tcp: 7777}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: exact}
spec: {host: exact, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: exact-tcp}
spec: {host: exact-tcp.com, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict}
spec: {selector: {matchLabels: {app: strict}}, mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    rewrite: {uri: /rewritten}
    route: [{destination: {host: reviews}}]
  - route: [{destination: {host: reviews}}]
`;

const MESH_LABELS = { 'security.istio.io/tlsMode': 'istio' };

const reason = await whyNoNetworks();
if (reason !== undefined) console.warn(`skipped: capture by redirection (${reason})`);

describe.skipIf(reason !== undefined).each(['DELTA_GRPC', 'GRPC'] as const)(
  'redirected connections, %s',
  (protocol) => {
    const dir = mkdtempSync(join(tmpdir(), 'lat-'));
    const envoys: EnvoyProcess[] = [];
    const secrets: WorkloadSecrets[] = [];
    let authority: TestAuthority;
    let pilot: PilotProcess;
    let network: Network;
    let client: Machine;
    let outside: Machine;

    beforeAll(async () => {
      mkdirSync(join(dir, 'config'));
      writeFileSync(join(dir, 'config/mesh.yaml'), CONFIGURATION);
      authority = await startTestAuthority(dir, 'ca');
      pilot = await startPilot(
        '-c',
        join(dir, 'config'),
        '--xds-address',
        `unix:${join(dir, 'xds.sock')}`,
        '--plaintext',
      );
      network = await Network.create(dir);
      client = await network.machine('10.1.0.1', { redirect: true });
      const reviews = await network.machine('10.1.0.2', { redirect: true });
      const strict = await network.machine('10.1.0.3', { redirect: true });
      outside = await network.machine('10.2.0.1');
      await outside.listen(80, 'outside');
      await outside.listen(8000, 'outside', { greets: true });
      await reviews.listen(9080, 'reviews');
      await reviews.listen(3306, 'store', { greets: true });
      await reviews.listen(7000, 'either');
      await reviews.listen(7777, 'undeclared');
      await strict.listen(9080, 'strict');
      await proxy(client, 'productpage-1', 'productpage', 'bookinfo-productpage', MESH_LABELS);
      await proxy(reviews, 'reviews-1', 'reviews', 'bookinfo-reviews', { ...MESH_LABELS, group: 'exact' });
      await proxy(strict, 'strict-1', 'strict', 'strict', { group: 'exact' });
      for (const to of ['10.96.0.10', '10.96.0.13']) {
        await eventually(`${to} answers`, async () => (await get(to, to)).status === 200);
      }
    }, 60_000);

    afterAll(async () => {
      await Promise.all(envoys.map((envoy) => stopEnvoy(envoy)));
      await Promise.all(secrets.map((each) => each.close()));
      await network?.close();
      await pilot?.stop();
      await authority?.close();
      rmSync(dir, { recursive: true, force: true });
    });

    async function proxy(machine: Machine, name: string, app: string, serviceAccount: string, labels: object) {
      const own = join(dir, `${name}-certs`);
      mkdirSync(own, { mode: 0o700 });
      const sdsSocket = join(own, 'sds.sock');
      const workload = new WorkloadSecrets({
        ...authority.certificateRequest({ namespace: 'default', serviceAccount }),
        sdsSocket,
      });
      await workload.start();
      secrets.push(workload);
      const metadata = {
        NAME: name,
        NAMESPACE: 'default',
        LABELS: { app, ...labels },
        SERVICE_ACCOUNT: serviceAccount,
        CLUSTER_ID: 'Kubernetes',
        NETWORK: '',
        INTERCEPTION_MODE: 'REDIRECT',
        INSTANCE_IPS: machine.address,
        APP_CONTAINERS: app,
      };
      envoys.push(
        await startStockEnvoy({
          nodeId: `sidecar~${machine.address}~${name}.default~default.svc.cluster.local`,
          metadata,
          xds: pilot.address,
          sdsSocket,
          protocol,
          dir: join(dir, name),
          entranceFor: (program) => machine.entranceFor(program),
        }),
      );
    }

    const get = (
      to: string,
      host: string,
      more: Partial<Call> & { path?: string; headers?: Record<string, string> } = {},
    ) => {
      const { path = '/', headers = {}, ...rest } = more;
      return client.call({ to, port: 80, http: { host, path, headers }, ...rest });
    };
    const seen = ({ body = '{}' }: CallResult) =>
      JSON.parse(body) as { name: string; url: string; headers: Record<string, string>; from: string };

    it('HTTP goes to the service that its Host header names, whatever address was called', async () => {
      for (const host of ['reviews', 'reviews.default', 'reviews.default.svc.cluster.local:80', '10.96.0.10']) {
        expect(seen(await get('10.96.0.10', host))).toMatchObject({ name: 'reviews', url: '/' });
      }
      expect(seen(await get('10.96.0.13', 'reviews'))).toMatchObject({ name: 'reviews' });
    });

    it('the rules of a VirtualService hold', async () => {
      const answer = await get('10.96.0.10', 'reviews', { path: '/a', headers: { 'end-user': 'jason' } });
      expect(seen(answer)).toMatchObject({ name: 'reviews', url: '/rewritten/a' });
    });

    it('sidecars with a certificate speak mutual TLS, and the application sees its own machine as the caller', async () => {
      const { headers, from } = seen(await get('10.96.0.10', 'reviews'));
      expect(headers['x-forwarded-client-cert']).toContain('spiffe://cluster.local/ns/default/sa/bookinfo-productpage');
      expect(from).toBe('127.0.0.6');
    });

    it('TCP goes to the service with the address, also where the server speaks first', async () => {
      const answer = await client.call({ to: '10.96.0.11', port: 3306, text: 'hello', awaitsGreeting: true });
      expect(answer.body).toBe('store greets\nstore got hello');
    });

    it('where the protocol is not known, it is found out', async () => {
      expect((await client.call({ to: '10.96.0.12', port: 7000, text: 'hello\n' })).body).toBe('either got hello\n');
      expect(seen(await get('10.96.0.12', 'whatever', { port: 7000 }))).toMatchObject({ name: 'either' });
    });

    it('hosts that the mesh does not know are reached where the caller wants, on ports of services and on others', async () => {
      expect(seen(await get('10.2.0.1', 'example.com'))).toMatchObject({ name: 'outside' });
      expect((await client.call({ to: '10.2.0.1', port: 80, text: 'no HTTP\n' })).body).toBe('outside got no HTTP\n');
      const greeted = await client.call({ to: '10.2.0.1', port: 8000, text: 'hello', awaitsGreeting: true });
      expect(greeted.body).toBe('outside greets\noutside got hello');
    });

    it('PASSTHROUGH leads to the address that was called, not to the endpoints of the service', async () => {
      for (const name of ['reviews', 'strict', 'strict', 'reviews', 'reviews', 'strict']) {
        const to = name === 'reviews' ? '10.1.0.2' : '10.1.0.3';
        expect(seen(await get(to, 'exact:9080', { port: 9080 }))).toMatchObject({ name });
      }
      const greeted = await client.call({ to: '10.2.0.1', port: 8000, text: 'hello', awaitsGreeting: true });
      expect(greeted.body).toBe('outside greets\noutside got hello');
    });

    it('callers without a sidecar are let in where mutual TLS is not asked for', async () => {
      const call = { port: 9080, http: { host: 'reviews' } };
      expect(seen(await outside.callDirectly({ to: '10.1.0.2', ...call }))).toMatchObject({ name: 'reviews' });
      expect(await outside.callDirectly({ to: '10.1.0.3', ...call })).toMatchObject({ error: expect.any(String) });
      expect(seen(await get('10.96.0.13', 'strict')).headers['x-forwarded-client-cert']).toContain(
        'bookinfo-productpage',
      );
    });

    it('ports that no Service has are reached as they are', async () => {
      const answer = await outside.callDirectly({ to: '10.1.0.2', port: 7777, http: { host: 'any' } });
      expect(seen(answer)).toMatchObject({ name: 'undeclared' });
      const text = await outside.callDirectly({ to: '10.1.0.2', port: 7777, text: 'hello' });
      expect(text.body).toBe('undeclared got hello');
    });

    it('calls to the ports of the proxy itself are not sent round in circles', async () => {
      expect(await outside.callDirectly({ to: '10.1.0.2', port: 15_006, text: 'x' })).toMatchObject({
        error: expect.any(String),
      });
      expect(await client.call({ to: '127.0.0.1', from: '127.0.0.1', port: 15_001, text: 'x' })).toMatchObject({
        error: expect.any(String),
      });
    });

    it('nothing was refused', () => {
      expect(pilot.stderr()).not.toMatch(/refused/);
    });
  },
);
