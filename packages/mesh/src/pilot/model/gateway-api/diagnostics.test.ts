import { describe, expect, it } from 'vitest';
import { pilotOf, serviceText } from '../../testing/pilot-of.ts';
import { allDiagnostics } from './diagnostics.ts';

const API = 'apiVersion: gateway.networking.k8s.io/v1';
const WEB = gatewayText('lateen', '{name: http, port: 80, protocol: HTTP, hostname: a.test}');

function gatewayText(className: string, listener: string, name = 'web'): string {
  return `---\n{${API}, kind: Gateway, metadata: {name: ${name}, namespace: default}, spec: {gatewayClassName: ${className}, listeners: [${listener}]}}\n`;
}

function objectText(kind: string, spec: string): string {
  return `---\n{${API}, kind: ${kind}, metadata: {name: it, namespace: default}, spec: ${spec}}\n`;
}

function classText(name: string, controllerName: string): string {
  return `---\n{${API}, kind: GatewayClass, metadata: {name: ${name}}, spec: {controllerName: ${controllerName}}}\n`;
}

function told(text: string, isPart = false): readonly string[] {
  return allDiagnostics(pilotOf(text).model.diagnostics, isPart).map(
    ({ code, severity, path, message }) => `${code} ${severity} ${path}: ${message}`,
  );
}

describe('of a route', () => {
  const route = (spec: string) => told(WEB + serviceText('b', '[{port: 80}]') + objectText('HTTPRoute', spec));

  it.each([
    ['{parentRefs: [{name: web}], hostnames: [a.test], rules: [{backendRefs: [{name: b, port: 80}]}]}', []],
    [
      '{parentRefs: [{name: web}, {name: gone}]}',
      ['LAT0740 warning spec.parentRefs[1]: there is no Gateway default/gone'],
    ],
    [
      '{parentRefs: [{kind: ListenerSet, name: gone}]}',
      ['LAT0740 warning spec.parentRefs[0]: there is no ListenerSet default/gone'],
    ],
    [
      '{parentRefs: [{group: "", kind: Service, name: gone}]}',
      ['LAT0740 warning spec.parentRefs[0]: there is no Service default/gone'],
    ],
    [
      '{parentRefs: [{name: web, port: 81}]}',
      ['LAT0740 warning spec.parentRefs[0]: the Gateway web has no listener on port 81'],
    ],
    [
      '{parentRefs: [{kind: Gatway, name: web}]}',
      [
        "LAT0745 warning spec.parentRefs[0]: a Gatway of the API group 'gateway.networking.k8s.io' takes no routes; a Gateway, a ListenerSet or a Service does",
      ],
    ],
    [
      '{parentRefs: [{name: web}], hostnames: [b.test]}',
      ['LAT0742 warning spec.parentRefs[0]: the listener http is for a.test, not for b.test'],
    ],
    [
      '{parentRefs: [{name: web}], rules: [{backendRefs: [{name: gone, port: 80}, {name: b, port: 1}]}]}',
      [
        'LAT0743 warning spec.rules[0].backendRefs[0]: there is no Service default/gone',
        'LAT0743 warning spec.rules[0].backendRefs[1]: Service default/b has no port 1; it has 80',
      ],
    ],
    [
      '{parentRefs: [{name: web}], rules: [{backendRefs: [{name: b, namespace: far, port: 80}]}]}',
      [
        'LAT0744 warning spec.rules[0].backendRefs[0]: no ReferenceGrant in the namespace far lets HTTPRoutes of default refer to Service b',
      ],
    ],
    [
      '{parentRefs: [{name: web}], rules: [{filters: [{type: ExtensionRef, extensionRef: {group: a.test, kind: A, name: a}}]}]}',
      ['LAT0746 warning spec.rules[0].filters[0].type: filters of the type ExtensionRef are not supported here'],
    ],
  ])('%s', (spec, expected) => {
    expect(route(spec)).toEqual(expected);
  });

  it('nothing is said of a parent that others serve', () => {
    const text = classText('other', 'a.test/b') + gatewayText('other', '{name: http, port: 80, protocol: HTTP}');
    expect(told(text + objectText('HTTPRoute', '{parentRefs: [{name: web}]}'))).toEqual([
      'LAT0749 info spec.gatewayClassName: the GatewayClass other is served by a.test/b, not by Lateen',
    ]);
  });

  it('nothing is said of what is missing, where the files are only a part of a mesh', () => {
    const text = objectText(
      'HTTPRoute',
      '{parentRefs: [{name: gone}, {kind: Gatway, name: web}], rules: [{backendRefs: [{name: gone, port: 80}]}]}',
    );
    expect(told(text, true).map((line) => line.slice(0, 7))).toEqual(['LAT0745']);
  });
});

describe('of a Gateway', () => {
  it.each([
    [
      gatewayText('latten', '{name: http, port: 80, protocol: HTTP}'),
      ["LAT0749 warning spec.gatewayClassName: there is no GatewayClass latten, did you mean 'lateen'?"],
    ],
    [
      gatewayText('nginx', '{name: http, port: 80, protocol: HTTP}'),
      ['LAT0749 warning spec.gatewayClassName: there is no GatewayClass nginx; Lateen serves lateen and istio'],
    ],
    [
      classText('own', 'lateen.dev/gateway-controller') + gatewayText('own', '{name: http, port: 80, protocol: HTTP}'),
      [],
    ],
    [
      gatewayText('lateen', '{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}'),
      ['LAT0748 warning spec.listeners[0].tls.certificateRefs[0]: there is no Secret default/gone'],
    ],
    [
      gatewayText('lateen', '{name: tcp, port: 80, protocol: TCP}, {name: http, port: 80, protocol: HTTP}'),
      [
        'LAT0747 warning spec.listeners[0].protocol: the listener http of default/web has port 80 for HTTP, which TCP cannot share',
        'LAT0747 warning spec.listeners[1].protocol: the listener tcp of default/web has port 80 for TCP, which HTTP cannot share',
      ],
    ],
  ])('%s', (text, expected) => {
    expect(told(text)).toEqual(expected);
  });

  const withSpec = (more: string) =>
    gatewayText('lateen', '{name: http, port: 80, protocol: HTTP}').replace('listeners:', `${more}, listeners:`);
  it.each([
    [
      'infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: sizes}}',
      [
        'LAT0750 warning spec.infrastructure.parametersRef: Lateen takes no parameters for a gateway, so ConfigMap sizes would change nothing',
      ],
    ],
    [
      'addresses: [{value: 127.0.0.1}, {type: Hostname}, {value: 10.0.0.1}, {type: NamedAddress, value: front}]',
      [
        'LAT0751 warning spec.addresses[2].value: the gateway listens on 127.0.0.1, it cannot have the address 10.0.0.1',
        'LAT0751 warning spec.addresses[3].type: addresses of the type NamedAddress are not known; there are IPAddress and Hostname',
      ],
    ],
    [
      'addresses: [{type: Hostname, value: nowhere}, {type: Hostname, value: istio-ingressgateway.istio-system}]',
      [
        'LAT0751 warning spec.addresses[1].value: the proxies of one Service can serve a Gateway, not those of several',
        'LAT0752 warning spec.addresses[0].value: there is no Service nowhere that selects gateways',
      ],
    ],
    ['addresses: [{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}]', []],
    [
      'tls: {backend: {clientCertificateRef: {name: gone}}}',
      [
        'LAT0748 warning spec.tls.backend.clientCertificateRef: there is no Secret default/gone with tls.crt and tls.key',
      ],
    ],
  ])('with %s', (more, expected) => {
    expect(told(withSpec(more))).toEqual(expected);
  });

  it('what follows from a missing authority is not told beside it', () => {
    const tls =
      'tls: {frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}]}}}}';
    const text = gatewayText(
      'lateen',
      '{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gone}]}}',
    );
    expect(told(text.replace('listeners:', `${tls}, listeners:`)).map((line) => line.slice(0, 7))).toEqual([
      'LAT0748',
      'LAT0748',
    ]);
  });
});

describe('of a ListenerSet', () => {
  const set = (parentRef: string) =>
    objectText('ListenerSet', `{parentRef: ${parentRef}, listeners: [{name: http, port: 81, protocol: HTTP}]}`);

  it.each([
    [
      '{name: web}',
      [
        'LAT0741 warning spec.parentRef: the Gateway default/web takes no listeners of the namespace default (spec.allowedListeners)',
      ],
    ],
    ['{name: gone}', ['LAT0740 warning spec.parentRef: there is no Gateway default/gone']],
    [
      '{kind: Other, name: web}',
      [
        "LAT0745 warning spec.parentRef: a Other of the API group 'gateway.networking.k8s.io' takes no listeners; a Gateway does",
      ],
    ],
  ])('%s', (parentRef, expected) => {
    expect(told(WEB + set(parentRef))).toEqual(expected);
  });
});

describe('of a BackendTLSPolicy', () => {
  const policy = (name: string, service: string) =>
    `---\n{${API}, kind: BackendTLSPolicy, metadata: {name: ${name}, namespace: default}, spec: {targetRefs: [{group: "", kind: Service, name: ${service}}], validation: {hostname: a.test, caCertificateRefs: [{group: "", kind: ConfigMap, name: gone}]}}}\n`;

  it('tells of targets that are not there, of what comes first, and of authorities', () => {
    const text = serviceText('b', '[{port: 80}]') + policy('a', 'b') + policy('b', 'b') + policy('c', 'gone');
    const missing =
      'LAT0748 warning spec.validation.caCertificateRefs[0]: there is no ConfigMap default/gone with certificates in ca.crt';
    expect(told(text)).toEqual([
      missing,
      missing,
      'LAT0747 warning spec.targetRefs[0]: the BackendTLSPolicy default/a says how the Service default/b is called, and comes first',
      missing,
      'LAT0740 warning spec.targetRefs[0]: there is no Service default/gone',
    ]);
  });
});
