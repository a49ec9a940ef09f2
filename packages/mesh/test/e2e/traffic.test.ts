import type { MeshStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callThrough, eventually, fetchText, gatewayUrl, replica, reviewsVersion, Sandbox } from './mesh.ts';

const sandbox = new Sandbox();
let status: MeshStatus;
beforeAll(async () => {
  status = await sandbox.up();
});
afterAll(() => sandbox.close());

function productpage(headers: Record<string, string> = {}) {
  return fetchText(`${gatewayUrl(status)}/productpage`, headers);
}

async function versions(count: number, cookie?: string): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { body } = await productpage(cookie === undefined ? {} : { cookie });
    const version = reviewsVersion(body) ?? 'none';
    seen[version] = (seen[version] ?? 0) + 1;
  }
  return seen;
}

async function signIn(user: string): Promise<string> {
  const answer = await fetchText(
    `${gatewayUrl(status)}/login`,
    { 'content-type': 'application/x-www-form-urlencoded' },
    'POST',
    `username=${user}`,
  );
  expect(answer.status).toBe(303);
  return [answer.headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}

/** Puts one of the tutorial's steps in force, and waits until the gateway's path shows it. */
async function apply(step: string): Promise<void> {
  const result = await sandbox.lateen('apply', '-f', `${sandbox.dir}/routes/${step}.yaml`);
  expect(result.stderr + result.stdout).toContain('virtualservice.networking.istio.io/reviews');
  expect(result.code).toBe(0);
}

describe('Bookinfo in a mesh of its own', () => {
  it('shows what its proxies are configured with, line by line, and no key', async () => {
    const shown = async (what: string, workload: string, ...more: string[]) => {
      const { code, stdout, stderr } = await sandbox.lateen('proxy-config', what, workload, ...more);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toMatch(/PRIVATE KEY/);
      return stdout.replaceAll(/ +/g, ' ');
    };
    const host = 'reviews.default.svc.cluster.local';
    expect(await shown('clusters', 'productpage-v1', '--fqdn', host, '--subset', 'v2')).toMatch(
      /reviews\.default\.svc\.cluster\.local 9080 v2 outbound EDS 1\/1 \S*bookinfo\.yaml:\d+, \S*destination-rules\.yaml:\d+/,
    );
    expect(await shown('listeners', 'reviews-v1', '--port', '9080', '--direction', 'inbound')).toMatch(
      /inbound\|9080 127\.0\.0\.1:\d+ all Inline route: inbound\|9080 \S*bookinfo\.yaml:\d+/,
    );
    expect(await shown('routes', 'gateway')).toMatch(
      /http\.80 \*:80 \* \/productpage outbound\|9080\|\|productpage\.default\.svc\.cluster\.local \S*gateway\.yaml:\d+/,
    );
    expect(await shown('endpoints', 'productpage-v1-0.default', '--fqdn', host, '--subset', 'v1')).toMatch(
      /127\.0\.0\.1:\d+ HEALTHY outbound\|9080\|v1\|\S+ reviews-v1-0\.default \S*bookinfo\.yaml:\d+/,
    );
    expect(await shown('secrets', 'reviews-v1')).toMatch(
      /default certificate ACTIVE spiffe:\/\/cluster\.local\/ns\/default\/sa\/bookinfo-reviews [0-9a-f]+ \d{4}-/,
    );
    for (const format of ['json', 'yaml']) await shown('secrets', 'gateway', '-o', format);
    expect(await shown('bootstrap', 'ratings-v1')).toMatch(/node sidecar~127\.0\.0\.1~ratings-v1-0\.default~/);
    expect(await shown('bootstrap', 'ratings-v1', '-o', 'yaml')).not.toMatch(/drain_listeners(?!\?\[redacted\])/);
  });

  it('is ready, with every process in the status', () => {
    expect(status.ready).toBe(true);
    expect(status.workloads.map(({ workload }) => workload).sort()).toEqual([
      'details-v1',
      'productpage-v1',
      'ratings-v1',
      'reviews-v1',
      'reviews-v2',
      'reviews-v3',
    ]);
    for (const workload of status.workloads) {
      expect(workload).toMatchObject({
        namespace: 'default',
        ready: true,
        spiffeId: `spiffe://cluster.local/ns/default/sa/bookinfo-${workload.labels.app}`,
        serviceAccount: `bookinfo-${workload.labels.app}`,
        pid: expect.any(Number),
        containers: [{ name: workload.labels.app, pid: workload.pid }],
        envoyPid: expect.any(Number),
        envoyAdmin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        inbound: { address: '127.0.0.1', port: expect.any(Number) },
        outboundProxy: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      });
    }
    expect(status.gateways).toMatchObject([{ url: expect.stringMatching(/^http:\/\/localhost:\d+$/) }]);
    expect(status.control.admin).toMatch(/^http:\/\/localhost:\d+$/);
  });

  it('shows its page through the gateway, with all versions of reviews before any rule', async () => {
    const { status: code, body } = await productpage();
    expect(code).toBe(200);
    expect(body).toContain('The Comedy of Errors');
    const seen = await versions(60);
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v2', 'v3']);
  });

  it('answers 404 for paths that no rule of the gateway names', async () => {
    expect((await fetchText(`${gatewayUrl(status)}/ratings/0`)).status).toBe(404);
  });

  it('reaches services by short name, by name and namespace, and by full name', async () => {
    const from = replica(status, 'productpage-v1');
    for (const host of ['details', 'details.default', 'details.default.svc', 'details.default.svc.cluster.local']) {
      const answer = await callThrough(from, `http://${host}:9080/details/0`);
      expect(answer.status, host).toBe(200);
    }
  });

  it('sends everyone to v1 when a rule says so', async () => {
    await apply('all-v1');
    expect(await versions(30)).toEqual({ v1: 30 });
  });

  it('sends jason to v2, and nobody else', async () => {
    await apply('reviews-v2-for-jason');
    const jason = await signIn('jason');
    expect(await versions(20, jason)).toEqual({ v2: 20 });
    expect(await versions(20)).toEqual({ v1: 20 });
    expect(await versions(20, await signIn('anna'))).toEqual({ v1: 20 });
  });

  it('splits 1,000 requests by weight', async () => {
    await apply('reviews-50-v3');
    const from = replica(status, 'productpage-v1');
    const seen: Record<string, number> = {};
    for (let i = 0; i < 1000; i++) {
      const { body } = await callThrough(from, 'http://reviews:9080/reviews/0');
      const version = reviewsVersion(body) ?? 'none';
      seen[version] = (seen[version] ?? 0) + 1;
    }
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v3']);
    // Five standard deviations of a fair coin: sqrt(1000 * 0.5 * 0.5) * 5 = 79.
    expect(seen.v1).toBeGreaterThan(500 - 80);
    expect(seen.v1).toBeLessThan(500 + 80);
  });

  it('goes back to all versions when the rule is deleted', async () => {
    expect((await sandbox.lateen('delete', 'virtualservice', 'reviews')).code).toBe(0);
    const seen = await versions(60);
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v2', 'v3']);
  });

  it('says in the route which object it came from', async () => {
    await apply('all-v1');
    const { envoyAdmin } = replica(status, 'productpage-v1');
    const dump = await fetchText(`${envoyAdmin}/config_dump?resource=dynamic_route_configs`);
    expect(dump.body).toContain('"name": "default/reviews http[0]"');
    expect(dump.body).toContain('"kind": "VirtualService"');
    await eventually(
      'all-v1 deleted',
      async () => (await sandbox.lateen('delete', '-f', `${sandbox.dir}/routes/all-v1.yaml`)).code === 0,
    );
  });
});
