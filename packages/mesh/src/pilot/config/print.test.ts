import { readFileSync } from 'node:fs';
import { type ConfigObject, type Kind, kindNames, kinds } from '@lateen/api/kinds.ts';
import { type Node, nodeOf } from '@lateen/api/schema/node.ts';
import { validate } from '@lateen/api/validate.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocuments } from './parse.ts';
import { printYaml } from './print.ts';

/** Texts of which at least one has each of the syntaxes that fields ask for. */
const SAMPLES = [
  'reviews',
  'v1',
  '*.example.com',
  'ns/name',
  '3s',
  '9080',
  '/path',
  'GET',
  'metadata.name',
  '5xx',
  'a.b/c',
  'HTTP',
  '10.0.0.1',
  'istio.io/controller',
  '09:30',
  '2026-12-24',
  'Europe/Berlin',
  './*',
  'UNAVAILABLE',
  'Hostname',
  'System',
  'spiffe://cluster.local/ns/default',
  'https://example.com',
  '1m30s',
  'lateen.dev/gateway-controller',
  // SHA-256, in hexadecimal digits and in base64.
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
];
/** Texts that YAML readers like to take for something else. */
const TRICKY = [
  '',
  ' ',
  'yes',
  'no',
  'on',
  'null',
  '~',
  '1',
  '1e3',
  '0x1f',
  '012',
  '- a',
  '#a',
  'a: b',
  '{',
  '"',
  "'",
  '|',
  '>',
  '*a',
  '&a',
  '!a',
  '%',
  '@',
  '`',
  'a\nb',
  'a\n',
  '\ta',
  'é',
  '\u2028',
  '---',
  '<<',
  '2026-01-01',
];

const freeText = fc.oneof(fc.constantFrom(...TRICKY, ...SAMPLES), fc.string({ unit: 'grapheme' }));

/** Values that the schema allows; the rules between fields are left to `validate`. */
function arbitraryOf(node: Node): fc.Arbitrary<unknown> {
  switch (node.type) {
    case 'object': {
      const entries = [...node.fields].filter(([, field]) => field.facts.support?.level !== 'later');
      const shape = Object.fromEntries(entries.map(([name, field]) => [name, arbitraryOf(field)]));
      const requiredKeys = entries.filter(([, field]) => !field.optional).map(([name]) => name);
      return fc.record(shape, { requiredKeys }).map((value) => keepOneOf(node, value));
    }
    case 'list':
      return fc.array(arbitraryOf(node.element), {
        minLength: node.facts.openapi?.minItems === 1 ? 1 : 0,
        maxLength: 2,
      });
    case 'map':
      return fc.dictionary(fc.constantFrom('a', 'app.kubernetes.io/name', '9080', 'no'), arbitraryOf(node.value), {
        maxKeys: 2,
      });
    case 'enum':
      return fc.constantFrom(...node.values.filter((value) => node.facts.laterValues?.[value] === undefined));
    case 'number': {
      const values = node.facts.openapi?.enum as readonly number[] | undefined;
      if (values !== undefined) return fc.constantFrom(...values);
      const { minimum = 0, maximum = 1000 } = (node.facts.openapi ?? {}) as { minimum?: number; maximum?: number };
      return fc.integer({ min: Math.max(minimum, -1000), max: Math.min(maximum, 2 ** 31 - 1) });
    }
    case 'boolean':
      return fc.boolean();
    case 'portOrName':
      return fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constant('http'));
    case 'anything':
      return fc.jsonValue();
    case 'string': {
      const { syntax, openapi } = node.facts;
      if (syntax !== undefined) return fc.constantFrom(...SAMPLES.filter(syntax.valid));
      return openapi?.minLength === undefined ? freeText : fc.constantFrom('a', '/path');
    }
  }
}

function keepOneOf(node: Node, value: Record<string, unknown>): Record<string, unknown> {
  const surplus = (node.facts.oneOf ?? []).flatMap(({ fields }) => fields.filter((name) => name in value).slice(1));
  return Object.fromEntries(Object.entries(value).filter(([name]) => !surplus.includes(name)));
}

// biome-ignore lint/suspicious/noExplicitAny: random values, of which only the fields named are touched
type Loose = any;

/** Makes the most common rules between fields hold, which random values nearly never do. */
const repairs: Partial<Record<string, (value: Loose) => void>> = {
  Deployment({ spec }) {
    const { selector, template } = spec as Loose;
    const labels = { app: 'a', ...selector?.matchLabels };
    if (selector !== undefined) Object.assign(selector, { matchLabels: labels });
    Object.assign(template, { metadata: { ...template?.metadata, labels } });
    const { containers = [], serviceAccountName } = template?.spec ?? {};
    if (serviceAccountName !== undefined) delete template?.spec?.serviceAccount;
    containers.forEach((container: Loose, index: number) => {
      Object.assign(container, { name: `c${index}` });
      delete container.livenessProbe?.successThreshold;
      for (const probe of [container.livenessProbe, container.readinessProbe]) {
        if (probe !== undefined && probe.httpGet === undefined && probe.tcpSocket === undefined) {
          Object.assign(probe, { exec: { command: ['no', '~'] } });
        }
      }
      for (const variable of container.env ?? []) {
        if (variable.valueFrom !== undefined)
          Object.assign(variable, { valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } });
        if (variable.valueFrom !== undefined) delete variable.value;
      }
      for (const source of container.envFrom ?? []) Object.assign(source, { configMapRef: { name: 'a' } });
      container.ports?.forEach((port: Loose, at: number) => {
        Object.assign(port, { name: `p${at}` });
      });
    });
  },
  VirtualService({ spec }) {
    Object.assign(spec as Loose, { hosts: ['reviews'] });
    if ((spec?.http ?? []).length === 0) Object.assign(spec as Loose, { http: [{}] });
    for (const rule of spec?.http ?? []) {
      for (const match of rule.match ?? []) {
        delete match.headers;
        if (match.uri !== undefined) Object.assign(match, { uri: { exact: '/yes' } });
        if (match.method !== undefined) Object.assign(match, { method: { prefix: 'on' } });
      }
      if (rule.redirect === undefined && (rule.route ?? []).length !== 1)
        Object.assign(rule, { route: [{ destination: { host: 'a' } }] });
      if (rule.redirect !== undefined) {
        Object.assign(rule.redirect, { uri: '1', redirectCode: 301 });
        delete rule.route;
        delete rule.rewrite;
      }
      if (rule.rewrite !== undefined) Object.assign(rule, { rewrite: { authority: 'null' } });
      if (rule.retries !== undefined) Object.assign(rule.retries, { attempts: 1, retryOn: '503' });
    }
  },
};

repairs.Service = ({ spec }) => {
  if (spec?.type === 'ExternalName') Object.assign(spec, { externalName: 'true.example' });
  else delete spec?.externalName;
  if (spec?.clusterIP !== undefined) Object.assign(spec, { clusterIP: 'None' });
  if (spec?.clusterIPs !== undefined) Object.assign(spec, { clusterIPs: ['10.0.0.1'] });
  spec?.ports?.forEach((port: Loose, index: number) => {
    Object.assign(port, { name: `p${index}`, port: index + 1 });
  });
};

repairs.ServiceEntry = ({ spec }) => {
  for (const field of ['workloadSelector', 'endpoints', 'addresses', 'exportTo']) delete spec?.[field];
  Object.assign(spec as Loose, { hosts: ['reviews'] });
  if (spec?.resolution !== undefined) Object.assign(spec, { resolution: 'DNS' });
  spec?.ports?.forEach((port: Loose, index: number) => {
    Object.assign(port, { name: `p${index}`, number: index + 1 });
  });
};

/** One filter without a rule of its own, and one target. */
function repairRule(rule: Loose): void {
  delete rule.sessionPersistence;
  delete rule.timeouts;
  for (const match of rule.matches ?? []) {
    for (const list of [match.headers, match.queryParams]) list?.splice(1);
    for (const each of [...(match.headers ?? []), ...(match.queryParams ?? [])]) delete each.type;
    if (match.path !== undefined) Object.assign(match, { path: { value: '/on' } });
    if (match.method?.type !== undefined) Object.assign(match.method, { type: 'Exact', service: 'no', method: 'yes' });
  }
  for (const backend of rule.backendRefs ?? []) Object.assign(backend, { port: 1 });
  for (const { filters } of [rule, ...(rule.backendRefs ?? [])]) {
    filters?.splice(1);
    for (const filter of filters ?? []) {
      for (const field of Object.keys(filter)) delete filter[field];
      const extensionRef = { group: 'no', kind: 'on', name: '1e3' };
      Object.assign(filter, { type: 'ExtensionRef', extensionRef });
    }
  }
  rule.retry?.codes?.splice(1);
}

function repairRoute({ spec }: Loose): void {
  spec?.parentRefs?.splice(1);
  spec?.rules?.splice(1);
  for (const rule of spec?.rules ?? []) repairRule(rule);
}

for (const kind of ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute']) repairs[kind] = repairRoute;

function repairListeners({ spec }: Loose): void {
  spec?.listeners?.forEach((listener: Loose, index: number) => {
    Object.assign(listener, { name: `l${index}`, port: index + 1, protocol: 'HTTP' });
    delete listener.tls;
    for (const each of listener.allowedRoutes?.namespaces?.selector?.matchExpressions ?? []) {
      Object.assign(each, { operator: 'In', values: ['no'] });
    }
  });
}

repairs.ListenerSet = repairListeners;
repairs.KubernetesGateway = ({ spec }) => {
  repairListeners({ spec });
  spec?.addresses?.splice(1);
  for (const each of spec?.addresses ?? []) Object.assign(each, { type: 'IPAddress', value: '10.0.0.1' });
  for (const each of spec?.allowedListeners?.namespaces?.selector?.matchExpressions ?? []) {
    Object.assign(each, { operator: 'In', values: ['no'] });
  }
  spec?.tls?.frontend?.perPort?.splice(1);
};

function repairValidation(validation: Loose): void {
  if (validation === undefined) return;
  delete validation.caCertificateRefs;
  Object.assign(validation, { wellKnownCACertificates: 'System' });
  for (const each of validation.subjectAltNames ?? []) {
    delete each.hostname;
    Object.assign(each, { type: 'URI', uri: 'spiffe://no' });
  }
}

repairs.BackendTLSPolicy = ({ spec }) => {
  spec?.targetRefs?.splice(1);
  repairValidation(spec?.validation);
};
repairs.XBackend = ({ spec }) => {
  Object.assign(spec, { externalHostname: { hostname: 'no' } });
  if (spec?.tls !== undefined) Object.assign(spec.tls, { mode: 'ServerOnly' });
  delete spec?.tls?.clientCertificateRef;
  repairValidation(spec?.tls?.validation);
};
repairs.XBackendTrafficPolicy = ({ spec }) => {
  spec?.targetRefs?.splice(1);
  delete spec?.sessionPersistence;
};

function reread(object: ConfigObject): unknown {
  const { objects, diagnostics } = parseDocuments(printYaml(object), 'printed.yaml', { defaultNamespace: 'default' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return objects.map((each) => each.object);
}

test.each(kindNames)('what is printed of a %s is read back equal', (name) => {
  const kind: Kind = kinds[name];
  let seen = 0;
  const property = fc.property(arbitraryOf(nodeOf(kind.schema)), (value) => {
    repairs[name]?.(value);
    const { object } = validate(kind, value);
    if (object === undefined) return;
    seen++;
    expect(reread(object)).toEqual([object]);
  });
  fc.assert(property, { numRuns: 150, seed: 1 });
  expect(seen).toBeGreaterThan(5);
});

test('the complete examples are read back equal', () => {
  const text = readFileSync(new URL('testdata/valid.yaml', import.meta.url), 'utf8');
  const { objects } = parseDocuments(text, 'valid.yaml', { defaultNamespace: 'default' });
  for (const { object } of objects) expect(reread(object)).toEqual([object]);
});

test('texts that look like something else are printed in quotes, also for readers of YAML 1.1', () => {
  const { objects } = parseDocuments(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '9080', b: 'yes', c: '', d: plain, e: \"x\\ny\"}",
    'a.yaml',
    { defaultNamespace: 'default' },
  );
  expect(objects.map(({ object }) => printYaml(object))).toEqual([
    `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  namespace: default
data:
  a: "9080"
  b: "yes"
  c: ""
  d: plain
  e: |-
    x
    y
`,
  ]);
});
