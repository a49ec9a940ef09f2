import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTrafficMesh, type TrafficMesh } from './traffic-mesh.ts';

let mesh: TrafficMesh;

beforeAll(async () => {
  mesh = await startTrafficMesh(`---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: dynamic}
spec:
  hosts: ["*.dynamic.localhost"]
  ports:
    - {number: OUTSIDE_PORT, name: http, protocol: HTTP}
    - {number: OUTSIDE_PORT_2, name: tls, protocol: TLS}
  resolution: DYNAMIC_DNS
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: dns}
spec:
  hosts: [dns.example.com]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: OUTSIDE_PORT}]
  resolution: DNS
  endpoints: [{address: localhost}]
`);
});

afterAll(() => mesh.stop());

describe('how often names are looked up', () => {
  it('changes under calls to hosts that only they name, known before or not', async () => {
    const [port] = mesh.outside.ports;
    const call = async (url: string) => (await mesh.get(url)).status;
    for (const [change, rate] of ['2s', '200ms', '1h'].entries()) {
      const hosts = [`a.dynamic.localhost:${port}`, `b.localhost:${port}`, 'dns.example.com'];
      const others = [`new-${change}.dynamic.localhost:${port}`, `new-${change}.localhost:${port}`];
      expect(await Promise.all(hosts.map((host) => call(`http://${host}/`)))).toEqual([200, 200, 200]);
      mesh.apply(`---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "dnsRefreshRate: ${rate}"}
`);
      // It throws if a proxy refuses what it gets.
      await mesh.settled();
      const answers = await Promise.all([...hosts, ...others].map((host) => call(`http://${host}/`)));
      expect(answers).toEqual([200, 200, 200, 200, 200]);
    }
  });
});
