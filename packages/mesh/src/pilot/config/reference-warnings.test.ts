import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf } from '@lateen/api/object-key.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Admission } from './admission.ts';
import { parseDocuments } from './parse.ts';

const named = (kind: string, apiVersion: string, name: string, spec: string) =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const route = (name: string, spec: string) => named('VirtualService', 'networking.istio.io/v1', name, spec);

/** Versions of a few objects that refer to each other. */
const versions: readonly string[] = [
  `apiVersion: policy.lateen.dev/v1alpha1
kind: TrafficSchedule
metadata: {name: t}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: r, sectionName: x}]
  windows: [{from: "09:00", to: "17:00"}]
`,
  named('Service', 'v1', 'a', '{ports: [{port: 80, name: http}]}'),
  named('Service', 'v1', 'a', '{ports: [{port: 81, name: http}]}'),
  named('Service', 'v1', 'b', '{ports: [{port: 80, name: http}]}'),
  named(
    'ServiceEntry',
    'networking.istio.io/v1',
    'e',
    '{hosts: [e.test], resolution: DNS, ports: [{number: 80, name: http}]}',
  ),
  named('ServiceEntry', 'networking.istio.io/v1', 'e', '{hosts: ["*.test"], ports: [{number: 80, name: http}]}'),
  named('DestinationRule', 'networking.istio.io/v1', 'd', '{host: e.test}'),
  named('DestinationRule', 'networking.istio.io/v1', 'd', '{host: b}'),
  route('r', '{hosts: [a], http: [{name: x, route: [{destination: {host: a}}]}]}'),
  route('r', '{hosts: [a.default], gateways: [g], http: [{name: y, route: [{destination: {host: b}}]}]}'),
  route('r', '{hosts: [a], http: [{delegate: {name: s}}]}'),
  route('s', '{http: [{route: [{destination: {host: e.test}}]}]}'),
  route('s', '{hosts: [b], http: [{route: [{destination: {host: a}}]}]}'),
  named(
    'Gateway',
    'networking.istio.io/v1',
    'g',
    '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ["*"]}]}',
  ),
  named(
    'Gateway',
    'networking.istio.io/v1',
    'g',
    '{selector: {no: body}, servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ["*"]}]}',
  ),
  'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s}\n',
  named(
    'Deployment',
    'apps/v1',
    'p',
    '{selector: {matchLabels: {app: p}}, template: {metadata: {labels: {app: p}}, spec: {serviceAccountName: s, containers: [{name: c, image: c, command: [c]}]}}}',
  ),
];

const objects = versions.map((text): ConfigObject => {
  const { objects, diagnostics } = parseDocuments(text, 'a.yaml', { defaultNamespace: 'default' });
  if (objects[0] === undefined) throw new Error(JSON.stringify(diagnostics));
  return objects[0].object;
});

const sorted = (admission: Admission) =>
  admission
    .warnings()
    .map((each) => JSON.stringify(each))
    .sort();

test('after any history, the warnings are those of a look at everything', () => {
  const seen = new Set<string>();
  const step = fc.record({ object: fc.constantFrom(...objects), isGone: fc.boolean(), looks: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const admission = new Admission('cluster.local');
      for (const { object, isGone, looks } of steps) {
        admission.commit(new Map([[keyOf(object), isGone ? undefined : object]]));
        if (looks) admission.warnings();
      }
      const fresh = new Admission('cluster.local');
      fresh.commit(admission.accepted);
      const found = sorted(admission);
      for (const { code } of admission.warnings()) seen.add(code);
      expect(found).toEqual(sorted(fresh));
    }),
    { numRuns: 300 },
  );
  expect([...seen].sort()).toEqual([
    'LAT0130',
    'LAT0201',
    'LAT0203',
    'LAT0207',
    'LAT0208',
    'LAT0552',
    'LAT0554',
    'LAT0595',
  ]);
});
