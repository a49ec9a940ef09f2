import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { deploymentText, startTrafficMesh, type TrafficMesh } from './traffic-mesh.ts';

let mesh: TrafficMesh;

const policy = (service: string, spec: string) => `---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: ${service}}
spec: {targetRefs: [{group: "", kind: Service, name: ${service}}], ${spec}}
`;

const services = ['header', 'cookie', 'budget', 'plenty'];

beforeAll(async () => {
  mesh = await startTrafficMesh(
    deploymentText('a', { replicas: 3 }) +
      services.map((name) => serviceText(name, '[{port: 80, name: http}]', { selector: '{app: a}' })).join('') +
      policy('header', 'sessionPersistence: {type: Header, sessionName: x-session}') +
      policy('cookie', 'sessionPersistence: {sessionName: session}') +
      policy('budget', 'retryConstraint: {budget: {percent: 0}, minRetryRate: {count: 1}}') +
      services
        .map(
          (name) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}}
spec:
  parentRefs: [{group: "", kind: Service, name: ${name}}]
  rules: [{retry: {codes: [503], attempts: 3}, backendRefs: [{name: ${name}, port: 80}]}]
`,
        )
        .join(''),
  );
});

afterAll(() => mesh.stop());

describe('a session', () => {
  const instancesWith = async (url: string, headers: Readonly<Record<string, string>>) =>
    new Set((await Promise.all(Array.from({ length: 12 }, () => mesh.get(url, headers)))).map((seen) => seen.instance));

  it('stays with the endpoint that a header tells', async () => {
    const first = await mesh.get('http://header/');
    const session = { 'x-session': String(first.headers?.['x-session']) };
    expect(await instancesWith('http://header/', session)).toEqual(new Set([first.instance]));
    expect((await instancesWith('http://header/', {})).size).toBe(3);
  });

  it('stays with the endpoint that a cookie tells', async () => {
    const first = await mesh.get('http://cookie/');
    const [cookie = ''] = (first.headers?.['set-cookie']?.[0] ?? '').split(';');
    expect(await instancesWith('http://cookie/', { cookie })).toEqual(new Set([first.instance]));
  });

  it('goes on with another endpoint when its own is gone', async () => {
    const first = await mesh.get('http://header/');
    const session = { 'x-session': String(first.headers?.['x-session']) };
    await mesh.change(first.instance ?? '', { health: 'unready' });
    const next = await mesh.get('http://header/', session);
    expect(next.status).toBe(200);
    expect(next.instance).not.toBe(first.instance);
    await mesh.change(first.instance ?? '', { health: 'ready' });
  });
});

describe('a retry budget', () => {
  it('lets no more requests be retried at a time than it allows', async () => {
    const statuses = async (url: string) =>
      (await Promise.all(Array.from({ length: 8 }, () => mesh.get(url, {}, [503, 503])))).map(({ status }) => status);
    expect(await statuses('http://plenty/')).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await statuses('http://budget/')).toContain(503);
  });
});
