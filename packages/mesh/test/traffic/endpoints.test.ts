import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { LOOPBACK } from '../golden/instances.ts';
import { startRawHttp, startRawTcp } from './raw-server.ts';
import { countOf, deploymentText, ruleText, startTrafficMesh, type TrafficMesh, until } from './traffic-mesh.ts';

const WARM_UP_MS = 4_000;

const NO_MESH_TLS =
  '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: raw}, spec: {mtls: {mode: DISABLE}}}\n';

let mesh: TrafficMesh;
let startedAt: number;

beforeAll(async () => {
  const port = (protocol: string) => `[{port: 80, name: ${protocol}}]`;
  mesh = await startTrafficMesh(
    NO_MESH_TLS +
      deploymentText('warm', { replicas: 2 }) +
      serviceText('warm', port('http')) +
      ruleText('warm', balancer(`{simple: ROUND_ROBIN, warmup: {duration: ${WARM_UP_MS}ms, minimumPercent: 1}}`)) +
      deploymentText('near', { app: 'shop', labels: 'istio-locality: eu.a', replicas: 2 }) +
      deploymentText('far', { app: 'shop', labels: 'istio-locality: us.a' }) +
      deploymentText('farther', { app: 'shop', labels: 'istio-locality: asia.a' }) +
      serviceText('shop', port('http')) +
      ruleText(
        'shop',
        `trafficPolicy: {
          outlierDetection: {consecutive5xxErrors: 1, interval: 100ms, baseEjectionTime: 500ms, maxEjectionPercent: 100},
          loadBalancer: {localityLbSetting: {failover: [{from: eu, to: us}]}}}`,
      ) +
      serviceText('raw', port('http')) +
      serviceText('rawtcp', port('tcp')),
    { clientLabels: 'istio-locality: eu.a' },
  );
  startedAt = Date.now();
});

afterAll(() => mesh.stop());

describe('the nearest instances', () => {
  const instancesOf = async (count: number) => {
    const answers = await Promise.all(Array.from({ length: count }, () => mesh.get('http://shop/')));
    return new Set(answers.map(({ status, instance }) => (status === 200 ? instance : status)));
  };

  it('are replaced by those further away when they fail, and come back', async () => {
    expect(await instancesOf(20)).toEqual(new Set(['near-0', 'near-1']));
    mesh.failing.add('near-0').add('near-1');
    await until(async () => (await instancesOf(5)).has('far-0'), 'the other region has taken over');
    expect([...(await instancesOf(10))].filter((each) => each === 'farther-0')).toEqual([]);
    mesh.failing.clear();
    await until(async () => !(await instancesOf(20)).has('far-0'), 'all calls stay near');
  });

  it('are replaced when they are not ready', async () => {
    await mesh.change('near-0', { health: 'unready' });
    await mesh.change('near-1', { health: 'unready' });
    expect(await instancesOf(10)).toEqual(new Set(['far-0']));
    await mesh.change('far-0', { health: 'unready' });
    expect(await instancesOf(10)).toEqual(new Set(['farther-0']));
    await mesh.change('near-0', { health: 'ready' });
    expect(await instancesOf(10)).toEqual(new Set(['near-0']));
  });
});

describe('a new instance', () => {
  it('gets few requests at first, and its share in the end', async () => {
    const shareOfNew = async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => mesh.get('http://warm/')));
      return (countOf(answers.map(({ instance }) => instance)).get('warm-1') ?? 0) / answers.length;
    };
    await mesh.change('warm-1', { health: 'unready' });
    await until(() => Date.now() - startedAt > WARM_UP_MS, 'the first instance is warm');
    await mesh.change('warm-1', { health: 'ready' });
    expect(await shareOfNew()).toBeLessThan(0.3);
    await until(async () => (await shareOfNew()) > 0.45, 'the new instance is warm, too');
  });
});

describe('an instance that is about to stop', () => {
  it('gets no new requests, and finishes those under way', async () => {
    const [oldPort, newPort] = [mesh.freePort(), mesh.freePort()];
    const held: ServerResponse[] = [];
    const old = await startRawHttp(oldPort, (response) => held.push(response));
    const next = await startRawHttp(newPort, (response) => response.end('{"instance":"raw-1"}'));
    try {
      await mesh.addEndpoint('raw-0', 'raw', 80, oldPort);
      const underWay = mesh.get('http://raw/');
      await until(() => held.length === 1, 'the request has arrived');
      await mesh.addEndpoint('raw-1', 'raw', 80, newPort);
      await mesh.change('raw-0', { health: 'draining' });
      for (let i = 0; i < 10; i++) expect((await mesh.get('http://raw/')).instance).toBe('raw-1');
      expect(held).toHaveLength(1);
      held[0]?.end('{"instance":"raw-0"}');
      expect(await underWay).toMatchObject({ status: 200, instance: 'raw-0' });
      await until(() => old.sockets.size === 0, 'its connection is closed when nothing is under way');
    } finally {
      await Promise.all([old.close(), next.close()]);
    }
  });

  it('keeps its TCP connections', async () => {
    const port = mesh.freePort();
    const raw = await startRawTcp(port, (socket) => socket.pipe(socket));
    await mesh.addEndpoint('rawtcp-0', 'rawtcp', 80, port);
    const connected = connect({ port: mesh.portOf('rawtcp.default.svc.cluster.local:80'), host: LOOPBACK });
    try {
      connected.write('before');
      expect(String((await once(connected, 'data'))[0])).toBe('before');
      await mesh.change('rawtcp-0', { health: 'draining' });
      connected.write('after');
      expect(String((await once(connected, 'data'))[0])).toBe('after');
    } finally {
      connected.destroy();
      await raw.close();
    }
  });
});

function balancer(loadBalancer: string): string {
  return `trafficPolicy: {loadBalancer: ${loadBalancer}}`;
}
