import { expect, test } from 'vitest';
import { pilotOf, serviceText } from '../../testing/pilot-of.ts';

const policy = (name: string, spec: string, created?: string) => `
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: ${name}${created === undefined ? '' : `, creationTimestamp: "${created}"`}}
spec: {targetRefs: [{group: "", kind: Service, name: shop}], ${spec}}
`;

function modelOf(...documents: readonly string[]) {
  return pilotOf([serviceText('shop', '[{name: http, port: 80}]'), ...documents].join('---\n')).model;
}

function problemsOf(model: ReturnType<typeof modelOf>, name: string) {
  const state = model.backendTrafficStates.get(`XBackendTrafficPolicy/default/${name}`);
  return state?.problems.map(({ type, reason, path }) => `${type} ${reason} ${path}`);
}

test('of policies for one Service the oldest counts', () => {
  const model = modelOf(
    policy('a', 'sessionPersistence: {sessionName: a}'),
    policy('b', 'sessionPersistence: {sessionName: b}', '2026-01-01T00:00:00Z'),
  );
  expect(problemsOf(model, 'a')).toEqual(['Accepted Conflicted spec.targetRefs[0]']);
  expect(problemsOf(model, 'b')).toEqual([]);
  expect(model.services.get('default/shop.default.svc.cluster.local')?.backendTraffic).toMatchObject({
    session: { type: 'cookie', name: 'b' },
  });
});

test('a retry budget has the defaults of the Gateway API', () => {
  const service = modelOf(policy('a', 'retryConstraint: {}')).services.get('default/shop.default.svc.cluster.local');
  expect(service?.backendTraffic?.retryBudget).toEqual({
    type: 'budget',
    percent: 20,
    minRetryConcurrency: 10,
    intervalMs: 10_000,
  });
});

test('a lifetime that Envoy cannot keep is refused by name', () => {
  const model = modelOf(policy('a', 'sessionPersistence: {absoluteTimeout: 1h}'));
  expect(problemsOf(model, 'a')).toEqual(['Accepted UnsupportedValue spec.sessionPersistence.absoluteTimeout']);
  expect(model.services.get('default/shop.default.svc.cluster.local')?.backendTraffic).toBeUndefined();
});

test('a session of a rule with several backends is refused', () => {
  const model = modelOf(
    serviceText('other', '[{name: http, port: 80}]'),
    `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: shop}]
  rules: [{sessionPersistence: {}, backendRefs: [{name: shop, port: 80}, {name: other, port: 80}]}]
`,
  );
  expect(model.kubernetesRoutes.states.get('HTTPRoute/default/shop')?.problems).toMatchObject([
    { type: 'Accepted', reason: 'UnsupportedValue', path: 'spec.rules[0].sessionPersistence' },
  ]);
});

test('meshes of Lateen are accepted, without parameters', () => {
  const mesh = (name: string, spec: string) =>
    `\napiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XMesh\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;
  const { xMeshes, statuses, diagnostics } = modelOf(
    mesh('own', 'controllerName: lateen.dev/mesh-controller'),
    mesh('other', 'controllerName: example.com/mesh'),
    mesh('tuned', 'controllerName: lateen.dev/mesh-controller, parametersRef: {group: "", kind: ConfigMap, name: a}'),
  );
  const states = [...xMeshes.entries()].map(([key, { problems }]) => [key, problems.map(({ reason }) => reason)]);
  expect(Object.fromEntries(states)).toEqual({ 'XMesh//own': [], 'XMesh//tuned': ['InvalidParameters'] });
  expect(statuses.get('XMesh//own')).toMatchObject({
    conditions: [{ type: 'Accepted', status: 'True' }],
    supportedFeatures: expect.arrayContaining([{ name: 'Mesh' }]),
  });
  expect(statuses.get('XMesh//tuned')).toMatchObject({ conditions: [{ status: 'False' }] });
  expect(diagnostics.get('XMesh//tuned')?.map(({ code }) => code)).toEqual(['LAT0750']);
});
