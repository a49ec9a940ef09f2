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

test('every workload is told with the settings of its proxy, as are the gateways that Lateen runs by itself', () => {
  const { objects } = parseDocuments(TEXT, 'test.yaml', { defaultNamespace: 'default' });
  const byKey = new Map(objects.map(({ object }) => [keyOf(object), object]));
  const message = manifestsMessage(byKey, pilotOf(TEXT).model, () => '/');
  expect(message.deployments).toMatchObject([{ proxy: { concurrency: 2, environment: { A: 'mesh', B: 'root' } } }]);
  const gateway = { concurrency: 4, environment: { A: 'mesh', B: 'root' } };
  expect(message.builtInProxies).toEqual({ 'istio-ingressgateway': gateway, 'istio-egressgateway': gateway });
});
