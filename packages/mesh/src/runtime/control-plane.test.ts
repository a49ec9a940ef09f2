import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseDocuments } from '#pilot/config/parse.ts';
import { gatewayOf, networkingText, serviceText, sidecarOf } from '#pilot/testing/pilot-of.ts';
import type { Answer } from './testing/fake-proxy.ts';
import { MeshFolder, type SupervisedControlPlane, startControlPlane } from './testing/start-control-plane.ts';

const A = 'VirtualService/default/a';
const B = 'VirtualService/default/b';
const sidecar = sidecarOf('app-0');
const gateway = gatewayOf({ 80: 8080 }, { workload: 'gateway' });

const services =
  serviceText('a', '[{port: 80, name: http, targetPort: web}]') +
  serviceText('b', '[{port: 80, name: http, targetPort: web}]');

function routes(name: string, host = name): string {
  return networkingText(
    'VirtualService',
    name,
    `{hosts: [${host}], http: [{route: [{destination: {host: ${host}}}]}]}`,
  );
}

function configMap(name: string, value = 'a'): string {
  return `---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}, data: {key: ${value}}}\n`;
}

/** With a patch for each of the targets: the inbound listener, a cluster that no one has, an extension to add, ... */
function envoyFilter(
  name: string,
  ...targets: readonly ('LISTENER' | 'CLUSTER' | 'EXTENSION_CONFIG' | 'BOOTSTRAP')[]
): string {
  const patches = {
    LISTENER:
      '{applyTo: LISTENER, match: {context: SIDECAR_INBOUND}, patch: {operation: MERGE, value: {reuse_port: false}}}',
    CLUSTER:
      '{applyTo: CLUSTER, match: {cluster: {service: nowhere}}, patch: {operation: MERGE, value: {connect_timeout: 1s}}}',
    BOOTSTRAP: '{applyTo: BOOTSTRAP, patch: {operation: MERGE, value: {stats_flush_interval: 1s}}}',
    EXTENSION_CONFIG: '{applyTo: EXTENSION_CONFIG, patch: {operation: ADD, value: {name: extension}}}',
  };
  const spec = `{workloadSelector: {labels: {app: a}}, configPatches: [${targets.map((target) => patches[target])}]}`;
  return networkingText('EnvoyFilter', name, spec).replace('io/v1,', 'io/v1alpha3,');
}

function deployment(name: string): string {
  return `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, command: [./run.sh]}]}
`;
}

function eventually(holds: () => void): Promise<void> {
  return vi.waitFor(holds, { timeout: 10_000, interval: 5 });
}

function apply({ plane }: SupervisedControlPlane, text: string): void {
  const { objects, diagnostics } = parseDocuments(text, 'typed.yaml', { defaultNamespace: 'default' });
  expect(diagnostics).toEqual([]);
  plane.store.apply(objects, 'apply');
}

function objectsOf({ plane }: SupervisedControlPlane): string[] {
  return [...plane.store.objects.keys()].sort();
}

describe('what it reads', () => {
  test('relative paths of a manifest start from its own folder, wherever that is', async () => {
    const folder = new MeshFolder({
      'top.yaml': deployment('top'),
      'sub/below.yaml': deployment('below'),
      'examples/named.yaml': deployment('named'),
      'examples/other.yaml': deployment('other'),
    });
    const supervised = await startControlPlane(folder, ['examples/named.yaml']);
    const baseDirs = supervised
      .last('manifests')
      ?.deployments.map(({ deployment: { metadata }, baseDir }) => [metadata.name, baseDir]);
    expect(baseDirs).toEqual([
      ['below', join(folder.dir, 'sub')],
      ['named', join(folder.dir, 'examples')],
      ['top', folder.dir],
    ]);
  });

  test('what was named with -f is read and watched, and folders of examples that were not are told of', async () => {
    const folder = new MeshFolder({
      'routes/one.yaml': configMap('one'),
      'examples/two.yaml': configMap('two'),
    });
    const supervised = await startControlPlane(folder, ['routes']);
    expect(objectsOf(supervised)).toEqual(['ConfigMap/default/one']);
    expect(supervised.notices).toEqual([
      expect.stringMatching(/app\/examples\/ is not read; name it with -f to read it$/),
    ]);
    folder.write('routes/three.yaml', configMap('three'));
    await eventually(() => expect(objectsOf(supervised)).toContain('ConfigMap/default/three'));
  });

  test('an object whose file went away while no control plane ran is gone, however it was kept before', async () => {
    const folder = new MeshFolder({ 'one.yaml': configMap('one'), 'two.yaml': configMap('two') });
    const first = await startControlPlane(folder);
    folder.write('one.yaml', configMap('one').replace(' data:', ' dta:'));
    await eventually(() => expect(first.plane.diagnostics()).toMatchObject([{ code: 'LAT0110' }]));
    expect(objectsOf(first)).toEqual(['ConfigMap/default/one', 'ConfigMap/default/two']);
    await first.plane.stop();
    folder.remove('one.yaml');
    expect(objectsOf(await startControlPlane(folder))).toEqual(['ConfigMap/default/two']);
  });

  test('tells of each change, and only counts those that are too many', async () => {
    const folder = new MeshFolder({ 'one.yaml': configMap('one') });
    const supervised = await startControlPlane(folder);
    expect(supervised.notices).toEqual([]);
    folder.write('one.yaml', `# moved\n${configMap('one', 'b')}`);
    await eventually(() => expect(supervised.notices).toHaveLength(1));
    expect(supervised.notices[0]).toMatch(/^configmap\/one configured \(.*app\/one\.yaml:3\)$/);
    apply(supervised, services + routes('a'));
    await eventually(() => expect(supervised.notices).toHaveLength(4));
    expect(supervised.notices[3]).toBe('virtualservice.networking.istio.io/a created (typed.yaml:6)');
    apply(supervised, Array.from({ length: 12 }, (_, i) => configMap(`many-${i}`)).join(''));
    await eventually(() => expect(supervised.notices).toHaveLength(15));
    expect(supervised.notices.at(-1)).toBe('and 2 more objects changed');
  });
});

describe('instances', () => {
  test('no proxy is answered before the supervisor has said what runs', async () => {
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': services }));
    expect(supervised.last('ready')).toEqual({
      type: 'ready',
      admin: expect.stringMatching(/^http:\/\/localhost:\d+$/),
    });
    expect(existsSync(supervised.xdsSocket)).toBe(false);
    await supervised.run(sidecar);
    expect(existsSync(supervised.xdsSocket)).toBe(true);
    expect(supervised.last('settled')).toEqual({ type: 'settled', seq: 1 });
  });

  test('one that the supervisor no longer names is behind no service', async () => {
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': services }));
    await supervised.run(sidecarOf('app-0', { labels: { app: 'a' } }), sidecarOf('app-1', { labels: { app: 'a' } }));
    expect(supervised.plane.status().services[0]).toMatchObject({ name: 'a', ready: 2, total: 2 });
    await supervised.run(sidecarOf('app-1', { labels: { app: 'a' } }));
    expect(supervised.plane.status().services[0]).toMatchObject({ name: 'a', ready: 1, total: 1 });
    expect(supervised.last('settled')).toEqual({ type: 'settled', seq: 2 });
  });

  test('that are services bring new listeners along', async () => {
    const headless = serviceText('a', '[{port: 80}]').replace('spec: {', 'spec: {clusterIP: None, ');
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': headless }));
    const hostnames = () => supervised.last('manifests')?.services.map(({ hostname }) => hostname);
    expect(hostnames()).toEqual(['a.default.svc.cluster.local']);
    await supervised.run(sidecarOf('app-0', { labels: { app: 'a' } }));
    expect(hostnames()).toEqual(['a.default.svc.cluster.local', 'app-0.a.default.svc.cluster.local']);
    await supervised.run();
    expect(hostnames()).toEqual(['a.default.svc.cluster.local']);
  });

  test('are settled only when every proxy has answered', async () => {
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': services }));
    await supervised.run(sidecar);
    const proxy = supervised.connect(sidecar);
    await supervised.synced(sidecar);
    const asked = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<undefined>();
    proxy.answer = () => {
      asked.resolve();
      return mayAnswer.promise;
    };
    const told = supervised.run(sidecar, sidecarOf('app-1', { labels: { app: 'a' } }));
    await asked.promise;
    expect(supervised.last('settled')).toEqual({ type: 'settled', seq: 1 });
    mayAnswer.resolve(undefined);
    await told;
    expect(supervised.last('settled')).toEqual({ type: 'settled', seq: 2 });
  });

  test("what the supervisor finds wrong stands beside the configuration's own problems", async () => {
    const supervised = await startControlPlane(
      new MeshFolder({ 'a.yaml': routes('a', 'nobody').replace('hosts', 'hots') }),
    );
    const problem = diagnostic('LAT0311', 'there is no such program');
    supervised.plane.setProblems({ type: 'problems', diagnostics: [problem] });
    const codes = supervised.plane.diagnostics().map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['LAT0110', 'LAT0311']));
    expect(supervised.plane.status().diagnostics).toEqual(supervised.plane.diagnostics());
    // The supervisor knows them: it gets only the others.
    expect(supervised.last('diagnostics')?.diagnostics).not.toContainEqual(problem);
    supervised.plane.setProblems({ type: 'problems', diagnostics: [] });
    expect(supervised.plane.diagnostics()).not.toContainEqual(problem);
  });
});

describe('an EnvoyFilter', () => {
  test('shows how often each patch matches, and is a problem where one matches nothing', async () => {
    const supervised = await startControlPlane(
      new MeshFolder({ 'a.yaml': services, 'f.yaml': envoyFilter('f', 'LISTENER', 'EXTENSION_CONFIG') }),
    );
    await supervised.run(sidecar, gateway);
    supervised.connect(sidecar);
    await supervised.synced(sidecar);
    expect(supervised.plane.status().envoyFilters).toEqual([{ name: 'f', namespace: 'default', matches: [1, 1] }]);
    apply(supervised, envoyFilter('f', 'CLUSTER'));
    const problem = { code: 'LAT0531', path: 'spec.configPatches[0]', line: expect.any(Number) };
    const unmatched = (all: readonly Diagnostic[] = []) => all.filter(({ code }) => code === 'LAT0531');
    await eventually(() => expect(unmatched(supervised.last('diagnostics')?.diagnostics)).toMatchObject([problem]));
    expect(unmatched(supervised.plane.diagnostics())).toMatchObject([problem]);
    // A proxy that is away for a moment changes nothing about that.
    await supervised.run(sidecar, gateway, sidecarOf('app-1', { labels: { app: 'a' } }));
    expect(unmatched(supervised.plane.diagnostics())).toMatchObject([problem]);
  });
});

describe('the whole configuration is looked over', () => {
  const lonely = `apiVersion: v1
kind: Service
metadata: {name: lonely}
spec: {selector: {app: lonely}, ports: [{port: 80, name: eighty}]}
`;

  test('after a change, and what it finds is told to whoever watches and whoever asks', async () => {
    const folder = new MeshFolder({ 'a.yaml': services });
    const supervised = await startControlPlane(folder);
    const told = () => supervised.last('diagnostics')?.diagnostics.filter(({ code }) => code === 'LAT0642') ?? [];
    folder.write('b.yaml', lonely);
    await eventually(() => expect(told()).toContainEqual(expect.objectContaining({ line: 4, path: 'spec.selector' })));
    expect(supervised.plane.status().diagnostics).toEqual(expect.arrayContaining(told()));
    // Only who asks for everything hears of the name of the port.
    const codes = ({ code }: { code: string }) => code;
    expect(supervised.plane.diagnostics().map(codes)).not.toContain('LAT0644');
    expect(supervised.plane.analysis().diagnostics.map(codes)).toContain('LAT0644');
    folder.remove('b.yaml');
    await eventually(() => expect(told().filter(({ object }) => object?.name === 'lonely')).toEqual([]));
  });

  test('also when only what runs has changed', async () => {
    const supervised = await startControlPlane(new MeshFolder({ 'b.yaml': lonely }));
    const codes = () => supervised.last('diagnostics')?.diagnostics.map(({ code }) => code);
    await eventually(() => expect(codes()).toContain('LAT0642'));
    await supervised.run(sidecarOf('somebody', { labels: { app: 'lonely' } }));
    await eventually(() => expect(codes()).not.toContain('LAT0642'));
  });

  test('that patches bootstraps is told to the supervisor before what is to run with them', async () => {
    const folder = new MeshFolder({ 'a.yaml': services, 'f.yaml': envoyFilter('f', 'BOOTSTRAP') });
    const supervised = await startControlPlane(folder);
    const types = supervised.heard.map(({ type }) => type);
    expect(types.indexOf('bootstrap-patches')).toBeLessThan(types.indexOf('manifests'));
    const source = { namespace: 'default', name: 'f', path: 'spec.configPatches[0]' };
    expect(supervised.last('bootstrap-patches')?.patches).toMatchObject([
      { source, value: { stats_flush_interval: '1s' } },
    ]);
    apply(supervised, envoyFilter('f', 'LISTENER'));
    await eventually(() => expect(supervised.last('bootstrap-patches')?.patches).toEqual([]));
  });

  test('that patches none is no news to the supervisor', async () => {
    const supervised = await startControlPlane(new MeshFolder({ 'f.yaml': envoyFilter('f', 'LISTENER') }));
    expect(supervised.last('bootstrap-patches')).toBe(undefined);
  });
});

describe('what an Envoy refuses', () => {
  beforeEach(() => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
  });

  const REFUSAL = 'no such filter';

  const refuse =
    (refused: string, message = REFUSAL): Answer =>
    (_, names) =>
      names.includes(refused) ? message : undefined;

  /** A control plane whose two proxies hold everything. */
  async function running(text: string) {
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': text }));
    await supervised.run(sidecar, gateway);
    const proxies = { sidecar: supervised.connect(sidecar), gateway: supervised.connect(gateway) };
    await supervised.synced(sidecar, gateway);
    return { supervised, ...proxies };
  }

  function refusedOf(supervised: SupervisedControlPlane): (string | undefined)[] {
    return supervised.plane
      .diagnostics()
      .filter(({ code }) => code === 'LAT0210')
      .map(({ object }) => `${object?.kind}/${object?.namespace}/${object?.name}`);
  }

  /** The refusal has arrived, and what follows from it is done. */
  async function refusalOf(supervised: SupervisedControlPlane, name: string, message = REFUSAL): Promise<void> {
    await eventually(() => expect(supervised.last('proxies')?.proxies[name]?.rejected).toBe(message));
  }

  test('is taken back: of two objects behind it, the newer one', async () => {
    const { supervised, sidecar } = await running(services + routes('a'));
    sidecar.answer = refuse('http_proxy');
    apply(supervised, routes('b'));
    await eventually(() => expect(refusedOf(supervised)).toEqual([B]));
    expect(supervised.plane.diagnostics()).toContainEqual(
      expect.objectContaining({ code: 'LAT0210', message: expect.stringContaining(REFUSAL) }),
    );
    expect(objectsOf(supervised)).toContain(A);
    expect(objectsOf(supervised)).not.toContain(B);
  });

  test('stays taken back when another proxy, which got it too, refuses it later', async () => {
    const other = sidecarOf('app-1');
    const supervised = await startControlPlane(new MeshFolder({ 'a.yaml': services + routes('a') }));
    await supervised.run(sidecar, other);
    const [early, late] = [supervised.connect(sidecar), supervised.connect(other)];
    await supervised.synced(sidecar, other);
    const before = supervised.plane.store.objects.get(A);
    const asked = Promise.withResolvers<void>();
    const mayRefuse = Promise.withResolvers<void>();
    // Each refuses the first routes that it gets, and takes those that come in their place.
    early.answer = async () => {
      await asked.promise;
      early.answer = () => undefined;
      return REFUSAL;
    };
    late.answer = async () => {
      asked.resolve();
      await mayRefuse.promise;
      late.answer = () => undefined;
      return REFUSAL;
    };
    apply(supervised, routes('a').replace('host: a}', 'host: b}'));
    await eventually(() => expect(supervised.plane.store.objects.get(A)).toEqual(before));
    const told = vi.fn();
    supervised.plane.store.onChange(told);
    mayRefuse.resolve();
    await supervised.synced(sidecar, other);
    expect(told).not.toHaveBeenCalled();
    expect(refusedOf(supervised)).toEqual([A]);
  });

  test('is taken back if it is a patch of an EnvoyFilter', async () => {
    const { supervised, sidecar } = await running(services);
    sidecar.answer = refuse('inbound|8080');
    apply(supervised, envoyFilter('f', 'LISTENER'));
    await eventually(() => expect(refusedOf(supervised)).toEqual(['EnvoyFilter/default/f']));
    expect(objectsOf(supervised)).not.toContain('EnvoyFilter/default/f');
  });

  test('is taken back if it is a ServiceEntry, and rules beside it stay', async () => {
    const { supervised, sidecar } = await running(services + routes('a'));
    sidecar.answer = refuse('outbound|80||c.test');
    apply(
      supervised,
      networkingText('ServiceEntry', 'c', '{hosts: [c.test], ports: [{number: 80, name: http}], resolution: DNS}'),
    );
    await eventually(() => expect(refusedOf(supervised)).toEqual(['ServiceEntry/default/c']));
    expect(objectsOf(supervised)).not.toContain('ServiceEntry/default/c');
    expect(objectsOf(supervised)).toContain(A);
  });

  test('is left in force if all proxies held the newest object behind it before', async () => {
    const { supervised, sidecar } = await running(services + routes('a') + routes('b'));
    sidecar.answer = refuse('http_proxy');
    apply(supervised, networkingText('Sidecar', 'only-a', '{egress: [{hosts: [./a.default.svc.cluster.local]}]}'));
    await refusalOf(supervised, 'app-0.default');
    expect(refusedOf(supervised)).toEqual([]);
    expect(objectsOf(supervised)).toEqual(expect.arrayContaining([A, B]));
  });

  test('is no fault of an object if a port of the machine is taken', async () => {
    const { supervised, gateway } = await running(services);
    const message = "error adding listener '127.0.0.1:8080': cannot bind '127.0.0.1:8080': Address already in use";
    gateway.answer = refuse('gateway|80', message);
    apply(
      supervised,
      networkingText(
        'Gateway',
        'front',
        '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}',
      ),
    );
    await refusalOf(supervised, 'gateway.default', message);
    expect(refusedOf(supervised)).toEqual([]);
    expect(objectsOf(supervised)).toContain('Gateway/default/front');
  });
});
