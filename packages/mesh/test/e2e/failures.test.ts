import type { MeshStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  callThrough,
  eventually,
  fetchText,
  gatewayUrl,
  isRunning,
  replica,
  replicas,
  Sandbox,
  Traffic,
} from './mesh.ts';

const sandbox = new Sandbox();
let status: MeshStatus;
beforeAll(async () => {
  sandbox.write('bookinfo.yaml', sandbox.read('bookinfo.yaml').replace(/(name: details-v1[\s\S]*?replicas: )1/, '$12'));
  status = await sandbox.up();
});
afterAll(() => sandbox.close());

async function restarted(before: number, pidNow: (status: MeshStatus) => number | null): Promise<MeshStatus> {
  return eventually('restarted and ready', async () => {
    const now = await sandbox.status();
    const pid = pidNow(now);
    return now.ready && pid !== null && pid !== before ? now : undefined;
  });
}

describe('when a process is killed', () => {
  it('the control plane: it comes back, and not one request fails meanwhile', async () => {
    const url = `${gatewayUrl(status)}/productpage`;
    const traffic = new Traffic(() => fetchText(url));
    await traffic.more(20);
    const { pid } = status.control;
    process.kill(pid, 'SIGKILL');
    await eventually('gone', () => !isRunning(pid));
    await traffic.more(20);
    const now = await restarted(pid, ({ control }) => control.pid);
    await eventually('proxies are back in touch', async () =>
      (await sandbox.status()).workloads.every(({ proxy }) => proxy.synced),
    );
    await traffic.more(20);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    // The new one is obeyed like the old one.
    expect((await sandbox.lateen('apply', '-f', `${sandbox.dir}/routes/all-v1.yaml`)).code).toBe(0);
    expect((await fetchText(url)).body).toContain('reviews-v1-');
    status = now;
  });

  it('one of two replicas of an application: requests fail over, and it is restarted', async () => {
    expect(replicas(status, 'details-v1')).toHaveLength(2);
    const from = replica(status, 'productpage-v1');
    const traffic = new Traffic(() => callThrough(from, 'http://details:9080/details/0'));
    await traffic.more(50);
    const victim = replica(status, 'details-v1');
    const pid = victim.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await traffic.more(200);
    status = await restarted(pid, (now) => now.workloads.find(({ name }) => name === victim.name)?.pid ?? null);
    await traffic.more(50);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(status.workloads.find(({ name }) => name === victim.name)?.restarts).toBe(1);
  });

  it('a sidecar: it comes back with the same address and configuration, and the application stays', async () => {
    const victim = replica(status, 'ratings-v1');
    const pid = victim.envoyPid ?? 0;
    process.kill(pid, 'SIGKILL');
    status = await restarted(pid, (now) => replica(now, 'ratings-v1').envoyPid);
    const after = replica(status, 'ratings-v1');
    expect(after.pid).toBe(victim.pid);
    expect(after.inbound).toEqual(victim.inbound);
    const from = replica(status, 'reviews-v2');
    await eventually(
      'ratings answers',
      async () => (await callThrough(from, 'http://ratings:9080/ratings/0')).status === 200,
    );
  });

  it('the gateway: it comes back at the same address', async () => {
    const before = status.gateways[0];
    const pid = before?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    status = await restarted(pid, ({ gateways }) => gateways[0]?.pid ?? null);
    expect(gatewayUrl(status)).toBe(before?.url);
    await eventually(
      'the page is back',
      async () => (await fetchText(`${gatewayUrl(status)}/productpage`)).status === 200,
    );
  });

  it('the supervisor: everything else goes on, and the next `up` starts cleanly', async () => {
    const before = await sandbox.status();
    const leftovers = before.workloads.flatMap(({ pid, envoyPid }) => [pid ?? 0, envoyPid ?? 0]);
    process.kill(before.supervisor.pid, 'SIGKILL');
    await eventually('gone', () => !isRunning(before.supervisor.pid));
    expect((await fetchText(`${gatewayUrl(before)}/productpage`)).status).toBe(200);
    const after = await sandbox.up();
    expect(after.ready).toBe(true);
    expect(leftovers.filter(isRunning)).toEqual([]);
    expect((await fetchText(`${gatewayUrl(after)}/productpage`)).status).toBe(200);
    // What was applied to the running mesh is still in force.
    expect((await fetchText(`${gatewayUrl(after)}/productpage`)).body).toContain('reviews-v1-');
    status = after;
  });
});
