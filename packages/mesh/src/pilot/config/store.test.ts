import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DiagnosticError } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Source } from '../incremental/collection.ts';
import { Graph } from '../incremental/graph.ts';
import { LastGood } from './last-good.ts';
import { Overlay } from './overlay.ts';
import { parseDocuments } from './parse.ts';
import { ConfigStore } from './store.ts';

let path: string;
let target: Source<ConfigObject>;
let store: ConfigStore;
const problems: string[] = [];

/** A store as it is after a start: with what was stored, and no files yet. */
function open(): ConfigStore {
  const graph = new Graph();
  target = graph.source<ConfigObject>('objects');
  const lastGood = new LastGood(join(dirname(path), 'last-good.json'), (problem) => problems.push(problem));
  return new ConfigStore(graph, target, new Overlay(path), 'cluster.local', lastGood);
}

beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  path = join(dir, 'applied', 'objects.json');
  store = open();
});

function parse(text: string, file = 'typed.yaml') {
  return parseDocuments(text, file, { defaultNamespace: 'default' });
}

function file(name: string, ...texts: string[]): void {
  store.setFiles(new Map([[name, parse(texts.join('---\n'), name)]]));
}

function removeFile(name: string): void {
  store.setFiles(new Map([[name, undefined]]));
}

function apply(...texts: string[]) {
  return Object.fromEntries(store.apply(parse(texts.join('---\n')).objects, 'apply'));
}

/** What a ConfigMap says, as it is in force. */
function valueOfMap(name: string): string | undefined {
  const object = target.get(`ConfigMap/default/${name}`);
  expect(object).toEqual(store.objects.get(`ConfigMap/default/${name}`));
  return object?.kind === 'ConfigMap' ? object.data?.key : undefined;
}

function configMap(name: string, value: string): string {
  return `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}, data: {key: ${JSON.stringify(value)}}}\n`;
}

const service =
  '{apiVersion: v1, kind: Service, metadata: {name: reviews}, spec: {ports: [{name: http, port: 9080}]}}\n';

function destinationRule(...subsets: string[]): string {
  const list = subsets.map((name) => `{name: ${name}, labels: {version: ${name}}}`).join(', ');
  return `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: reviews}, spec: {host: reviews, subsets: [${list}]}}\n`;
}

function virtualService(subset: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
    - route:
        - destination:
            host: reviews
            subset: ${subset}
`;
}

function deployment(line: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: critic-v1}
spec:
  selector: {matchLabels: {app: critic}}
  template:
    metadata: {labels: {app: critic}}
    spec:
      ${line}
      containers: [{name: app, command: [node]}]
`;
}

function serviceAccount(name: string, namespace = 'default'): string {
  return `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ${name}, namespace: ${namespace}}}\n`;
}

/** The subset that the VirtualService in force leads to. */
function routedTo(): string | undefined {
  const object = store.objects.get('VirtualService/default/reviews');
  return object?.kind === 'VirtualService' ? object.spec.http?.[0]?.route?.[0]?.destination.subset : undefined;
}

function codes(): string[] {
  return store.diagnostics().map(({ code }) => code);
}

describe('files', () => {
  it('are in force at once, all in one change', () => {
    let changes = 0;
    target.onChange(() => changes++);
    store.setFiles(
      new Map([
        ['a.yaml', parse(configMap('a', '1'), 'a.yaml')],
        ['b.yaml', parse(configMap('b', '1'), 'b.yaml')],
      ]),
    );
    expect([valueOfMap('a'), valueOfMap('b'), changes]).toEqual(['1', '1', 1]);
  });

  it('keep the last good version of an object that became invalid', () => {
    file('a.yaml', configMap('a', '1'), configMap('b', '1'));
    file('a.yaml', configMap('a', '1').replace('"1"', '[]'), configMap('b', '2'));
    expect([valueOfMap('a'), valueOfMap('b')]).toEqual(['1', '2']);
    expect(store.diagnostics()).toMatchObject([{ code: 'LAT0111', file: 'a.yaml', line: 1, path: 'data.key' }]);
    file('a.yaml', configMap('b', '2'));
    expect(valueOfMap('a')).toBeUndefined();
    expect(codes()).toEqual([]);
  });

  it('that define an object twice: the first one counts, and the other takes over when it goes', () => {
    file('b.yaml', configMap('a', 'from b'));
    file('a.yaml', configMap('a', 'from a'));
    expect(valueOfMap('a')).toBe('from a');
    expect(store.diagnostics()).toMatchObject([{ code: 'LAT0120', file: 'b.yaml', line: 1 }]);
    removeFile('a.yaml');
    expect(valueOfMap('a')).toBe('from b');
    expect(codes()).toEqual([]);
    file('b.yaml', configMap('a', 'first'), configMap('a', 'second'));
    expect(valueOfMap('a')).toBe('first');
    expect(store.diagnostics()).toMatchObject([{ code: 'LAT0120', file: 'b.yaml', line: 3 }]);
  });
});

describe('what is applied to the running mesh', () => {
  it('goes before what a file says, until the file is edited', () => {
    file('a.yaml', configMap('a', 'file'));
    expect(apply(configMap('a', 'applied'))).toEqual({ 'ConfigMap/default/a': 'configured' });
    expect(valueOfMap('a')).toBe('applied');
    expect(store.isApplied('ConfigMap/default/a')).toBe(true);
    file('a.yaml', configMap('a', 'file'), configMap('b', 'new'));
    expect(valueOfMap('a')).toBe('applied');
    file('a.yaml', configMap('a', 'edited'));
    expect(valueOfMap('a')).toBe('edited');
    expect(store.isApplied('ConfigMap/default/a')).toBe(false);
  });

  it('says what became of each object', () => {
    file('a.yaml', configMap('a', 'file'));
    expect(apply(configMap('a', 'file'), configMap('b', '1'))).toEqual({
      'ConfigMap/default/a': 'unchanged',
      'ConfigMap/default/b': 'created',
    });
    expect(store.isApplied('ConfigMap/default/a')).toBe(false);
    expect(Object.fromEntries(store.remove(['ConfigMap/default/b']))).toEqual({ 'ConfigMap/default/b': 'deleted' });
  });

  it('is no longer applied when it is what the file says again', () => {
    file('a.yaml', configMap('a', 'file'));
    apply(configMap('a', 'applied'));
    apply(configMap('a', 'file'));
    expect(store.isApplied('ConfigMap/default/a')).toBe(false);
    file('a.yaml', configMap('a', 'edited'));
    expect(valueOfMap('a')).toBe('edited');
  });

  it('can hide an object of a file, until the file is edited', () => {
    file('a.yaml', configMap('a', 'file'));
    store.remove(['ConfigMap/default/a']);
    expect(valueOfMap('a')).toBeUndefined();
    file('a.yaml', configMap('a', 'file'), configMap('b', '1'));
    expect(valueOfMap('a')).toBeUndefined();
    file('a.yaml', configMap('a', 'edited'));
    expect(valueOfMap('a')).toBe('edited');
  });

  it('gives way to a file that comes later', () => {
    apply(configMap('a', 'applied'));
    file('a.yaml', configMap('a', 'file'));
    expect(valueOfMap('a')).toBe('file');
  });

  it('survives a restart, as do edits of files since then', () => {
    file('a.yaml', configMap('a', 'file'), configMap('b', 'file'), configMap('c', 'file'));
    apply(configMap('a', 'applied'), configMap('b', 'applied'), configMap('d', 'applied'));
    store.remove(['ConfigMap/default/c']);
    store = open();
    expect([valueOfMap('a'), valueOfMap('b'), valueOfMap('c'), valueOfMap('d')]).toEqual([
      'applied',
      'applied',
      undefined,
      'applied',
    ]);
    file('a.yaml', configMap('a', 'file'), configMap('b', 'edited'), configMap('c', 'file'));
    expect([valueOfMap('a'), valueOfMap('b'), valueOfMap('c'), valueOfMap('d')]).toEqual([
      'applied',
      'edited',
      undefined,
      'applied',
    ]);
  });

  it('is refused as a whole if a part of it is', () => {
    file('a.yaml', service, destinationRule('v1'));
    expect(() => apply(configMap('a', '1'), virtualService('v9'))).toThrow(DiagnosticError);
    expect(valueOfMap('a')).toBeUndefined();
    expect(store.isApplied('ConfigMap/default/a')).toBe(false);
    expect(() => apply(configMap('a', '1'), configMap('a', '2'))).toThrow(/LAT0120/);
    expect(valueOfMap('a')).toBeUndefined();
  });

  it('says where the mistake is', () => {
    file('a.yaml', service, destinationRule('v1', 'v2'));
    expect(() => apply(virtualService('v3'))).toThrow(
      'typed.yaml:11: error LAT0202: VirtualService default/reviews: spec.http[0].route[0].destination.subset: ' +
        'reviews.default.svc.cluster.local has no subset "v3"',
    );
  });

  it('changes nothing in a dry run', () => {
    const parsed = parse(configMap('a', '1')).objects;
    expect(Object.fromEntries(store.apply(parsed, 'apply', true))).toEqual({ 'ConfigMap/default/a': 'created' });
    expect(valueOfMap('a')).toBeUndefined();
    apply(configMap('a', '1'));
    store.remove(['ConfigMap/default/a'], true);
    expect(valueOfMap('a')).toBe('1');
  });

  it('can be created only once, and deleted only if it is there', () => {
    const parsed = parse(configMap('a', '1')).objects;
    store.apply(parsed, 'create');
    expect(() => store.apply(parsed, 'create')).toThrow(/LAT0232/);
    expect(() => store.remove(['ConfigMap/default/a', 'ConfigMap/default/b'])).toThrow(/LAT0233.*default\/b/);
    expect(valueOfMap('a')).toBe('1');
  });

  it('is not in force if it cannot be stored', () => {
    mkdirSync(`${path}.new`, { recursive: true });
    expect(() => apply(configMap('a', '1'))).toThrow(/LAT0231|could not be stored/);
    expect(valueOfMap('a')).toBeUndefined();
  });

  it('gives way to an edited file even if that cannot be stored', () => {
    file('a.yaml', configMap('a', 'file'));
    apply(configMap('a', 'applied'));
    mkdirSync(`${path}.new`);
    file('a.yaml', configMap('a', 'edited'));
    expect(valueOfMap('a')).toBe('edited');
    store = open();
    file('a.yaml', configMap('a', 'edited'));
    expect(valueOfMap('a')).toBe('edited');
  });
});

describe('references', () => {
  it('hold an object back until what it needs is there, in whatever order files are read', () => {
    file('routes.yaml', virtualService('v2'));
    expect(routedTo()).toBeUndefined();
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0201', file: 'routes.yaml', line: 10, path: 'spec.http[0].route[0].destination.host' },
    ]);
    file('services.yaml', service);
    expect(codes()).toEqual(['LAT0202']);
    file('rules.yaml', destinationRule('v1'));
    expect(codes()).toEqual(['LAT0202']);
    file('rules.yaml', destinationRule('v1', 'v2'));
    expect(routedTo()).toBe('v2');
    expect(codes()).toEqual([]);
  });

  it('keep the version that was in force before', () => {
    file('a.yaml', service, destinationRule('v1'), virtualService('v1'));
    file('a.yaml', service, destinationRule('v1'), virtualService('v9'));
    expect(routedTo()).toBe('v1');
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0202', message: expect.stringContaining('did you mean "v1"') },
    ]);
  });

  it('keep a subset that is in use', () => {
    file('a.yaml', service, destinationRule('v1', 'v2'));
    file('b.yaml', virtualService('v2'));
    file('a.yaml', service, destinationRule('v1'));
    expect(store.objects.get('DestinationRule/default/reviews')).toMatchObject({
      spec: { subsets: [{ name: 'v1' }, { name: 'v2' }] },
    });
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0202', object: { kind: 'DestinationRule', name: 'reviews' } },
    ]);
    expect(() => store.remove(['DestinationRule/default/reviews'])).toThrow(
      /VirtualService default\/reviews still uses it/,
    );
    file('b.yaml', virtualService('v1'));
    expect(store.objects.get('DestinationRule/default/reviews')).toMatchObject({ spec: { subsets: [{ name: 'v1' }] } });
    expect(codes()).toEqual([]);
  });

  it('let what belongs together go together', () => {
    file('a.yaml', service, destinationRule('v1'), virtualService('v1'));
    store.remove(['DestinationRule/default/reviews', 'VirtualService/default/reviews']);
    expect([...store.objects.keys()]).toEqual(['Service/default/reviews']);
    removeFile('a.yaml');
    expect(store.objects.size).toBe(0);
  });

  it('warn of a route whose service went away, and of a gateway that is not there', () => {
    file('a.yaml', service, destinationRule('v1'));
    file('b.yaml', virtualService('v1').replace('hosts:', 'gateways: [nowhere]\n  hosts:'));
    file('a.yaml', destinationRule('v1'));
    expect(routedTo()).toBe('v1');
    expect(codes().sort()).toEqual(['LAT0130', 'LAT0201', 'LAT0203']);
  });

  it('may lead to hosts of ServiceEntries and to other names of services', () => {
    const entry = (name: string, host: string, ports = '{number: 9080, name: http}') =>
      `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: ["${host}"], resolution: NONE, ports: [${ports}]}\n`;
    const to = (host: string, port = 9080) =>
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: to}\nspec: {hosts: ["${host}"], http: [{route: [{destination: {host: "${host}", port: {number: ${port}}}}]}]}\n`;
    const alias = (name: string, meant: string) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {type: ExternalName, externalName: ${meant}.default.svc.cluster.local}\n`;
    const first = () => store.diagnostics().map(({ code, message }) => `${code} ${message.split(' (')[0]}`)[0];

    file('a.yaml', to('api.example.com'));
    expect(first()).toBe('LAT0201 there is no service api.example.com');
    file('b.yaml', entry('a', 'api.example.com'));
    expect(codes()).toEqual([]);
    // The ports of all ServiceEntries for the host.
    file('a.yaml', to('api.example.com', 8443));
    expect(first()).toBe('LAT0206 the service api.example.com has no port 8443; it has 9080');
    file('c.yaml', entry('b', 'api.example.com', '{number: 8443, name: https}'));
    expect(codes()).toEqual([]);
    removeFile('b.yaml');
    removeFile('c.yaml');
    expect(first()).toBe('LAT0201 the service api.example.com is gone; requests sent there fail');

    file('a.yaml', to('api.example.org'));
    file('b.yaml', entry('a', '*.example.org'));
    expect(first()).toBe('LAT0201 there is no service api.example.org, only *.example.org: write that');
    file('a.yaml', to('*.example.org'));
    expect(codes()).toEqual([]);
    // A policy for a pattern is for the services under it.
    file('c.yaml', destinationRule().replace('host: reviews', 'host: "*.org"'));
    expect(codes()).toEqual([]);
    file('c.yaml', destinationRule().replace('host: reviews', 'host: "*.net"'));
    expect(codes()).toEqual(['LAT0130']);
    removeFile('c.yaml');

    // Another name has the ports of what it means, or HTTP's own if that is outside.
    file('b.yaml', alias('other', 'reviews'), service);
    file('a.yaml', to('other'));
    expect(codes()).toEqual([]);
    file('b.yaml', alias('other', 'elsewhere'));
    file('a.yaml', to('other', 9090));
    expect(first()).toBe('LAT0206 the service other.default.svc.cluster.local has no port 9090; it has 80, 443');
    file('b.yaml', alias('other', 'another'), alias('another', 'other'));
    expect(first()).toBe('LAT0206 the service other.default.svc.cluster.local has no port 9090; it has 80, 443');
  });

  it('warn of a ServiceAccount that is not there, until it is', () => {
    file('a.yaml', deployment('serviceAccountName: critic'));
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0207',
        file: 'a.yaml',
        line: 10,
        path: 'spec.template.spec.serviceAccountName',
        message: 'there is no ServiceAccount default/critic; on Kubernetes these pods would not start',
      },
    ]);
    // One of another namespace is another one.
    file('b.yaml', serviceAccount('critic', 'other'));
    expect(codes()).toEqual(['LAT0207']);
    file('b.yaml', serviceAccount('critic'));
    expect(codes()).toEqual([]);
    // The old name of the field.
    file('a.yaml', deployment('serviceAccount: cook'));
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0207', line: 10, path: 'spec.template.spec.serviceAccount' },
    ]);
    // Each namespace has one of this name.
    file('a.yaml', deployment('serviceAccountName: default'));
    file('c.yaml', deployment('terminationGracePeriodSeconds: 5').replace('critic-v1', 'critic-v2'));
    expect(codes()).toEqual([]);
  });

  it('warn of rules and policies for hosts that are no services', () => {
    file('a.yaml', service, destinationRule('v1').replace('host: reviews', 'host: review'));
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0130',
        file: 'a.yaml',
        line: 3,
        path: 'spec.host',
        message:
          'is for review.default.svc.cluster.local, but there is no service review.default.svc.cluster.local; did you mean reviews?',
      },
    ]);
    file(
      'a.yaml',
      service,
      destinationRule('v1'),
      virtualService('v1').replace('[reviews]', '[reviews, reviews.default]'),
    );
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0130',
        path: 'spec.hosts',
        message: 'is for a host reviews.default, not for the service: write reviews.default.svc.cluster.local',
      },
    ]);
    file('a.yaml', service, destinationRule('v1'), virtualService('v1').replace('[reviews]', '[old.example.com]'));
    expect(codes()).toEqual([]);
  });

  it('warn of delegates that are not there, that conflict, and that nobody uses', () => {
    const rules = (name: string, spec: string) =>
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
    const root = (delegate: string) =>
      rules('root', `{hosts: [reviews], http: [{match: [{uri: {prefix: /a}}], delegate: {name: ${delegate}}}]}`);
    const leaf = rules(
      'leaf',
      '{http: [{match: [{uri: {prefix: /b}}, {uri: {prefix: /a/b}}], directResponse: {status: 200}}]}',
    );
    file('a.yaml', service, root('gone'));
    file('b.yaml', leaf);
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0552',
        file: 'a.yaml',
        path: 'spec.http[0].delegate',
        message: 'there is no VirtualService default/gone to delegate to',
      },
      { code: 'LAT0554', file: 'b.yaml', path: 'spec' },
    ]);
    file('a.yaml', service, root('leaf'));
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0553',
        file: 'b.yaml',
        path: 'spec.http[0].match[0]',
        message:
          'can never hold: no request matches both this and spec.http[0] of VirtualService default/root, which delegates here',
      },
    ]);
    file('b.yaml', leaf.replace('{uri: {prefix: /b}}, ', ''));
    expect(codes()).toEqual([]);
    file('b.yaml', leaf.replace('{http:', '{hosts: [ratings.test], http:'));
    expect(store.diagnostics()).toMatchObject([
      {
        code: 'LAT0552',
        message: 'default/leaf has hosts of its own, so it cannot be delegated to: remove them',
      },
    ]);
    file('b.yaml', leaf.replace('{http:', '{exportTo: [other], http:'));
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0552', message: 'default/leaf is not exported to the namespace default' },
    ]);
  });
});

describe('the Service of a gateway that runs by itself', () => {
  const routeTo = (port: number) =>
    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: out}, spec: {hosts: [reviews], http: [{route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, port: {number: ${port}}}}]}]}}\n`;
  const gateway =
    '{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: out}, spec: {selector: {istio: egressgateway}, servers: [{port: {number: 8123, name: http, protocol: HTTP}, hosts: ["*"]}]}}\n';

  it('can be referred to, at the usual ports and at those that Gateways open', () => {
    file('a.yaml', service, routeTo(443));
    expect(codes()).toEqual([]);
    file('a.yaml', service, routeTo(8123));
    expect(codes()).toEqual(['LAT0206']);
    file('b.yaml', gateway);
    expect(codes()).toEqual([]);
  });
});

describe('what Envoy refuses', () => {
  const key = 'ConfigMap/default/a';

  it('is taken back to what was in force before, until it is changed', () => {
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', configMap('a', 'bad'));
    store.refuse([key], 'no such thing');
    expect(valueOfMap('a')).toBe('good');
    expect(store.isRefused(key)).toBe(true);
    expect(store.diagnostics()).toMatchObject([
      { code: 'LAT0210', file: 'a.yaml', message: expect.stringContaining('no such thing') },
    ]);
    file('b.yaml', configMap('b', '1'));
    file('a.yaml', configMap('a', 'bad'), configMap('c', '1'));
    expect(valueOfMap('a')).toBe('good');
    file('a.yaml', configMap('a', 'better'));
    expect(valueOfMap('a')).toBe('better');
    expect(store.isRefused(key)).toBe(false);
    expect(codes()).toEqual([]);
  });

  it('is taken out if it is new', () => {
    file('a.yaml', configMap('a', 'bad'));
    store.refuse([key], 'no such thing');
    expect(valueOfMap('a')).toBeUndefined();
    removeFile('a.yaml');
    expect(codes()).toEqual([]);
  });

  it('is not stored when it was applied', () => {
    file('a.yaml', configMap('a', 'good'));
    const before = store.checkpoint([key]);
    apply(configMap('a', 'bad'));
    store.refuse([key], 'no such thing');
    store.undo(before);
    expect([valueOfMap('a'), store.isRefused(key), store.isApplied(key)]).toEqual(['good', false, false]);
    store = open();
    file('a.yaml', configMap('a', 'good'));
    expect(valueOfMap('a')).toBe('good');
  });

  it('is told apart by when it took effect', () => {
    file('a.yaml', configMap('a', '1'));
    file('b.yaml', configMap('b', '1'));
    expect(store.sequenceOf('ConfigMap/default/b')).toBeGreaterThan(store.sequenceOf(key));
    file('a.yaml', configMap('a', '2'));
    expect(store.sequenceOf(key)).toBeGreaterThan(store.sequenceOf('ConfigMap/default/b'));
    expect(store.sequenceOf(key)).toBe(store.sequence);
  });
});

describe('the last good state', () => {
  /** Starts anew; files are read again by the test. */
  function restart(...read: [string, ...string[]][]): void {
    store = open();
    for (const [name, ...texts] of read) file(name, ...texts);
    store.filesAreRead();
  }

  it('outlives a restart while a file is broken', () => {
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', 'kind: [');
    expect(valueOfMap('a')).toBe('good');
    restart(['a.yaml', 'kind: [']);
    expect(valueOfMap('a')).toBe('good');
    file('a.yaml', configMap('a', 'mended'));
    expect(valueOfMap('a')).toBe('mended');
    restart(['a.yaml', configMap('a', 'mended')]);
    expect(valueOfMap('a')).toBe('mended');
  });

  it('outlives a restart while a route names a subset that does not exist', () => {
    file('mesh.yaml', service, destinationRule('v1'));
    file('route.yaml', virtualService('v1'));
    file('route.yaml', virtualService('v9'));
    restart(['mesh.yaml', service, destinationRule('v1')], ['route.yaml', virtualService('v9')]);
    expect(codes()).toEqual(['LAT0202']);
    expect(JSON.stringify(store.objects.get('VirtualService/default/reviews'))).toContain('"v1"');
  });

  it('outlives a restart after Envoy refused the newer version', () => {
    const key = 'ConfigMap/default/a';
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', configMap('a', 'bad'));
    store.refuse([key], 'no such thing');
    restart(['a.yaml', configMap('a', 'bad')]);
    expect([valueOfMap('a'), codes()]).toEqual(['good', ['LAT0210']]);
    file('a.yaml', configMap('a', 'better'));
    expect([valueOfMap('a'), codes()]).toEqual(['better', []]);
  });

  it('is forgotten when the file was removed meanwhile', () => {
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', 'kind: [');
    restart();
    expect(valueOfMap('a')).toBeUndefined();
  });

  it('is what was in force, not a version that was held back', () => {
    file('mesh.yaml', service, destinationRule('v1'));
    file('route.yaml', virtualService('v1'));
    file('route.yaml', virtualService('v9'));
    file('route.yaml', 'kind: [', virtualService('v1').replace('hosts', 'hots'));
    expect(codes()).not.toContain('LAT0202');
    expect(JSON.stringify(store.objects.get('VirtualService/default/reviews'))).toContain('"v1"');
  });

  it('that cannot be read is reported, and the mesh starts as its files say', () => {
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', 'kind: [');
    problems.length = 0;
    writeFileSync(join(dirname(path), 'last-good.json'), '[{"key": 1}]');
    restart(['b.yaml', configMap('b', 'b')]);
    expect(problems).toEqual([expect.stringContaining('last-good.json')]);
    expect([valueOfMap('a'), valueOfMap('b')]).toEqual([undefined, 'b']);
  });

  it('is forgotten when the object was taken out of its file meanwhile, and the rest of the file is read at once', () => {
    file('a.yaml', configMap('a', 'good'));
    file('a.yaml', configMap('a', 'x').replace('data', 'dta'));
    store = open();
    const result = parse(configMap('b', '1'), 'a.yaml');
    expect(store.loses('a.yaml', result)).toBe(false);
    store.setFiles(new Map([['a.yaml', result]]));
    store.filesAreRead();
    expect([valueOfMap('a'), valueOfMap('b')]).toEqual([undefined, '1']);
  });

  it('keeps a subset that is in use', () => {
    file('a.yaml', service, destinationRule('v1', 'v2'));
    file('b.yaml', virtualService('v2'));
    file('a.yaml', service, destinationRule('v1'));
    store = open();
    // As the registry does: everything at once.
    store.setFiles(
      new Map([
        ['a.yaml', parse([service, destinationRule('v1')].join('---\n'), 'a.yaml')],
        ['b.yaml', parse(virtualService('v2'), 'b.yaml')],
      ]),
    );
    store.filesAreRead();
    expect([routedTo(), codes()]).toEqual(['v2', ['LAT0202']]);
  });
});
