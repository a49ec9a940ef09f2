import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { describe, expect, it } from 'vitest';
import { gatewayOf, pilotOf, serviceText } from '../../../testing/pilot-of.ts';
import type { Condition } from '../conditions.ts';
import type { GatewayApiStatus } from './statuses.ts';

const PEM = '"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"';
const KEY = '"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"';

function objectText(kind: string, name: string, spec: string, namespace = 'default'): string {
  const apiVersion = 'gateway.networking.k8s.io/v1';
  return `---\n{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}\n`;
}

function gatewayText(listeners: string, more = ''): string {
  return objectText('Gateway', 'web', `{gatewayClassName: lateen, listeners: ${listeners}${more}}`);
}

function secretText(name: string, namespace = 'default', crt = PEM): string {
  return `---\n{apiVersion: v1, kind: Secret, metadata: {name: ${name}, namespace: ${namespace}}, stringData: {tls.crt: ${crt}, tls.key: ${KEY}}}\n`;
}

const RUNNING = gatewayOf({}, { name: 'web-lateen' });
const GATEWAY = 'KubernetesGateway/default/web';

/** `Accepted Programmed=False/Invalid`: a condition that holds for the reason of its name is only named. */
function said(conditions: readonly Condition[]): string {
  return conditions
    .map(({ type, status, reason }) => (status === 'True' && reason === type ? type : `${type}=${status}/${reason}`))
    .filter((text) => text !== 'Conflicted=False/NoConflicts')
    .join(' ');
}

/** The conditions of the object, of its listeners with their kinds and routes, and of its parents. */
function linesOf(status: GatewayApiStatus | undefined): readonly string[] {
  if (status === undefined) return [];
  if ('parents' in status) {
    return status.parents.map(({ parentRef, conditions }) => `${parentRef.name}: ${said(conditions)}`);
  }
  if ('ancestors' in status) {
    return status.ancestors.map(({ ancestorRef, conditions }) => `${ancestorRef.name}: ${said(conditions)}`);
  }
  const listeners = 'listeners' in status ? status.listeners : [];
  return [
    said(status.conditions),
    ...listeners.map(
      ({ name, supportedKinds, attachedRoutes, conditions }) =>
        `${name} [${supportedKinds.map(({ kind }) => kind).join()}] ${attachedRoutes}: ${said(conditions)}`,
    ),
  ];
}

const ALL = 'Accepted Programmed ResolvedRefs';

describe('a GatewayClass', () => {
  const classText = (spec: string) =>
    `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: own}, spec: ${spec}}`;
  const statusOf = (spec: string) => pilotOf(classText(spec)).model.statuses.get('GatewayClass//own');

  it('says what Lateen supports, in order', () => {
    const status = statusOf('{controllerName: lateen.dev/gateway-controller}');
    expect(linesOf(status)).toEqual(['Accepted SupportedVersion']);
    const names = status !== undefined && 'supportedFeatures' in status ? status.supportedFeatures : [];
    expect(names).toContainEqual({ name: 'HTTPRoute' });
    expect(names.map(({ name }) => name)).toEqual(names.map(({ name }) => name).sort());
  });

  it('is not accepted with parameters, and its Gateways are not served', () => {
    const text = classText(
      '{controllerName: lateen.dev/gateway-controller, parametersRef: {group: a.test, kind: A, name: a}}',
    );
    const { statuses } = pilotOf(
      `${text}\n${gatewayText('[{name: http, port: 80, protocol: HTTP}]').replace('lateen', 'own')}`,
    ).model;
    expect(linesOf(statuses.get('GatewayClass//own'))).toEqual(['Accepted=False/InvalidParameters SupportedVersion']);
    expect(statuses.get(GATEWAY)).toBeUndefined();
  });

  it('of others is none of our business', () => {
    expect(statusOf('{controllerName: example.com/other}')).toBeUndefined();
  });
});

describe('a Gateway', () => {
  const statusOf = (text: string) => pilotOf(text, RUNNING).model.statuses.get(GATEWAY);
  const HTTP = '{name: http, port: 80, protocol: HTTP}';
  const https = (refs: string) => `[{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: ${refs}}}]`;

  it('shows the address of its proxy, and waits for it', () => {
    const text = gatewayText(`[${HTTP}]`);
    expect(statusOf(text)).toMatchObject({ addresses: [{ type: 'IPAddress', value: '127.0.0.1' }] });
    const lines = (...instances: Parameters<typeof gatewayOf>[1][]) =>
      linesOf(pilotOf(text, ...instances.map((each) => gatewayOf({}, each))).model.statuses.get(GATEWAY));
    expect(lines()).toEqual([
      'Accepted Programmed=False/AddressNotAssigned ResolvedRefs',
      'http [HTTPRoute,GRPCRoute] 0: Accepted Programmed=False/Pending ResolvedRefs',
    ]);
    expect(lines({ name: 'web-lateen', health: 'starting' })).toEqual([
      'Accepted Programmed=False/Pending ResolvedRefs',
      'http [HTTPRoute,GRPCRoute] 0: Accepted Programmed=False/Pending ResolvedRefs',
    ]);
    expect(lines({ name: 'web-lateen' })).toEqual([ALL, `http [HTTPRoute,GRPCRoute] 0: ${ALL}`]);
  });

  it.each([
    [
      'no listener of a known protocol',
      '[{name: a, port: 1111, protocol: INVALID}]',
      [
        'Accepted=False/ListenersNotValid Programmed=False/Invalid ResolvedRefs',
        'a []: Accepted=False/UnsupportedProtocol Programmed=False/Invalid ResolvedRefs',
      ],
    ],
    [
      'some listeners of unknown protocols',
      `[${HTTP}, {name: a, port: 1111, protocol: INVALID}]`,
      [
        'Accepted=True/ListenersNotValid Programmed ResolvedRefs',
        `http [HTTPRoute,GRPCRoute]: ${ALL}`,
        'a []: Accepted=False/UnsupportedProtocol Programmed=False/Invalid ResolvedRefs',
      ],
    ],
    [
      'a kind of routes that nobody knows',
      '[{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: Invalid}]}}]',
      [
        'Accepted Programmed ResolvedRefs=False/ListenersNotResolved',
        'a []: Accepted Programmed ResolvedRefs=False/InvalidRouteKinds',
      ],
    ],
    [
      'among kinds of routes one that nobody knows',
      '[{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: Invalid}, {kind: HTTPRoute}]}}]',
      [
        'Accepted Programmed ResolvedRefs=False/ListenersNotResolved',
        'a [HTTPRoute]: Accepted Programmed ResolvedRefs=False/InvalidRouteKinds',
      ],
    ],
    [
      'TCPRoutes where TLS is passed on',
      '[{name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {kinds: [{kind: TCPRoute}, {kind: TLSRoute}]}}]',
      [
        'Accepted Programmed ResolvedRefs=False/ListenersNotResolved',
        'a [TLSRoute]: Accepted Programmed ResolvedRefs=False/InvalidRouteKinds',
      ],
    ],
    [
      'listeners for one host',
      '[{name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}}, {name: b, port: 443, protocol: HTTPS, tls: {mode: Terminate, certificateRefs: [{name: gone}]}}]',
      [
        'Accepted=False/ListenersNotValid Programmed=False/Invalid ResolvedRefs=False/ListenersNotResolved',
        'a [TLSRoute]: Accepted=False/HostnameConflict Programmed=False/HostnameConflict ResolvedRefs Conflicted=True/HostnameConflict',
        'b [HTTPRoute,GRPCRoute]: Accepted=False/HostnameConflict Programmed=False/HostnameConflict ResolvedRefs=False/InvalidCertificateRef Conflicted=True/HostnameConflict',
      ],
    ],
    [
      'listeners of protocols that cannot share a port',
      `[${HTTP}, {name: a, port: 80, protocol: TCP}, {name: b, port: 81, protocol: TCP}]`,
      [
        'Accepted=True/ListenersNotValid Programmed ResolvedRefs',
        'http [HTTPRoute,GRPCRoute]: Accepted=False/ProtocolConflict Programmed=False/ProtocolConflict ResolvedRefs Conflicted=True/ProtocolConflict',
        'a [TCPRoute]: Accepted=False/ProtocolConflict Programmed=False/ProtocolConflict ResolvedRefs Conflicted=True/ProtocolConflict',
        `b [TCPRoute]: ${ALL}`,
      ],
    ],
  ])('with %s', (_, listeners, expected) => {
    const lines = linesOf(statusOf(gatewayText(listeners)));
    expect(lines.map((line) => line.replace(/\] 0:/, ']:'))).toEqual(expected);
  });

  const grant = (to: string) =>
    objectText(
      'ReferenceGrant',
      'grant',
      `{from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}], to: [${to}]}`,
      'other',
    );
  it.each([
    ['that is not there', '[{name: gone}]', '', 'InvalidCertificateRef'],
    ['of another group', '[{group: a.test, kind: Secret, name: own}]', secretText('own'), 'InvalidCertificateRef'],
    ['of another kind', '[{kind: Other, name: own}]', secretText('own'), 'InvalidCertificateRef'],
    ['that is no PEM', '[{name: own}]', secretText('own', 'default', 'nonsense'), 'InvalidCertificateRef'],
    ['that is not granted', '[{name: own, namespace: other}]', secretText('own', 'other'), 'RefNotPermitted'],
    [
      'while another one is granted',
      '[{name: own, namespace: other}]',
      secretText('own', 'other') + grant('{group: "", kind: Secret, name: another}'),
      'RefNotPermitted',
    ],
    [
      'that is granted and not there',
      '[{name: own, namespace: other}]',
      grant('{group: "", kind: Secret}'),
      'InvalidCertificateRef',
    ],
  ])('with a certificate %s', (_, refs, more, reason) => {
    expect(linesOf(statusOf(gatewayText(https(refs)) + more))).toEqual([
      'Accepted Programmed=False/Invalid ResolvedRefs=False/ListenersNotResolved',
      `https [HTTPRoute,GRPCRoute] 0: Accepted Programmed=False/Invalid ResolvedRefs=False/${reason}`,
    ]);
  });

  it.each([
    ['of its namespace', '[{name: own}]', secretText('own')],
    [
      'of a namespace that grants all',
      '[{name: own, namespace: other}]',
      secretText('own', 'other') + grant('{group: "", kind: Secret}'),
    ],
    [
      'that is granted by name',
      '[{name: own, namespace: other}]',
      secretText('own', 'other') + grant('{group: "", kind: Secret, name: own}'),
    ],
  ])('with a certificate %s', (_, refs, more) => {
    expect(linesOf(statusOf(gatewayText(https(refs)) + more))).toEqual([ALL, `https [HTTPRoute,GRPCRoute] 0: ${ALL}`]);
  });

  it.each([
    ['that are not there', '{group: "", kind: ConfigMap, name: gone}', 'InvalidCACertificateRef'],
    ['of another kind', '{group: "", kind: Service, name: own}', 'InvalidCACertificateKind'],
    ['that are not granted', '{group: "", kind: ConfigMap, name: own, namespace: other}', 'RefNotPermitted'],
  ])('with authorities %s', (_, ref, reason) => {
    const listeners = `[${HTTP}, ${https('[{name: own}]').slice(1)}`;
    const tls = `, tls: {frontend: {default: {validation: {caCertificateRefs: [${ref}]}}}}`;
    expect(linesOf(statusOf(gatewayText(listeners, tls) + secretText('own')))).toEqual([
      'Accepted=True/ListenersNotValid Programmed ResolvedRefs=False/ListenersNotResolved',
      `http [HTTPRoute,GRPCRoute] 0: ${ALL}`,
      `https [HTTPRoute,GRPCRoute] 0: Accepted=False/NoValidCACertificate Programmed=False/Invalid ResolvedRefs=False/${reason}`,
    ]);
  });

  it('tells that clients need no certificate, for all ports or for one', () => {
    const validation =
      '{validation: {mode: AllowInsecureFallback, caCertificateRefs: [{group: "", kind: ConfigMap, name: a}]}}';
    for (const frontend of [`{default: ${validation}}`, `{default: {}, perPort: [{port: 443, tls: ${validation}}]}`]) {
      const text = gatewayText(`[${HTTP}]`, `, tls: {frontend: ${frontend}}`);
      expect(linesOf(statusOf(text))[0]).toBe(`${ALL} InsecureFrontendValidationMode=True/ConfigurationChanged`);
    }
  });

  it('tells of TLS listeners that share hosts', () => {
    const listener = (name: string, hostname: string) =>
      `{name: ${name}, port: 443, protocol: HTTPS, hostname: "${hostname}", tls: {certificateRefs: [{name: own}]}}`;
    const listeners = [
      listener('a', 'foo.example.com'),
      listener('b', 'foo.example.org'),
      listener('c', '*.example.com'),
    ];
    const status = statusOf(gatewayText(`[${listeners}]`) + secretText('own'));
    expect(linesOf(status)).toEqual([
      ALL,
      `a [HTTPRoute,GRPCRoute] 0: ${ALL} OverlappingTLSConfig=True/OverlappingHostnames`,
      `b [HTTPRoute,GRPCRoute] 0: ${ALL}`,
      `c [HTTPRoute,GRPCRoute] 0: ${ALL} OverlappingTLSConfig=True/OverlappingHostnames`,
    ]);
  });

  it('is not accepted with parameters, and nothing of it is served', () => {
    const text = gatewayText(`[${HTTP}]`, ', infrastructure: {parametersRef: {group: a.test, kind: A, name: a}}');
    expect(linesOf(statusOf(text))).toEqual([
      'Accepted=False/InvalidParameters Programmed=False/Invalid ResolvedRefs',
      'http [HTTPRoute,GRPCRoute] 0: Accepted Programmed=False/Invalid ResolvedRefs',
    ]);
    expect(pilotOf(text).model.kubernetesGateways.served.size).toBe(0);
  });

  it.each([
    [
      'of an unknown type',
      '{type: NamedAddress, value: a}',
      'Accepted=False/UnsupportedAddress Programmed=False/Invalid',
    ],
    ['that it cannot have', '{value: 10.0.0.1}', 'Accepted Programmed=False/AddressNotUsable'],
    ['that it has', '{value: 127.0.0.1}', 'Accepted Programmed'],
  ])('with an address %s', (_, address, expected) => {
    const text = gatewayText(`[${HTTP}]`, `, addresses: [${address}]`);
    expect(linesOf(statusOf(text))[0]).toBe(`${expected} ResolvedRefs`);
  });

  it('has the addresses of the gateways that its Service selects', () => {
    const text = gatewayText(
      `[${HTTP}]`,
      ', addresses: [{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}]',
    );
    const ingress = gatewayOf({}, { ...INGRESS_GATEWAY, address: '127.0.0.7' });
    const status = pilotOf(text, RUNNING, ingress).model.statuses.get(GATEWAY);
    expect(linesOf(status)[0]).toBe(ALL);
    expect(status).toMatchObject({ addresses: [{ type: 'IPAddress', value: '127.0.0.7' }] });
  });

  it.each([
    ['that is not there', '{name: gone}', '', 'InvalidClientCertificateRef'],
    ['of another kind', '{kind: Other, name: own}', secretText('own'), 'InvalidClientCertificateRef'],
    ['that is no PEM', '{name: own}', secretText('own', 'default', 'nonsense'), 'InvalidClientCertificateRef'],
    ['that is not granted', '{name: own, namespace: other}', secretText('own', 'other'), 'RefNotPermitted'],
  ])('with a certificate for backends %s', (_, ref, more, reason) => {
    const text = gatewayText(`[${HTTP}]`, `, tls: {backend: {clientCertificateRef: ${ref}}}`) + more;
    expect(linesOf(statusOf(text))[0]).toBe(`Accepted Programmed ResolvedRefs=False/${reason}`);
  });

  it('counts the routes that each listener has, served or not, and none that is not accepted', () => {
    const listeners = `[${HTTP}, {name: https, port: 443, protocol: HTTPS, hostname: a.test, tls: {certificateRefs: [{name: gone}]}}]`;
    const route = (name: string, hostname: string, rules = '[{}]') =>
      objectText('HTTPRoute', name, `{parentRefs: [{name: web}], hostnames: [${hostname}], rules: ${rules}}`);
    const refused = '[{filters: [{type: ExtensionRef, extensionRef: {group: a.test, kind: A, name: a}}]}]';
    const status = statusOf(
      gatewayText(listeners) + route('a', 'a.test') + route('b', 'b.test') + route('c', 'a.test', refused),
    );
    expect(status).toMatchObject({
      listeners: [
        { name: 'http', attachedRoutes: 2 },
        { name: 'https', attachedRoutes: 1 },
      ],
    });
  });
});

describe('a ListenerSet', () => {
  const set = (name: string, listeners: string, namespace = 'default') =>
    objectText('ListenerSet', name, `{parentRef: {name: web, namespace: default}, listeners: ${listeners}}`, namespace);
  const gateway = (from: string, more = '') =>
    gatewayText(
      '[{name: own, port: 80, protocol: HTTP, hostname: own.test}]',
      `, allowedListeners: {namespaces: {from: ${from}}}${more}`,
    );
  const listener = (name: string, hostname: string, protocol = 'HTTP') =>
    `{name: ${name}, port: 80, protocol: ${protocol}, hostname: ${hostname}}`;

  it('is refused where the Gateway does not allow its namespace', () => {
    const { statuses } = pilotOf(
      gateway('Same') +
        set('near', `[${listener('a', 'a.test')}]`) +
        set('far', `[${listener('b', 'b.test')}]`, 'other'),
      RUNNING,
    ).model;
    expect(linesOf(statuses.get('ListenerSet/default/near'))).toEqual([
      'Accepted Programmed',
      `a [HTTPRoute,GRPCRoute] 0: ${ALL}`,
    ]);
    expect(linesOf(statuses.get('ListenerSet/other/far'))).toEqual([
      'Accepted=False/NotAllowed Programmed=False/NotAllowed',
    ]);
    expect(statuses.get(GATEWAY)).toMatchObject({ attachedListenerSets: 1 });
  });

  it('is accepted with one valid listener, and gives way to what was there before it', () => {
    const { statuses } = pilotOf(
      gateway('Same') +
        set('a', `[${listener('own', 'own.test')}, ${listener('first', 'shared.test')}]`) +
        set('b', `[${listener('second', 'shared.test')}]`) +
        set('c', '[{name: tcp, port: 80, protocol: TCP}]'),
      RUNNING,
    ).model;
    const conflict = (reason: string) =>
      `Accepted=False/${reason} Programmed=False/${reason} ResolvedRefs Conflicted=True/${reason}`;
    expect(linesOf(statuses.get('ListenerSet/default/a'))).toEqual([
      'Accepted=True/ListenersNotValid Programmed',
      `own [HTTPRoute,GRPCRoute] 0: ${conflict('HostnameConflict')}`,
      `first [HTTPRoute,GRPCRoute] 0: ${ALL}`,
    ]);
    expect(linesOf(statuses.get('ListenerSet/default/b'))).toEqual([
      'Accepted=False/ListenersNotValid Programmed=False/ListenersNotValid',
      `second [HTTPRoute,GRPCRoute] 0: ${conflict('HostnameConflict')}`,
    ]);
    expect(linesOf(statuses.get('ListenerSet/default/c'))).toEqual([
      'Accepted=False/ListenersNotValid Programmed=False/ListenersNotValid',
      `tcp [TCPRoute] 0: ${conflict('ProtocolConflict')}`,
    ]);
    expect(linesOf(statuses.get(GATEWAY))).toEqual([ALL, `own [HTTPRoute,GRPCRoute] 0: ${ALL}`]);
    expect(statuses.get(GATEWAY)).toMatchObject({ attachedListenerSets: 1 });
  });

  it('is not accepted where its only listener has no certificate', () => {
    const text = '[{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: own, namespace: far}]}}]';
    const { statuses } = pilotOf(gateway('Same') + set('a', text) + secretText('own', 'far'), RUNNING).model;
    expect(linesOf(statuses.get('ListenerSet/default/a'))).toEqual([
      'Accepted=False/ListenersNotValid Programmed=False/ListenersNotValid',
      'https [HTTPRoute,GRPCRoute] 0: Accepted Programmed=False/Invalid ResolvedRefs=False/RefNotPermitted',
    ]);
  });

  it('is not accepted with its Gateway', () => {
    const parameters = ', infrastructure: {parametersRef: {group: a.test, kind: A, name: a}}';
    const { statuses } = pilotOf(gateway('Same', parameters) + set('a', `[${listener('a', 'a.test')}]`), RUNNING).model;
    expect(linesOf(statuses.get('ListenerSet/default/a'))[0]).toBe(
      'Accepted=False/ParentNotAccepted Programmed=False/ParentNotAccepted',
    );
    expect(statuses.get(GATEWAY)).toMatchObject({ attachedListenerSets: 0 });
  });
});

describe('a route', () => {
  const LISTENERS = `[
    {name: http, port: 80, protocol: HTTP, hostname: "*.a.test"},
    {name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}, {name: tcp, port: 9000, protocol: TCP}]`;
  const statusOf = (kind: string, spec: string, namespace = 'default') =>
    pilotOf(
      gatewayText(LISTENERS) +
        objectText(kind, 'route', spec, namespace) +
        serviceText('b', '[{port: 80}]') +
        serviceText('far', '[{port: 80}]', { namespace: 'far' }),
      RUNNING,
    ).model.statuses.get(`${kind}/${namespace}/route`);

  const PARENT = 'parentRefs: [{name: web, namespace: default}]';
  it.each([
    ['HTTPRoute', 'no such listener', '{parentRefs: [{name: web, sectionName: gone}]}', 'NoMatchingParent'],
    ['HTTPRoute', 'no such port', '{parentRefs: [{name: web, port: 81}]}', 'NoMatchingParent'],
    [
      'HTTPRoute',
      'the name of another port',
      '{parentRefs: [{name: web, sectionName: http, port: 81}]}',
      'NoMatchingParent',
    ],
    ['HTTPRoute', 'no shared host', `{${PARENT}, hostnames: [b.test]}`, 'NoMatchingListenerHostname'],
    ['GRPCRoute', 'no shared host', `{${PARENT}, hostnames: [b.test]}`, 'NoMatchingListenerHostname'],
    ['HTTPRoute', 'a listener for others', '{parentRefs: [{name: web, sectionName: tls}]}', 'NotAllowedByListeners'],
    [
      'TLSRoute',
      'a listener for others',
      '{parentRefs: [{name: web, sectionName: http}], hostnames: [x.test], rules: [{backendRefs: [{name: b, port: 80}]}]}',
      'NotAllowedByListeners',
    ],
    [
      'TCPRoute',
      'a listener for others',
      '{parentRefs: [{name: web, sectionName: http}], rules: [{backendRefs: [{name: b, port: 80}]}]}',
      'NotAllowedByListeners',
    ],
  ])('%s that is not accepted: %s', (kind, _, spec, reason) => {
    expect(linesOf(statusOf(kind, spec))).toEqual([`web: Accepted=False/${reason} ResolvedRefs`]);
  });

  it('of another namespace is not allowed, unless a listener says so', () => {
    expect(linesOf(statusOf('HTTPRoute', `{${PARENT}}`, 'other'))).toEqual([
      'web: Accepted=False/NotAllowedByListeners ResolvedRefs',
    ]);
  });

  it.each([
    ['a Service that is not there', '{name: gone, port: 80}', 'BackendNotFound'],
    ['a port that is not there', '{name: b, port: 81}', 'BackendNotFound'],
    ['an unknown kind', '{group: a.test, kind: A, name: b, port: 80}', 'InvalidKind'],
    ['a Service that is not granted', '{name: far, namespace: far, port: 80}', 'RefNotPermitted'],
  ])('leads to %s', (_, ref, reason) => {
    const rules = `rules: [{backendRefs: [${ref}]}]`;
    const expected = [`web: Accepted ResolvedRefs=False/${reason}`];
    expect(linesOf(statusOf('HTTPRoute', `{${PARENT}, ${rules}}`))).toEqual(expected);
    expect(linesOf(statusOf('GRPCRoute', `{${PARENT}, ${rules}}`))).toEqual(expected);
    expect(linesOf(statusOf('TCPRoute', `{${PARENT}, ${rules}}`))).toEqual(expected);
    expect(linesOf(statusOf('TLSRoute', `{${PARENT}, hostnames: [x.test], ${rules}}`))).toEqual(expected);
  });

  it('says how it stands with each parent, and who says it', () => {
    const parentRefs =
      '[{name: web}, {group: "", kind: Service, name: b, port: 80}, {group: "", kind: Service, name: b, port: 1}]';
    const status = statusOf('HTTPRoute', `{parentRefs: ${parentRefs}}`);
    expect(linesOf(status)).toEqual([
      'web: Accepted ResolvedRefs',
      'b: Accepted ResolvedRefs',
      'b: Accepted=False/NoMatchingParent ResolvedRefs',
    ]);
    expect(status).toMatchObject({
      parents: [1, 2, 3].map(() => ({ controllerName: 'lateen.dev/gateway-controller' })),
    });
  });

  it('says nothing of parents that are not there, or that others serve', () => {
    expect(statusOf('HTTPRoute', '{parentRefs: [{name: gone}, {group: a.test, kind: A, name: web}]}')).toBeUndefined();
  });

  const UNKNOWN = '{filters: [{type: ExtensionRef, extensionRef: {group: a.test, kind: A, name: a}}]}';

  it('is not accepted if no rule can be obeyed', () => {
    expect(linesOf(statusOf('HTTPRoute', `{${PARENT}, rules: [${UNKNOWN}]}`))).toEqual([
      'web: Accepted=False/UnsupportedValue ResolvedRefs',
    ]);
  });

  it('is partially invalid if some rules cannot', () => {
    const status = statusOf('HTTPRoute', `{${PARENT}, rules: [{backendRefs: [{name: b, port: 80}]}, ${UNKNOWN}]}`);
    expect(linesOf(status)).toEqual(['web: Accepted ResolvedRefs PartiallyInvalid=True/UnsupportedValue']);
    const [parent] = status !== undefined && 'parents' in status ? status.parents : [];
    expect(parent?.conditions.at(-1)?.message).toMatch(/^Dropped Rule spec\.rules\[1\], .* ExtensionRef /);
  });
});

describe('a BackendTLSPolicy', () => {
  const policy = (name: string, ref: string) =>
    objectText(
      'BackendTLSPolicy',
      name,
      `{targetRefs: [{group: "", kind: Service, name: b}], validation: {hostname: b.test, caCertificateRefs: [${ref}]}}`,
    );
  const authorities = `---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: ca}, data: {ca.crt: ${PEM}}}\n`;
  const mesh =
    gatewayText('[{name: http, port: 80, protocol: HTTP}]') +
    objectText('HTTPRoute', 'a', '{parentRefs: [{name: web}], rules: [{backendRefs: [{name: b, port: 80}]}]}') +
    serviceText('b', '[{port: 80}]') +
    authorities;
  const statusOf = (text: string, name: string) =>
    pilotOf(text, RUNNING).model.statuses.get(`BackendTLSPolicy/default/${name}`);

  it('stands with each Gateway whose routes lead to its target', () => {
    const status = statusOf(mesh + policy('a', '{group: "", kind: ConfigMap, name: ca}'), 'a');
    expect(linesOf(status)).toEqual(['web: Accepted ResolvedRefs']);
    expect(status).toMatchObject({
      ancestors: [
        {
          ancestorRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default', name: 'web' },
          controllerName: 'lateen.dev/gateway-controller',
        },
      ],
    });
  });

  it.each([
    ['{group: "", kind: ConfigMap, name: gone}', 'InvalidCACertificateRef'],
    ['{group: a.test, kind: Other, name: ca}', 'InvalidKind'],
  ])('with authorities %s', (ref, reason) => {
    expect(linesOf(statusOf(mesh + policy('a', ref), 'a'))).toEqual([
      `web: Accepted=False/NoValidCACertificate ResolvedRefs=False/${reason}`,
    ]);
  });

  it('gives way to another one for the same target', () => {
    const ref = '{group: "", kind: ConfigMap, name: ca}';
    const text = mesh + policy('a', ref) + policy('b', ref);
    expect(linesOf(statusOf(text, 'a'))).toEqual(['web: Accepted ResolvedRefs']);
    expect(linesOf(statusOf(text, 'b'))).toEqual(['web: Accepted=False/Conflicted ResolvedRefs']);
  });

  it('has no status where no Gateway is concerned', () => {
    expect(
      statusOf(serviceText('b', '[{port: 80}]') + policy('a', '{group: "", kind: ConfigMap, name: ca}'), 'a'),
    ).toBeUndefined();
  });
});
