import { keyOf } from '@lateen/api/object-key.ts';
import { describe, expect, it } from 'vitest';
import { networkingText } from '../testing/pilot-of.ts';
import { gatewayWarnings } from './gateway-warnings.ts';
import { parseDocuments } from './parse.ts';

const CERTIFICATE = '"-----BEGIN CERTIFICATE-----"';
const KEY = '"-----BEGIN EC PRIVATE KEY-----"';

/** `CODE PATH of OBJECT: MESSAGE` */
function warnings(text: string): string[] {
  const { objects, diagnostics } = parseDocuments(text, 'test.yaml', { defaultNamespace: 'default' });
  expect(diagnostics).toEqual([]);
  const found = gatewayWarnings(new Map(objects.map(({ object }) => [keyOf(object), object])));
  return found.map(({ code, path, object, message }) => `${code} ${path} of ${object?.name}: ${message}`);
}

function gatewayText(name: string, tls: string, selector = '{istio: ingressgateway}', namespace = 'default'): string {
  const server = `{port: {number: 443, name: https, protocol: HTTPS}, hosts: [${name}.test], tls: ${tls}}`;
  return networkingText('Gateway', name, `{selector: ${selector}, servers: [${server}]}`, namespace);
}

function secretText(values: string, name = 'cert', namespace = 'istio-system', kind = 'Secret'): string {
  const field = kind === 'Secret' ? 'stringData' : 'data';
  return `---\n{apiVersion: v1, kind: ${kind}, metadata: {name: ${name}, namespace: ${namespace}}, ${field}: {${values}}}\n`;
}

const SIMPLE = '{mode: SIMPLE, credentialName: cert}';
const MUTUAL = '{mode: MUTUAL, credentialName: cert}';

describe('a Secret', () => {
  it('has to be in the namespace of the proxy', () => {
    const inOwn = secretText(`tls.crt: ${CERTIFICATE}, tls.key: ${KEY}`, 'cert', 'default');
    expect(warnings(gatewayText('a', SIMPLE) + inOwn)).toEqual([
      'LAT0593 spec.servers[0].tls.credentialName of a: there is no Secret istio-system/cert; it has to be in the namespace of the gateway proxy. Connections are refused until it comes',
    ]);
    expect(warnings(gatewayText('a', SIMPLE) + secretText(`tls.crt: ${CERTIFICATE}, tls.key: ${KEY}`))).toEqual([]);
  });

  it('has to be in the namespace of each proxy that serves the Gateway', () => {
    const edge =
      '---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: edge}, spec: {selector: {matchLabels: {app: edge}}, template: {metadata: {labels: {app: edge}, annotations: {inject.istio.io/templates: gateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}}}\n';
    expect(warnings(gatewayText('a', SIMPLE, '{app: edge}') + edge)).toEqual([
      expect.stringContaining('there is no Secret default/cert;'),
    ]);
  });

  it('needs key and certificate, in PEM', () => {
    const message = (values: string) => warnings(gatewayText('a', SIMPLE) + secretText(values))[0] ?? '';
    expect(message(`tls.crt: ${CERTIFICATE}`)).toContain(
      'LAT0594 spec.servers[0].tls.credentialName of a: the Secret istio-system/cert has no key and certificate, under tls.key and tls.crt or key and cert',
    );
    expect(message(`cert: MIIB, key: ${KEY}`)).toContain('has no certificate in PEM form');
    expect(message(`cert: ${CERTIFICATE}, key: MIIB`)).toContain('has no private key in PEM form');
  });

  it('needs authorities where clients have certificates, in itself or beside it', () => {
    const pair = `tls.crt: ${CERTIFICATE}, tls.key: ${KEY}`;
    expect(warnings(gatewayText('a', MUTUAL) + secretText(pair))).toEqual([
      expect.stringContaining('the Secret istio-system/cert has no certificate authorities, under ca.crt or cacert'),
    ]);
    expect(warnings(gatewayText('a', MUTUAL) + secretText(`${pair}, ca.crt: ${CERTIFICATE}`))).toEqual([]);
    const beside = secretText(`cacert: ${CERTIFICATE}`, 'cert-cacert');
    expect(warnings(gatewayText('a', MUTUAL) + secretText(pair) + beside)).toEqual([]);
  });

  it('may be a ConfigMap for authorities only', () => {
    const tls = '{mode: MUTUAL, credentialName: cert, caCertCredentialName: roots}';
    const text = gatewayText('a', tls) + secretText(`cert: ${CERTIFICATE}, key: ${KEY}`);
    expect(warnings(text)).toEqual([
      expect.stringContaining('tls.caCertCredentialName of a: there is no Secret or ConfigMap istio-system/roots'),
    ]);
    expect(warnings(text + secretText(`ca.crt: ${CERTIFICATE}`, 'roots', 'istio-system', 'ConfigMap'))).toEqual([]);
  });
});

it('a Gateway that selects nobody', () => {
  expect(warnings(gatewayText('a', '{mode: PASSTHROUGH}', '{app: nobody}').replace('HTTPS', 'TLS'))).toEqual([
    'LAT0595 spec.selector of a: no gateway has the labels app: nobody',
  ]);
  const web = (className: string) =>
    `---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web}, spec: {gatewayClassName: ${className}, listeners: [{name: http, port: 80, protocol: HTTP}]}}\n`;
  const ofWeb = gatewayText('a', '{mode: PASSTHROUGH}', '{gateway.networking.k8s.io/gateway-name: web}');
  const passthrough = ofWeb.replace('HTTPS', 'TLS');
  expect(warnings(passthrough + web('lateen')), 'it selects what is started for another').toEqual([]);
  expect(warnings(passthrough + web('other'))).toHaveLength(1);
  // The egress gateway runs for whoever asks for it.
  expect(warnings(gatewayText('a', '{mode: ISTIO_MUTUAL}', '{istio: egressgateway}'))).toEqual([]);
});

it('servers that lose their port, or their hosts, to others', () => {
  const server = (protocol: string, tls = '') =>
    `{port: {number: 443, name: ${protocol.toLowerCase()}, protocol: ${protocol}}, hosts: [a.test]${tls}}`;
  const gateway = (name: string, ...servers: string[]) =>
    networkingText('Gateway', name, `{selector: {istio: ingressgateway}, servers: [${servers.join(', ')}]}`);
  expect(
    warnings(
      gateway('a', server('TLS', ', tls: {mode: PASSTHROUGH}')) +
        gateway('b', server('HTTP'), server('HTTPS', ', tls: {mode: ISTIO_MUTUAL}')),
    ),
  ).toEqual([
    'LAT0591 spec.servers[0] of b: is not served: HTTP cannot share port 443 with TLS of the server tls of the Gateway default/a',
    'LAT0592 spec.servers[1] of b: is not served on port 443 for a.test, as the server tls of the Gateway default/a has this host there',
  ]);
});

describe('an Ingress', () => {
  const ingressText = (name: string, tls: string, namespace = 'default') =>
    `---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: ${name}, namespace: ${namespace}, annotations: {kubernetes.io/ingress.class: istio}}, spec: {defaultBackend: {service: {name: a, port: {number: 80}}}, tls: [${tls}]}}\n`;
  const PAIR = `tls.crt: ${CERTIFICATE}, tls.key: ${KEY}`;

  it('has its Secret in its own namespace, or in that of the proxy', () => {
    expect(warnings(ingressText('a', '{secretName: cert}'))).toEqual([
      'LAT0593 spec.tls[0].secretName of a: there is no Secret default/cert; it has to be in the namespace of the Ingress. Connections are refused until it comes',
    ]);
    for (const namespace of ['default', 'istio-system']) {
      expect(warnings(ingressText('a', '{secretName: cert}') + secretText(PAIR, 'cert', namespace))).toEqual([]);
    }
    expect(warnings(ingressText('a', '{secretName: cert}') + secretText('a: b', 'cert', 'default'))).toEqual([
      expect.stringContaining(
        'LAT0594 spec.tls[0].secretName of a: the Secret default/cert has no key and certificate',
      ),
    ]);
  });

  it('shares hosts with others that have the same certificate, and Gateways come first', () => {
    const secrets = secretText(PAIR) + secretText(PAIR, 'cert', 'default') + secretText(PAIR, 'other', 'default');
    const a = ingressText('a', '{hosts: [a.test], secretName: cert}');
    expect(warnings(secrets + a + ingressText('b', '{hosts: [a.test], secretName: cert}'))).toEqual([]);
    expect(warnings(secrets + a + ingressText('b', '{hosts: [a.test], secretName: other}'))).toEqual([
      'LAT0592 spec.tls[0] of b: is not served on port 443 for a.test, as spec.tls[0] of the Ingress default/a has this host there',
    ]);
    expect(warnings(secrets + a + gatewayText('a', SIMPLE, '{istio: ingressgateway}', 'zoo'))).toEqual([
      'LAT0592 spec.tls[0] of a: is not served on port 443 for a.test, as the server https of the Gateway zoo/a has this host there',
    ]);
  });

  it('needs gateways with the labels that the mesh asks for', () => {
    const config =
      '---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: istio, namespace: istio-system}, data: {mesh: "ingressSelector: edge"}}\n';
    expect(warnings(config + ingressText('a', ''))).toEqual([
      'LAT0595 undefined of a: no gateway has the labels istio: edge, which the configuration of the mesh asks for',
    ]);
  });
});
