import { keyOf } from '@lateen/api/object-key.ts';
import { expect, test } from 'vitest';
import { parseDocuments } from '#pilot/config/parse.ts';
import { pilotOf } from '#pilot/testing/pilot-of.ts';
import { manifestsMessage } from './manifests.ts';

const TEXT = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultConfig: {concurrency: 4, proxyMetadata: {A: mesh}}"}
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: all, namespace: istio-system}
spec: {environmentVariables: {B: root}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews, namespace: shop}
spec:
  selector: {matchLabels: {app: reviews}}
  template:
    metadata: {labels: {app: reviews}, annotations: {proxy.istio.io/config: "concurrency: 2"}}
    spec: {containers: [{name: app}]}
`;

const WEB = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  gatewayClassName: lateen
  infrastructure:
    labels: {tier: edge}
    annotations: {proxy.istio.io/config: "concurrency: 3", sidecar.istio.io/logLevel: debug}
  listeners:
    - {name: other, port: 8443, protocol: TCP}
    - {name: http, port: 80, protocol: HTTP}
`;

test('every workload is told with the settings of its proxy, as are the gateways that Lateen runs by itself', () => {
  const { objects } = parseDocuments(TEXT, 'test.yaml', { defaultNamespace: 'default' });
  const byKey = new Map(objects.map(({ object }) => [keyOf(object), object]));
  const message = manifestsMessage(byKey, pilotOf(TEXT).model, () => '/');
  expect(message.deployments).toMatchObject([{ proxy: { concurrency: 2, environment: { A: 'mesh', B: 'root' } } }]);
  const gateway = { concurrency: 4, environment: { A: 'mesh', B: 'root' } };
  expect(message.startedGateways).toMatchObject([{ name: 'istio-ingressgateway', proxy: gateway, hostPorts: 'usual' }]);
});

test('a Gateway of Kubernetes starts a proxy of its own, with what its infrastructure says', () => {
  expect(started(WEB)).toEqual([
    {
      name: 'web-lateen',
      namespace: 'shop',
      labels: {
        tier: 'edge',
        'gateway.networking.k8s.io/gateway-name': 'web',
        'gateway.networking.k8s.io/gateway-class-name': 'lateen',
      },
      serviceAccount: 'web-lateen',
      proxy: { concurrency: 3, logLevel: 'debug' },
      ports: [80, 8443],
      hostPorts: 'usual',
    },
  ]);
});

test('no proxy is started for a Gateway whose addresses name the Service of other proxies', () => {
  const manual = WEB.replace(
    'listeners:',
    'addresses: [{type: Hostname, value: istio-egressgateway.istio-system.svc.cluster.local}]\n  listeners:',
  );
  expect(started(manual)).toMatchObject([{ name: 'istio-egressgateway', ports: [80, 8443], hostPorts: 'any' }]);
});

test.each([
  ['a class that others serve', WEB.replace('gatewayClassName: lateen', 'gatewayClassName: other')],
  ['parameters', WEB.replace('labels: {', 'parametersRef: {group: "", kind: ConfigMap, name: x}\n    labels: {')],
  ['an address that it cannot have', WEB.replace('listeners:', 'addresses: [{value: 10.0.0.1}]\n  listeners:')],
])('no proxy is started for a Gateway with %s', (_, text) => {
  expect(started(text)).toEqual([]);
});

/** Beside the ingress gateway. */
function started(text: string) {
  const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
  expect(diagnostics).toEqual([]);
  const byKey = new Map(objects.map(({ object }) => [keyOf(object), object]));
  const [ingress, ...others] = manifestsMessage(byKey, pilotOf(text).model, () => '/').startedGateways;
  expect(ingress).toMatchObject({ name: 'istio-ingressgateway', ports: [] });
  return others;
}

const EGRESS = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out, namespace: shop}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: ["*"]}]
`;

test('the egress gateway is started while a Gateway asks for it, unless a Deployment of the user takes its place', () => {
  expect(started(EGRESS)).toMatchObject([{ name: 'istio-egressgateway', ports: [443], hostPorts: 'any' }]);
  const own = `${EGRESS}---
apiVersion: apps/v1
kind: Deployment
metadata: {name: my-egress, namespace: shop}
spec:
  selector: {matchLabels: {istio: egressgateway}}
  template:
    metadata:
      labels: {istio: egressgateway}
      annotations: {inject.istio.io/templates: gateway}
    spec: {containers: [{name: istio-proxy, image: auto}]}
`;
  expect(started(own)).toEqual([]);
});
