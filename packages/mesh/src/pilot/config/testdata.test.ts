import { readdirSync, readFileSync } from 'node:fs';
import { keyOf } from '@lateen/api/object-key.ts';
import { describe, expect, test } from 'vitest';
import { expectedIn } from '../testing/expected-comments.ts';
import { parseDocuments } from './parse.ts';

const FOLDER = new URL('testdata/', import.meta.url);

describe('refused', () => {
  test.each(readdirSync(new URL('refused/', FOLDER)))('%s: each mistake is told where it is', (file) => {
    const text = readFileSync(new URL(`refused/${file}`, FOLDER), 'utf8');
    const { objects, diagnostics, failed } = parseDocuments(text, file, { defaultNamespace: 'default' });
    expect(diagnostics.map(({ line, code, path, message }) => `${line}: ${code} ${path}: ${message}`)).toEqual(
      expectedIn(text),
    );
    // What is refused is not in the result, and the other way round.
    const names = objects.map(({ object }) => keyOf(object));
    expect(names.filter((name) => failed.includes(name))).toEqual([]);
    const refused = diagnostics.filter(({ severity, object }) => severity === 'error' && object !== undefined);
    expect(new Set(refused.map(({ object }) => `${object?.kind}/${object?.namespace}/${object?.name}`))).toEqual(
      new Set(failed),
    );
  });
});

test('all supported fields are accepted', () => {
  const text = readFileSync(new URL('valid.yaml', FOLDER), 'utf8');
  const { objects, diagnostics, failed, syntaxErrors } = parseDocuments(text, 'valid.yaml', { defaultNamespace: 'x' });
  expect(diagnostics).toEqual([]);
  expect(failed).toEqual([]);
  expect(syntaxErrors).toBe(false);
  expect(objects.map(({ object }) => `${object.apiVersion} ${keyOf(object)}`)).toEqual([
    'v1 Namespace//bookinfo',
    'v1 ServiceAccount/bookinfo/bookinfo-reviews',
    'v1 ConfigMap/bookinfo/settings',
    'v1 Service/bookinfo/reviews',
    'apps/v1 Deployment/bookinfo/reviews-v1',
    'networking.istio.io/v1 Gateway/bookinfo/bookinfo',
    'networking.istio.io/v1 VirtualService/bookinfo/reviews',
    'networking.istio.io/v1 DestinationRule/bookinfo/reviews',
    'networking.istio.io/v1 DestinationRule/bookinfo/everything',
    'security.istio.io/v1 PeerAuthentication/bookinfo/reviews',
    'security.istio.io/v1 PeerAuthentication/istio-system/default',
    'v1 ConfigMap/istio-system/istio',
    'v1 Secret/bookinfo/bookinfo-tls',
    'discovery.k8s.io/v1 EndpointSlice/bookinfo/database-1',
    'networking.k8s.io/v1 IngressClass//istio.v1',
    'networking.k8s.io/v1 Ingress/bookinfo/bookinfo',
    'networking.istio.io/v1 ServiceEntry/bookinfo/outside',
    'networking.istio.io/v1 ServiceEntry/bookinfo/machines',
    'networking.istio.io/v1 ServiceEntry/bookinfo/static',
    'networking.istio.io/v1 ServiceEntry/bookinfo/names',
    'networking.istio.io/v1 ServiceEntry/bookinfo/any-name',
    'networking.istio.io/v1 WorkloadEntry/bookinfo/machine-1',
    'networking.istio.io/v1 Sidecar/bookinfo/reviews',
    'networking.istio.io/v1beta1 ProxyConfig/bookinfo/reviews',
    'networking.istio.io/v1alpha3 EnvoyFilter/bookinfo/reviews',
    'policy.lateen.dev/v1alpha1 TrafficSchedule/bookinfo/office-hours',
  ]);
});
