import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { TestCertificates } from '../golden/certificates.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { ruleText, startTrafficMesh, type TrafficMesh } from './traffic-mesh.ts';

const dir = mkdtempSync(join(tmpdir(), 'lateen-roots-'));
const certificates = new TestCertificates(
  dir,
  new Map(
    ['known', 'unknown'].map((authority) => [
      authority,
      { names: [`${authority}.test`], authority, algorithm: 'ecdsa' as const },
    ]),
  ),
);
const servers: Server[] = [];
let mesh: TrafficMesh;

beforeAll(async () => {
  // What the operating system trusts, for this test.
  vi.stubEnv('SSL_CERT_FILE', JSON.parse(certificates.fill('$CA_FILE(known)')));
  const service = (name: string, app: string) =>
    serviceText(name, '[{port: 80, name: http}]', { selector: `{app: ${app}}` });
  const rule = (name: string, tls: string) => ruleText(name, `trafficPolicy: {tls: {mode: SIMPLE, ${tls}}}`);
  mesh = await startTrafficMesh(
    service('said', 'known') +
      service('unsaid', 'known') +
      service('misnamed', 'known') +
      service('stranger', 'unknown') +
      rule('said', 'caCertificates: system, sni: known.test') +
      rule('unsaid', 'sni: known.test') +
      rule('misnamed', 'caCertificates: system, sni: other.test') +
      rule('stranger', 'caCertificates: system, sni: unknown.test'),
  );
  for (const authority of ['known', 'unknown']) {
    const { certificate, privateKey } = certificates.get(authority);
    const port = mesh.freePort();
    const server = createServer({ cert: certificate, key: privateKey }, (_, response) => response.end(authority));
    servers.push(server.on('tlsClientError', () => {}));
    await new Promise<void>((resolve) => server.listen({ port, host: LOOPBACK }, resolve));
    await mesh.addEndpoint(`${authority}-0`, authority, 80, port);
  }
});

afterAll(async () => {
  vi.unstubAllEnvs();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await mesh.stop();
  rmSync(dir, { recursive: true, force: true });
});

it.each(['said', 'unsaid'])('a server is trusted whose authority the operating system knows: %s', async (name) => {
  expect(await mesh.get(`http://${name}/`)).toMatchObject({ status: 200, body: 'known' });
});

it.each([
  ['misnamed', 'fail_verify_san'],
  ['stranger', 'fail_verify_error'],
])('a server with another name or authority is not trusted: %s', async (name, why) => {
  expect((await mesh.get(`http://${name}/`)).status).toBe(503);
  const counter = `cluster.outbound|80||${name}.default.svc.cluster.local.ssl.${why}`;
  expect(await mesh.statistic('client', counter)).toBeGreaterThan(0);
});
