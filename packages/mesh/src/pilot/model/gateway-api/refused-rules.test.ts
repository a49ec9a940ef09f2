import { expect, it } from 'vitest';
import { pilotOf, serviceText } from '../../testing/pilot-of.ts';

const UNKNOWN = 'filters: [{type: ExtensionRef, extensionRef: {group: a.test, kind: A, name: a}}]';

function rulesOf(rules: string) {
  const api = 'apiVersion: gateway.networking.k8s.io/v1';
  const metadata = 'metadata: {name: web, namespace: default}';
  const { model } = pilotOf(`
{${api}, kind: Gateway, ${metadata}, spec: {gatewayClassName: lateen, listeners: [{name: http, port: 80, protocol: HTTP}]}}
---
{${api}, kind: HTTPRoute, ${metadata}, spec: {parentRefs: [{name: web}], rules: ${rules}}}
${serviceText('b', '[{port: 80}]')}`);
  return model.kubernetesRoutes.states.get('HTTPRoute/default/web')?.ruleSets.map((set) => set.rules);
}

it('what a rule matches that cannot be obeyed is refused, and not left to the next rule', () => {
  const rules = `[{matches: [{path: {value: /admin}}], timeouts: {request: 1s}, ${UNKNOWN}}, {backendRefs: [{name: b, port: 80}]}]`;
  expect(rulesOf(rules)).toMatchObject([
    [
      {
        matches: [{ path: { type: 'separated-prefix', value: '/admin' } }],
        action: { type: 'direct-response', status: 500 },
        options: {},
      },
      { action: { type: 'forward' } },
    ],
  ]);
});

it('a route of which no rule can be obeyed does nothing', () => {
  expect(rulesOf(`[{${UNKNOWN}}]`)).toEqual([]);
});
