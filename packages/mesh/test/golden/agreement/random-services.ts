import type { ConfigObject } from '@lateen/api/kinds.ts';
import fc from 'fast-check';
import { parseDocuments } from '#pilot/config/parse.ts';
import { hostCovers } from '#pilot/model/hostname.ts';
import type { Call } from '../call-file.ts';
import type { GoldenCase } from '../case-file.ts';
import { fillInOutside, type Outside } from '../placeholders.ts';

/**
 * Services that objects of Istio declare, gateways with and without TLS, and rules for connections: so few names that they
 * often meet. What is not valid is left out.
 */

const CLIENTS = ['client', 'client.other'];
const EXACT = ['a.test', 'b.test', 'echo.default.svc.cluster.local'];
const WILD = ['*.w.test', '*.dynamic.localhost'];
/** Hosts that calls are for. */
const CALLED = [...EXACT, ...EXACT, 'x.w.test', 'y.x.w.test', 'one.dynamic.localhost', 'nobody.test', 'A.Test'];
const NAMESPACES = ['default', 'default', 'other'];
const NAMES = ['one', 'two', 'three'];

/** Ports under which calls are made, beside those of the plain servers. */
const PORTS = { http: 80, any: 81, tls: 443, tcp: 9000 } as const;

/** Service ports for which sidecars of clients have a listener, if there is such a service. */
export function listenersOf(outside: Outside): string[] {
  const known = EXACT.flatMap((host) => Object.values(PORTS).map((port) => `${host}:${port}`));
  const wild = [
    '*.w.test:80',
    '*.w.test:443',
    '*.dynamic.localhost:OUTSIDE_PORT',
    '*.dynamic.localhost:OUTSIDE_PORT_3',
  ];
  return [...known, ...wild.map((each) => fillInOutside(each, outside))];
}

const workload = (name: string, namespace: string, ports: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: app, image: example/app, ports: [${ports}]}]}
---`;

const INPUT = `${workload('client', 'default', '')}${workload('client', 'other', '')}
${workload('echo', 'default', '{containerPort: 8080, name: any}')}
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: echo}
  ports: [{name: http, port: 80, targetPort: any}, {name: any, port: 81, targetPort: any}, {name: tcp, port: 9000, targetPort: any}]
---
# The gateway has these ports, whatever is random.
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ports}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 80, name: http, protocol: HTTP}, hosts: [unused.test]}
    - {port: {number: 443, name: tls, protocol: TLS}, hosts: [unused.test], tls: {mode: PASSTHROUGH}}
    - {port: {number: 9000, name: tcp, protocol: TCP}, hosts: [unused.test]}
---
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: istio-system}
stringData: {tls.crt: $CERTIFICATE(server), tls.key: $KEY(server)}
`;

/** So that every host leads somewhere; what is random comes before these by name. */
const LAST = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: z-static}
spec:
  hosts: ["*.w.test", a.test]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: tls, protocol: TLS}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: OUTSIDE_PORT, tls: OUTSIDE_PORT_3}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: z-dns}
spec:
  hosts: [b.test]
  ports:
    - {number: 80, name: http, protocol: HTTP}
    - {number: 81, name: any}
    - {number: 443, name: tls, protocol: TLS}
    - {number: 9000, name: tcp, protocol: TCP}
  resolution: DNS
  endpoints: [{address: localhost, ports: {http: OUTSIDE_PORT, any: OUTSIDE_PORT_2, tls: OUTSIDE_PORT_3, tcp: OUTSIDE_PORT_2}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: z-dynamic}
spec:
  hosts: ["*.dynamic.localhost"]
  ports:
    - {number: OUTSIDE_PORT, name: http, protocol: HTTP}
    - {number: OUTSIDE_PORT_3, name: tls, protocol: TLS}
  resolution: DYNAMIC_DNS
`;

/** Clients in two namespaces, an application, and a server with TLS outside of the mesh. */
export const SERVICE_MESH: GoldenCase = {
  name: 'agreement',
  folder: '',
  input: INPUT,
  proxies: undefined,
  down: [],
  failing: [],
  greeting: [],
  impostors: new Map(),
  diagnostics: [],
  calls: [],
  atMs: Date.UTC(2026, 0, 1),
  certificates: new Map([
    ['server', { names: ['server.test'], authority: 'test', algorithm: 'ecdsa' }],
    ['gateway', { names: ['gateway.test'], authority: 'test', algorithm: 'ecdsa' }],
  ]),
  tls: new Map([['outside-3', 'server']]),
};

const exportTo = fc.constantFrom<readonly string[]>([], [], [], [], ['*'], ['.'], ['other'], ['~']);
const named = { name: fc.constantFrom(...NAMES), namespace: fc.constantFrom(...NAMESPACES) };

const knownPorts = fc
  .tuple(
    fc.subarray(
      [
        { number: PORTS.any, name: 'any', protocol: '' },
        { number: PORTS.tls, name: 'tls', protocol: 'TLS' },
        { number: PORTS.tcp, name: 'tcp', protocol: 'TCP' },
      ],
      { minLength: 0 },
    ),
    fc.constantFrom('HTTP', 'HTTP', 'GRPC', 'HTTP2', ''),
  )
  .map(([others, protocol]) => [{ number: PORTS.http, name: 'http', protocol }, ...others]);

const targets = fc.constantFrom<Record<string, string>>(
  { http: 'OUTSIDE_PORT', any: 'OUTSIDE_PORT', tls: 'OUTSIDE_PORT_3', tcp: 'OUTSIDE_PORT' },
  { http: 'OUTSIDE_PORT_2', any: 'OUTSIDE_PORT_2', tls: 'OUTSIDE_PORT_3', tcp: 'OUTSIDE_PORT_2' },
);

const endpoint = fc.record({ address: fc.constantFrom('127.0.0.1', 'localhost'), ports: targets });

const hosts = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...EXACT, '*.w.test').map((host) => [host]) },
  fc.uniqueArray(fc.constantFrom(...EXACT, '*.w.test'), { minLength: 2, maxLength: 3 }),
);

const withEndpoints = fc
  .record({
    ...named,
    hosts,
    ports: knownPorts,
    resolution: fc.constantFrom('STATIC', 'STATIC', 'DNS', 'DNS', 'DNS_ROUND_ROBIN'),
    location: fc.constantFrom('MESH_EXTERNAL', 'MESH_INTERNAL'),
    backing: fc.oneof(
      { weight: 2, arbitrary: fc.array(endpoint, { minLength: 1, maxLength: 2 }) },
      fc.constantFrom({ app: 'echo' }, { kind: 'machine' }, { kind: 'machine', version: 'v1' }),
    ),
    exportTo,
  })
  .map(({ name, namespace, backing, ...spec }) => {
    const isKnown = (port: string) => spec.ports.some((each) => each.name === port);
    const own = Array.isArray(backing)
      ? {
          endpoints: backing.map(({ address, ports }) => ({
            // Names are for DNS.
            address: spec.resolution === 'STATIC' ? '127.0.0.1' : address,
            ports: Object.fromEntries(Object.entries(ports).filter(([port]) => isKnown(port))),
          })),
        }
      : { workloadSelector: { labels: backing } };
    return object('ServiceEntry', name, namespace, { ...spec, ...own });
  });

const byName = fc
  .record({
    ...named,
    hosts: fc.constantFrom(['*.dynamic.localhost'], ['*.dynamic.localhost'], ['one.dynamic.localhost']),
    ports: fc.constantFrom(
      [{ number: 'OUTSIDE_PORT', name: 'http', protocol: 'HTTP' }],
      [
        { number: 'OUTSIDE_PORT_2', name: 'http', protocol: 'HTTP' },
        { number: 'OUTSIDE_PORT_3', name: 'tls', protocol: 'TLS' },
      ],
    ),
    resolution: fc.constantFrom('DYNAMIC_DNS', 'DYNAMIC_DNS', 'NONE', 'DNS'),
    exportTo,
  })
  .map(({ name, namespace, ...spec }) => object('ServiceEntry', `${name}-dynamic`, namespace, spec));

const workloadEntry = fc
  .record({
    ...named,
    address: fc.constant('127.0.0.1'),
    labels: fc.constantFrom<Record<string, string>>({ kind: 'machine' }, { kind: 'machine', version: 'v1' }),
    ports: targets,
  })
  .map(({ name, namespace, ...spec }) => object('WorkloadEntry', name, namespace, spec));

const serverHost = fc.constantFrom(
  '*',
  '*',
  '*.test',
  'a.test',
  '*.w.test',
  '*.dynamic.localhost',
  './*',
  'other/b.test',
);

const gateway = fc
  .record({
    ...named,
    servers: fc.uniqueArray(
      fc.record({
        how: fc.constantFrom<{ number: number; protocol: string; tls?: object }>(
          { number: PORTS.http, protocol: 'HTTP' },
          { number: PORTS.http, protocol: 'HTTP', tls: { httpsRedirect: true } },
          { number: PORTS.tls, protocol: 'HTTPS', tls: { mode: 'SIMPLE', credentialName: 'cert' } },
          { number: PORTS.tls, protocol: 'TLS', tls: { mode: 'PASSTHROUGH' } },
          { number: PORTS.tls, protocol: 'TLS', tls: { mode: 'PASSTHROUGH' } },
          { number: PORTS.tcp, protocol: 'TCP' },
        ),
        hosts: fc.uniqueArray(serverHost, { minLength: 1, maxLength: 2 }),
      }),
      { selector: ({ how }) => `${how.number}${how.protocol}`, minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ name, namespace, servers }) =>
    object('Gateway', name, namespace, {
      selector: { istio: 'ingressgateway' },
      servers: servers.map(({ how: { number, protocol, ...tls }, hosts }, index) => ({
        port: { number, name: `p${index}`, protocol },
        hosts,
        ...tls,
      })),
    }),
  );

const ruleHosts = fc.uniqueArray(fc.constantFrom(...EXACT, ...WILD, 'x.w.test', '*.test'), {
  minLength: 1,
  maxLength: 3,
});
const gatewayNames = fc.constantFrom(...NAMES, ...NAMES.flatMap((name) => [`default/${name}`, `other/${name}`]));
const gateways = fc
  .tuple(fc.subarray(['mesh']), fc.uniqueArray(gatewayNames, { maxLength: 5 }))
  .map(([mesh, others]) => [...mesh, ...others]);

/** Somewhere that speaks what the port is for. */
function destinationTo(...ports: readonly (number | string)[]) {
  return fc
    .record({
      host: fc.constantFrom(...EXACT, '*.w.test', '*.dynamic.localhost'),
      number: fc.constantFrom(...ports),
      plainPort: fc.constantFrom('OUTSIDE_PORT', 'OUTSIDE_PORT_2'),
    })
    .map(({ host, number, plainPort }) => {
      if (host !== '*.dynamic.localhost') return { host, port: { number } };
      return { host, port: { number: number === PORTS.tls ? 'OUTSIDE_PORT_3' : plainPort } };
    });
}

function routesTo(...ports: readonly (number | string)[]) {
  return fc.array(fc.record({ destination: destinationTo(...ports), weight: fc.integer({ min: 1, max: 2 }) }), {
    minLength: 1,
    maxLength: 2,
  });
}

const httpRule = fc
  .record({
    match: fc.constantFrom<readonly object[]>(
      [],
      [{ uri: { prefix: '/x' } }],
      [{ port: PORTS.http }],
      [{ gateways: ['mesh'] }],
      [{ sourceNamespace: 'other' }],
      [{ authority: { prefix: 'x.' } }],
    ),
    route: routesTo(PORTS.http, PORTS.http, PORTS.any),
    authority: fc.option(fc.constantFrom('two.dynamic.localhost', 'c.test', 'c.test:99'), { freq: 4 }),
  })
  .map(({ authority, ...rule }) => (authority === null ? rule : { ...rule, rewrite: { authority } }));

const tlsRule = fc.record({
  match: fc.uniqueArray(
    fc.record(
      {
        sniHosts: fc.uniqueArray(fc.constantFrom('a.test', 'b.test', '*.w.test', 'x.w.test', '*.dynamic.localhost'), {
          minLength: 1,
          maxLength: 2,
        }),
        port: fc.constantFrom(443, 8443),
        sourceLabels: fc.constantFrom({ app: 'client' }, { app: 'nobody' }),
        sourceNamespace: fc.constantFrom('default', 'other'),
      },
      { requiredKeys: ['sniHosts'] },
    ),
    { minLength: 1, maxLength: 2 },
  ),
  route: routesTo(PORTS.tls),
});

/** Not for ports of TLS, which plain servers would wait for in vain. */
const tcpRule = fc.record({
  match: fc.constantFrom<readonly object[]>(
    [{ port: PORTS.tcp }],
    [{ port: PORTS.any }, { port: PORTS.tcp }],
    [{ sourceSubnet: '127.0.0.0/8', port: PORTS.tcp }],
    [{ destinationSubnets: ['10.0.0.0/8'], port: PORTS.tcp }],
    [{ sourceLabels: { app: 'nobody' }, port: PORTS.any }],
  ),
  route: routesTo(PORTS.tcp, PORTS.any),
});

const virtualService = fc
  .record(
    {
      ...named,
      hosts: ruleHosts,
      gateways,
      http: fc.array(httpRule, { minLength: 1, maxLength: 3 }),
      tls: fc.array(tlsRule, { minLength: 1, maxLength: 2 }),
      tcp: fc.array(tcpRule, { minLength: 1, maxLength: 2 }),
      exportTo: fc.constantFrom<readonly string[]>([], [], ['.'], ['istio-system', '.']),
    },
    { requiredKeys: ['name', 'namespace', 'hosts', 'gateways', 'exportTo'] },
  )
  .map(({ name, namespace, tls, ...spec }) => {
    // Only the VirtualService's own hosts are allowed there.
    const covered = (tls ?? []).map(({ match, route }) => ({
      route,
      match: match.map(({ sniHosts, ...others }) => {
        const own = sniHosts.filter((sni) => spec.hosts.some((each) => hostCovers(each, sni)));
        return { ...others, sniHosts: own.length > 0 ? own : spec.hosts };
      }),
    }));
    return object('VirtualService', name, namespace, { ...spec, ...(tls === undefined ? {} : { tls: covered }) });
  });

const anyObject = fc.oneof(
  { weight: 4, arbitrary: withEndpoints },
  { weight: 2, arbitrary: byName },
  workloadEntry,
  { weight: 2, arbitrary: gateway },
  { weight: 4, arbitrary: virtualService },
);

function object(kind: string, name: string, namespace: string, spec: unknown): unknown {
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec };
}

/** Objects of a mesh, of which the later ones stand in the place of earlier ones with their names. */
export function randomObjects(seed: number, outside: Outside): ConfigObject[] {
  const [drawn = []] = fc.sample(fc.array(anyObject, { minLength: 20, maxLength: 40 }), { seed, numRuns: 1 });
  // Ports are numbers there.
  const texts = drawn.map((each) => JSON.stringify(each).replaceAll(/"(OUTSIDE_PORT(?:_[23])?)"/g, '$1'));
  return [LAST, ...texts].flatMap((text) => {
    const { objects } = parseDocuments(fillInOutside(text, outside), 'random.yaml', { defaultNamespace: 'default' });
    return objects.map(({ object }) => object);
  });
}

const host = fc.constantFrom(...CALLED);
const from = fc.constantFrom(...CLIENTS);
const path = fc.constantFrom('/', '/x');
const protocol = fc.constantFrom('http1' as const, 'http1' as const, 'http2' as const);

type Written = Pick<Call, 'from' | 'url'> & Partial<Call>;

const anyCall: fc.Arbitrary<Written> = fc.oneof(
  fc
    .record({ from, host, path, protocol, port: fc.constantFrom('', '', ':81', ':OUTSIDE_PORT', ':OUTSIDE_PORT_2') })
    .map(({ host, port, path, ...call }): Written => ({ ...call, url: `http://${host}${port}${path}` })),
  fc
    .record({ from, host: fc.constantFrom(...EXACT), path, protocol, port: fc.constantFrom(PORTS.http, PORTS.any) })
    .map(
      ({ host, port, path, ...call }): Written => ({
        ...call,
        via: 'service-port',
        url: `http://${host}:${port}${path}`,
      }),
    ),
  fc.record({ from, host: fc.constantFrom(...EXACT), port: fc.constantFrom(PORTS.tcp, PORTS.any) }).map(
    ({ host, port, from: client }): Written => ({
      from: client,
      via: 'service-port',
      protocol: 'tcp',
      url: `tcp://${host}:${port}`,
      body: 'a line',
    }),
  ),
  fc.record({ from, host, port: fc.constantFrom('', '', ':OUTSIDE_PORT_3') }).map(
    ({ from: client, host, port }): Written => ({
      from: client,
      via: 'connect',
      url: `https://${host}${port}/`,
      tls: {},
    }),
  ),
  fc
    .record({ from, host, path })
    .map(({ from: client, host, path }): Written => ({ from: client, via: 'connect', url: `http://${host}${path}` })),
  fc.record({ host, path, protocol, port: fc.constantFrom('', ':8080') }).map(
    ({ host, path, port, ...call }): Written => ({
      ...call,
      from: 'gateway',
      url: `http://${host}${path}`,
      headers: new Map([['host', `${host}${port}`]]),
    }),
  ),
  fc
    .record({ host, path, protocol })
    .map(({ host, path, ...call }): Written => ({ ...call, from: 'gateway', url: `https://${host}${path}`, tls: {} })),
  fc.constant<Written>({ from: 'gateway', protocol: 'tcp', url: 'tcp://gateway:9000', body: 'a line' }),
);

export function randomCalls(seed: number, count: number): Call[] {
  return fc.sample(anyCall, { seed, numRuns: count }).map((call, index) => ({
    name: String(index),
    method: 'GET',
    headers: new Map(),
    via: 'http-proxy',
    protocol: 'http1',
    upstream: [],
    count: 1,
    expect: {},
    ...call,
  }));
}
