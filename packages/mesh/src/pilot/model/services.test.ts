import { describe, expect, it } from 'vitest';
import { networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import type { ServiceEndpoint } from './endpoint.ts';

const entry = (name: string, spec: string, namespace = 'default') =>
  networkingText('ServiceEntry', name, spec, namespace);
const HTTP = 'ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]';
const endpointsAt = (text: string, key: string, ...instances: Parameters<typeof sidecarOf>[0][]) =>
  pilotOf(text, ...instances.map((name) => sidecarOf(name))).model.endpoints.get(key);
const addresses = (endpoints: readonly ServiceEndpoint[] | undefined) =>
  endpoints?.map(({ address, port }) => `${address}:${port}`);

describe('the hosts of a ServiceEntry', () => {
  it('are services, each with all ports', () => {
    const { model } = pilotOf(
      entry('shops', `{hosts: [a.example.com, b.example.com], location: MESH_INTERNAL, resolution: DNS, ${HTTP}}`),
    );
    expect([...model.services.entries()].map(([key]) => key)).toEqual([
      'default/a.example.com',
      'default/b.example.com',
    ]);
    expect(model.services.get('default/b.example.com')).toMatchObject({
      name: 'b.example.com',
      registry: 'service-entry',
      resolution: 'dns',
      isExternal: false,
      ports: [{ port: 80, protocol: 'http' }],
      source: { kind: 'ServiceEntry', name: 'shops', path: 'spec.hosts[1]' },
    });
  });

  it('stay the same services when only their endpoints change', () => {
    const at = (address: string) =>
      entry('a', `{hosts: [a.example.com], resolution: STATIC, endpoints: [{address: ${address}}], ${HTTP}}`);
    const { model, objects } = pilotOf(at('10.0.0.1'));
    const before = model.services.get('default/a.example.com');
    const changed = [...pilotOf(at('10.0.0.2')).objects.entries()];
    for (const [key, object] of changed) objects.set(key, object);
    expect(addresses(model.endpoints.get('default/a.example.com|80'))).toEqual(['10.0.0.2:8080']);
    expect(model.services.get('default/a.example.com')).toBe(before);
  });

  it('of several ServiceEntries in one namespace are one service, which the first decides', () => {
    const { model } = pilotOf(
      entry(
        'b',
        `{hosts: [a.example.com], resolution: STATIC, endpoints: [{address: 10.0.0.2}], ports: [{number: 80, name: tcp, protocol: TCP}, {number: 81, name: more}], subjectAltNames: [b]}`,
      ) +
        entry(
          'a',
          `{hosts: [a.example.com], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ${HTTP}, subjectAltNames: [a]}`,
        ),
    );
    expect(model.services.get('default/a.example.com')).toMatchObject({
      resolution: 'endpoints',
      ports: [{ port: 80, protocol: 'http' }, { port: 81 }],
      subjectAltNames: ['a', 'b'],
      sources: [{ name: 'a' }, { name: 'b' }],
    });
  });

  it('that are found in another way than the first says add nothing', () => {
    const { model } = pilotOf(
      entry('b', '{hosts: [a.example.com], resolution: DNS, ports: [{number: 81, name: more}], subjectAltNames: [b]}') +
        entry('a', `{hosts: [a.example.com], resolution: STATIC, endpoints: [{address: 10.0.0.1}], ${HTTP}}`),
    );
    const service = model.services.get('default/a.example.com');
    expect(service).toMatchObject({ resolution: 'endpoints', subjectAltNames: [], sources: [{ name: 'a' }] });
    expect(service?.ports.map(({ port }) => port)).toEqual([80]);
    expect(service?.backings).toHaveLength(1);
  });

  it('decorate a Service of that name', () => {
    const { model } = pilotOf(
      entry(
        'a',
        `{hosts: [a.default.svc.cluster.local], resolution: NONE, ports: [{number: 81, name: x}], subjectAltNames: [a]}`,
      ) + serviceText('a', '[{port: 80}]'),
    );
    expect(model.services.get('default/a.default.svc.cluster.local')).toMatchObject({
      registry: 'kubernetes',
      resolution: 'endpoints',
      ports: [{ port: 80 }],
      subjectAltNames: ['a'],
      source: { kind: 'Service' },
    });
  });
});

describe('endpoints of a ServiceEntry', () => {
  const KEY = 'default/a.example.com|80';
  const of = (more: string) => `{hosts: [a.example.com], location: MESH_INTERNAL, ${more}, ${HTTP}}`;

  it('are at their own port of that name, or else at the target port', () => {
    const endpoints = '[{address: 10.0.0.1}, {address: 10.0.0.2, ports: {http: 9999}}, {address: "unix:///run/a"}]';
    expect(addresses(endpointsAt(entry('a', of(`resolution: STATIC, endpoints: ${endpoints}`)), KEY))).toEqual([
      '10.0.0.1:8080',
      '10.0.0.2:9999',
      'unix:///run/a:0',
    ]);
  });

  it('are names only where those are looked up', () => {
    expect(
      addresses(endpointsAt(entry('a', of('resolution: DNS, endpoints: [{address: b.example.com}]')), KEY)),
    ).toEqual(['b.example.com:8080']);
    expect(addresses(endpointsAt(entry('a', of('resolution: DNS')), KEY))).toEqual(['a.example.com:8080']);
    const selecting = entry('a', of('resolution: STATIC, workloadSelector: {labels: {app: a}}'));
    const named = networkingText('WorkloadEntry', 'w', '{address: b.example.com, labels: {app: a}}');
    expect(endpointsAt(selecting + named, KEY)).toEqual([]);
  });

  it('that are selected are instances and WorkloadEntries of the namespace', () => {
    const workloads =
      networkingText(
        'WorkloadEntry',
        'w',
        '{address: 10.0.0.1, labels: {app: a, version: v9}, network: n, weight: 3}',
      ) +
      networkingText('WorkloadEntry', 'x', '{address: 10.0.0.2, labels: {app: b}}') +
      networkingText('WorkloadEntry', 'y', '{address: 10.0.0.3, labels: {app: a}}', 'other');
    const text = entry('a', of('resolution: STATIC, workloadSelector: {labels: {app: a}}')) + workloads;
    expect(endpointsAt(text, KEY, 'a-0')).toMatchObject([
      { instance: 'a-0.default', port: 20_000, meshTls: true, spiffeId: 'spiffe://cluster.local/ns/default/sa/one' },
      { instance: 'w.default', address: '10.0.0.1', port: 8080, network: 'n', weight: 3, meshTls: false },
    ]);
    const all = entry('a', of('resolution: STATIC, workloadSelector: {}')) + workloads;
    expect(addresses(pilotOf(all).model.endpoints.get(KEY))).toEqual(['10.0.0.1:8080', '10.0.0.2:8080']);
  });

  it.each([
    ['{address: 10.0.0.1}', false, undefined],
    ['{address: 10.0.0.1, serviceAccount: db}', true, 'spiffe://cluster.local/ns/default/sa/db'],
    [
      '{address: 10.0.0.1, serviceAccount: db, labels: {security.istio.io/tlsMode: disabled}}',
      false,
      'spiffe://cluster.local/ns/default/sa/db',
    ],
    ['{address: 10.0.0.1, labels: {security.istio.io/tlsMode: istio}}', true, 'spiffe://cluster.local/ns/default/sa/*'],
  ])('%s takes mutual TLS: %s, as %s', (endpoint, meshTls, spiffeId) => {
    const [found] = endpointsAt(entry('a', of(`resolution: STATIC, endpoints: [${endpoint}]`)), KEY) ?? [];
    expect([found?.meshTls, found?.spiffeId]).toEqual([meshTls, spiffeId]);
  });

  it('take none outside of the mesh, or where a policy says so', () => {
    const spec = of('resolution: STATIC, endpoints: [{address: 10.0.0.1, serviceAccount: db}]');
    expect(endpointsAt(entry('a', spec.replace('MESH_INTERNAL', 'MESH_EXTERNAL')), KEY)).toMatchObject([
      { meshTls: false },
    ]);
    const off =
      '---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: off}, spec: {mtls: {mode: DISABLE}}}\n';
    expect(endpointsAt(entry('a', spec) + off, KEY)).toMatchObject([{ meshTls: false }]);
  });

  it('have a locality of their own, or that of a label', () => {
    const endpoints = '[{address: 10.0.0.1, locality: eu/a}, {address: 10.0.0.2, labels: {istio-locality: us.b}}]';
    expect(endpointsAt(entry('a', of(`resolution: STATIC, endpoints: ${endpoints}`)), KEY)).toMatchObject([
      { locality: { region: 'eu', zone: 'a' } },
      { locality: { region: 'us', zone: 'b' } },
    ]);
  });
});

describe('a headless Service', () => {
  const text = serviceText('web', '[{port: 80, targetPort: 8080}]', { selector: '{app: a}' }).replace(
    'spec: {',
    'spec: {clusterIP: None, ',
  );

  it('has its pods as services, while they are there', () => {
    const pilot = pilotOf(text, sidecarOf('web-0'), sidecarOf('web-1'));
    const key = 'default/web-1.web.default.svc.cluster.local';
    expect(pilot.model.services.get(key)).toMatchObject({
      registry: 'pod',
      shortNames: { namespace: 'default', near: ['web-1.web'], far: ['web-1.web.default', 'web-1.web.default.svc'] },
    });
    expect(pilot.model.endpoints.get(`${key}|80`)).toMatchObject([{ instance: 'web-1.default', meshTls: true }]);
    expect(pilot.model.inbound.get('web-1.default')?.[0]?.services.map(({ name }) => name)).toEqual(['web']);
    pilot.instances.delete('web-1.default');
    expect(pilot.model.services.get(key)).toBeUndefined();
  });

  it('with traffic to pods that are not ready has all but those that end', () => {
    const eager = text.replace('clusterIP', 'publishNotReadyAddresses: true, clusterIP');
    const ready = (health: 'unready' | 'draining') =>
      pilotOf(eager, sidecarOf('web-0', { health })).model.endpoints.get('default/web.default.svc.cluster.local|80');
    expect(ready('unready')).toMatchObject([{ ready: true }]);
    expect(ready('draining')).toMatchObject([{ ready: false }]);
  });
});

describe('an ExternalName Service', () => {
  const alias = (name: string, externalName: string, more = '') =>
    `---\n{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: default}, spec: {type: ExternalName, externalName: ${externalName}${more}}}\n`;
  const found = (text: string, name = 'a') =>
    pilotOf(text).model.services.get(`default/${name}.default.svc.cluster.local`);

  it('is another name of a service that the mesh knows, with the ports of that', () => {
    const meant = serviceText('b', '[{port: 9080}]');
    expect(found(alias('a', 'b.default.svc.cluster.local', ', ports: [{port: 80}]') + meant)).toMatchObject({
      resolution: 'alias',
      aliasOf: 'default/b.default.svc.cluster.local',
      ports: [{ port: 9080 }],
    });
    expect(
      found(alias('a', 'c.default.svc.cluster.local') + alias('c', 'b.default.svc.cluster.local') + meant),
    ).toMatchObject({ aliasOf: 'default/b.default.svc.cluster.local' });
  });

  it('is a host outside otherwise', () => {
    expect(found(alias('a', 'Example.com.', ', ports: [{port: 80, targetPort: 9}]'))).toMatchObject({
      resolution: 'dns',
      isExternal: true,
    });
    const usual = pilotOf(alias('a', 'example.com')).model.endpoints;
    expect(addresses(usual.get('default/a.default.svc.cluster.local|443'))).toEqual(['example.com:443']);
    expect(
      addresses(
        pilotOf(alias('a', 'example.com', ', ports: [{port: 80, targetPort: 9}]')).model.endpoints.get(
          'default/a.default.svc.cluster.local|80',
        ),
      ),
    ).toEqual(['example.com:80']);
  });

  it('does not follow itself for ever', () => {
    const circle = alias('a', 'b.default.svc.cluster.local') + alias('b', 'a.default.svc.cluster.local');
    expect(found(circle)).toMatchObject({ resolution: 'dns' });
  });
});

it('a pod is called by its service and by what a ServiceEntry says of it', () => {
  const text =
    serviceText('a', '[{port: 80, name: http, targetPort: web}]') +
    entry(
      'b',
      `{hosts: [b.example.com], resolution: STATIC, workloadSelector: {labels: {app: a}}, ports: [{number: 81, name: web, protocol: HTTP}]}`,
    );
  const [port] = pilotOf(text, sidecarOf('a-0')).model.inbound.get('a-0.default') ?? [];
  expect(port?.services.map(({ hostname }) => hostname)).toEqual(['a.default.svc.cluster.local', 'b.example.com']);
  expect(port?.protocol).toBe('http');
});
