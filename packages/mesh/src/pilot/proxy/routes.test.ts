import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import type { Pilot } from '../pilot.ts';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import type { RouteTableIr } from './ir/route.ts';
import { HTTP_PROXY_TABLE } from './routes.ts';

const A = serviceText('a', '[{port: 80, name: http}]');
const B = serviceText('b', '[{port: 9080, name: http}]');
const SEVERAL = serviceText('several', '[{port: 80, name: http}, {port: 81, name: http-two}]');

/** The table that a proxy holds under a name. */
function tableOf(name: string, { resolved }: Pilot, proxy: WorkloadInstance): RouteTableIr | undefined {
  return resolved.tables.get(resolved.shared.get(nodeIdOf(proxy))?.tables.get(name) ?? '');
}

/** A replica with a listener for a service port. */
function caller(servicePort: string): WorkloadInstance {
  return sidecarOf('client', {
    capture: { mode: 'explicit', httpProxyPort: 20_002, servicePorts: { [servicePort]: 20_003 } },
  });
}

/** Where the routes of a table lead to, by the first domain of their virtual host. */
function leadsTo(table: RouteTableIr | undefined, domain: string): string[] {
  const host = table?.virtualHosts.find(({ domains }) => domains.includes(domain));
  if (host === undefined) throw new Error(`no virtual host has the domain ${domain}`);
  return host.routes.flatMap(({ action }) =>
    action.type === 'forward' ? action.destinations.map(({ cluster, weight }) => `${cluster} ${weight}`) : [],
  );
}

describe('the table of the HTTP proxy', () => {
  const domainsIn = (namespace: string, text: string) => {
    const client = sidecarOf('client', { namespace });
    return tableOf(HTTP_PROXY_TABLE, pilotOf(text, client), client)?.virtualHosts.flatMap(({ domains }) => domains);
  };

  it('has the short name in the own namespace only, and the port unless it is 80', () => {
    expect(domainsIn('default', A)).toEqual([
      ...['a', 'a:80', 'a.default', 'a.default:80', 'a.default.svc', 'a.default.svc:80'],
      ...['a.default.svc.cluster.local', 'a.default.svc.cluster.local:80', '*'],
    ]);
    expect(domainsIn('other', B)).toEqual([
      ...['b.default:9080', 'b.default.svc:9080', 'b.default.svc.cluster.local:9080', '*'],
    ]);
  });

  it('has what is exported to the namespace of the client', () => {
    const text = (exportTo: string) =>
      `---\n{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {networking.istio.io/exportTo: '${exportTo}'}}, spec: {ports: [{port: 81}]}}\n`;
    const seen = (namespace: string, exportTo: string) => (domainsIn(namespace, text(exportTo)) ?? []).length > 1;
    expect([seen('default', '.'), seen('other', '.')]).toEqual([true, false]);
    expect([seen('default', 'other, third'), seen('other', 'other, third')]).toEqual([false, true]);
    expect([seen('default', '~'), seen('default', '*'), seen('other', '*')]).toEqual([false, true, true]);
  });

  it('never has one domain twice', () => {
    const rules = networkingText(
      'VirtualService',
      'x',
      '{hosts: [a.default, a.other.svc, elsewhere], http: [{route: [{destination: {host: b}}]}]}',
    );
    const text = A + serviceText('a', '[{port: 80, name: http}]', { namespace: 'other' }) + B + SEVERAL + rules;
    const domains = domainsIn('default', text) ?? [];
    expect(new Set(domains).size).toBe(domains.length);
    expect(domains).toContain('elsewhere.default.svc.cluster.local');
  });

  it('has hosts that only rules know, for the clients that see a rule', () => {
    const rules = (exportTo: string) =>
      networkingText(
        'VirtualService',
        'x',
        `{hosts: [old.example.com, '*.example.com'], exportTo: ['${exportTo}'], http: [{route: [{destination: {host: b}}]}]}`,
      );
    const others = (namespace: string, exportTo: string) =>
      domainsIn(namespace, B + rules(exportTo))?.filter((domain) => domain.includes('example'));
    const all = ['*.example.com', '*.example.com:80', 'old.example.com', 'old.example.com:80'];
    expect(others('default', '*')).toEqual(all);
    expect(others('default', '.')).toEqual(all);
    expect(others('other', '.')).toEqual([]);
  });
});

describe('routes to a service', () => {
  const routesOf = (name: string, text: string) => {
    const client = caller(name);
    return tableOf(name, pilotOf(text, client), client);
  };

  it('leave destinations without weight out, and keep the weights of the others', () => {
    const rules = networkingText(
      'VirtualService',
      'a',
      '{hosts: [a], http: [{route: [{destination: {host: a}, weight: 3}, {destination: {host: b}, weight: 0}, {destination: {host: b}, weight: 1}]}]}',
    );
    expect(leadsTo(routesOf('a.default.svc.cluster.local:80', A + B + rules), '*')).toEqual([
      'outbound|80||a.default.svc.cluster.local 3',
      'outbound|9080||b.default.svc.cluster.local 1',
    ]);
  });

  it('go to the only port of the destination, or to the one that was asked for', () => {
    const rules = (destination: string) =>
      networkingText('VirtualService', 'x', `{hosts: [several], http: [{route: [{destination: ${destination}}]}]}`);
    const table = 'several.default.svc.cluster.local:81';
    const text = SEVERAL + B;
    expect(leadsTo(routesOf(table, text + rules('{host: b}')), '*')).toEqual([
      'outbound|9080||b.default.svc.cluster.local 1',
    ]);
    expect(leadsTo(routesOf(table, text + rules('{host: several}')), '*')).toEqual([
      'outbound|81||several.default.svc.cluster.local 1',
    ]);
    expect(leadsTo(routesOf(table, text + rules('{host: several, port: {number: 80}}')), '*')).toEqual([
      'outbound|80||several.default.svc.cluster.local 1',
    ]);
  });

  it('are named after the rule that they come from', () => {
    const rules = networkingText(
      'VirtualService',
      'rules',
      '{hosts: [a], http: [{match: [{uri: {exact: /x}}, {uri: {exact: /y}}], route: [{destination: {host: a}}]}, {route: [{destination: {host: a}}]}]}',
    );
    const [host] = routesOf('a.default.svc.cluster.local:80', A + rules)?.virtualHosts ?? [];
    expect(host?.routes.map(({ name }) => name)).toEqual([
      'default/rules http[0].match[0]',
      'default/rules http[0].match[1]',
      'default/rules http[1]',
    ]);
  });

  it('have the names of rule and match behind that', () => {
    const rules = networkingText(
      'VirtualService',
      'rules',
      '{hosts: [a], http: [{name: canary, match: [{name: mobile, uri: {exact: /x}}, {uri: {exact: /y}}], redirect: {uri: /}}, {match: [{name: lonely}], redirect: {uri: /}}]}',
    );
    const [host] = routesOf('a.default.svc.cluster.local:80', A + rules)?.virtualHosts ?? [];
    expect(host?.routes.map(({ name }) => name)).toEqual([
      'default/rules http[0].match[0] canary.mobile',
      'default/rules http[0].match[1] canary',
      'default/rules http[1].match[0] lonely',
    ]);
  });

  it('for every request come last, whichever of several rule sets they are in', () => {
    const set = (name: string, http: string) => networkingText('VirtualService', name, `{hosts: [a], http: ${http}}`);
    const answer = 'directResponse: {status: 200}';
    const text =
      A +
      set('x', `[{match: [{uri: {regex: '/.*'}}, {port: 80}, {uri: {prefix: /x}}], ${answer}}, {${answer}}]`) +
      set('y', `[{match: [{uri: {prefix: /}, queryParams: {q: {}}}], ${answer}}, {match: [{port: 81}], ${answer}}]`);
    const [host] = routesOf('a.default.svc.cluster.local:80', text)?.virtualHosts ?? [];
    expect(host?.routes.map(({ name }) => name)).toEqual([
      'default/x http[0].match[2]',
      'default/y http[0].match[0]',
      'default/x http[0].match[0]',
      'default/x http[0].match[1]',
      'default/x http[1]',
    ]);
  });

  it('of another protocol than HTTP know no rules', () => {
    const tcp = serviceText('a', '[{port: 80, name: tcp}]');
    const rules = networkingText('VirtualService', 'x', '{hosts: [a], http: [{redirect: {uri: /}}]}');
    const client = caller('a.default.svc.cluster.local:80');
    const pilot = pilotOf(tcp + rules, client);
    expect(leadsTo(tableOf(HTTP_PROXY_TABLE, pilot, client), 'a')).toEqual([
      'outbound|80||a.default.svc.cluster.local 1',
    ]);
    expect(tableOf('a.default.svc.cluster.local:80', pilot, client)).toBeUndefined();
  });
});

describe('rules that not every client sees', () => {
  const rules = (service: string, spec: string) =>
    networkingText('VirtualService', service, `{hosts: [${service}, ${service}.test], ${spec}}`);
  const PRIVATE = "exportTo: ['.'], http: [{directResponse: {status: 200}}]";
  const hostOf = (pilot: Pilot, proxy: WorkloadInstance, domain: string) =>
    tableOf(HTTP_PROXY_TABLE, pilot, proxy)?.virtualHosts.find(({ domains }) => domains.includes(domain));

  it('are resolved once for all who see the same, and stay as they are when others change', () => {
    const one = sidecarOf('one');
    const two = sidecarOf('two', { labels: { app: 'two' } });
    const far = sidecarOf('far', { namespace: 'other' });
    // The label that b's rules ask for puts the clients into two classes.
    const asking = rules('b', 'http: [{match: [{sourceLabels: {app: two}}], directResponse: {status: 200}}]');
    const pilot = pilotOf(A + B + rules('a', PRIVATE) + asking, one, two, far);
    const before = { a: hostOf(pilot, one, 'a'), test: hostOf(pilot, one, 'a.test') };
    expect(before.a?.routes.map(({ name }) => name)).toEqual(['connect', 'default/a http[0]']);
    expect(before.test?.routes.map(({ name }) => name)).toEqual(['connect', 'default/a http[0]']);
    expect(hostOf(pilot, two, 'a')).toBe(before.a);
    expect(hostOf(pilot, two, 'a.test')).toBe(before.test);
    expect(hostOf(pilot, far, 'a.default')?.routes.map(({ name }) => name)).toEqual(['connect', 'default']);
    expect(hostOf(pilot, far, 'a.test')).toBeUndefined();
    expect(hostOf(pilot, one, 'b:9080')).not.toEqual(hostOf(pilot, two, 'b:9080'));

    pilot.objects.delete('VirtualService/default/b');
    expect(hostOf(pilot, one, 'a')).toBe(before.a);
    expect(hostOf(pilot, one, 'a.test')).toBe(before.test);
  });

  it('give way to those for a wider pattern that the client sees', () => {
    const wide = networkingText(
      'VirtualService',
      'wide',
      "{hosts: ['*.default.svc.cluster.local'], http: [{directResponse: {status: 201}}]}",
    );
    const near = sidecarOf('near');
    const far = sidecarOf('far', { namespace: 'other' });
    const pilot = pilotOf(A + rules('a', PRIVATE) + wide, near, far);
    expect(hostOf(pilot, near, 'a')?.routes.at(-1)?.name).toBe('default/a http[0]');
    expect(hostOf(pilot, far, 'a.default')?.routes.at(-1)?.name).toBe('default/wide http[0]');
  });
});

describe('a redirect that keeps the port of the request', () => {
  it.each([
    ['{uri: /x, derivePort: FROM_REQUEST_PORT}', undefined],
    ['{authority: b.test, derivePort: FROM_REQUEST_PORT}', 9080],
    ['{scheme: https, derivePort: FROM_REQUEST_PORT}', 9080],
    ['{authority: b.test, derivePort: FROM_PROTOCOL_DEFAULT}', undefined],
    ['{scheme: https, derivePort: FROM_PROTOCOL_DEFAULT}', 443],
    ['{derivePort: FROM_PROTOCOL_DEFAULT}', 80],
    ['{authority: b.test}', undefined],
  ])('%s has the port %s', (redirect, port) => {
    const rules = networkingText('VirtualService', 'x', `{hosts: [b], http: [{redirect: ${redirect}}]}`);
    const client = caller('b.default.svc.cluster.local:9080');
    const table = tableOf('b.default.svc.cluster.local:9080', pilotOf(B + rules, client), client);
    const action = table?.virtualHosts[0]?.routes[0]?.action;
    expect(action?.type === 'redirect' ? action.port : 'no redirect').toBe(port);
  });
});

describe('a gateway', () => {
  const front = (hosts: string, name = 'front', selector = '{istio: ingressgateway}') =>
    networkingText(
      'Gateway',
      name,
      `{selector: ${selector}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ${hosts}}, {port: {number: 8081, name: more, protocol: HTTP}, hosts: ['*']}]}`,
    );
  const rules = networkingText(
    'VirtualService',
    'x',
    '{hosts: [a.test], gateways: [front, back], http: [{route: [{destination: {host: a}}]}]}',
  );
  const ownOf = (text: string, hostPorts: Record<number, number> = { 80: 8080, 8081: 8081 }) => {
    const gateway = gatewayOf(hostPorts);
    const own = pilotOf(text, gateway).resolved.own.get(nodeIdOf(gateway));
    if (own === undefined) throw new Error('the gateway has no fragments');
    return own;
  };

  it('opens the ports for which it has one of the host', () => {
    const { listeners, tables } = ownOf(A + front("['*']") + rules, { 80: 8080 });
    expect(listeners.map(({ name, port }) => `${name} at ${port}`)).toEqual(['gateway|80 at 8080']);
    expect(tables.map(({ name }) => name)).toEqual(['http.80']);
  });

  it('serves a rule set once, also if two Gateways bring it', () => {
    const { tables } = ownOf(A + front("['*', 'a.test']") + front("['*.test']", 'back') + rules);
    const [table] = tables;
    expect(table?.virtualHosts.map(({ domains }) => domains)).toEqual([['a.test']]);
    expect(leadsTo(table, 'a.test')).toEqual(['outbound|80||a.default.svc.cluster.local 1']);
  });

  it('takes the matches for those Gateways that bring the host', () => {
    const some = networkingText(
      'VirtualService',
      'x',
      '{hosts: [a.test, b.test], gateways: [front, back], http: [{match: [{gateways: [front]}], directResponse: {status: 200}}, {directResponse: {status: 404}}]}',
    );
    const [table] = ownOf(front('[a.test]') + front('[a.test, b.test]', 'back') + some, { 80: 8080 }).tables;
    expect(table?.virtualHosts.map(({ domains, routes }) => [...domains, ...routes.map(({ name }) => name)])).toEqual([
      ['a.test', 'default/x http[0].match[0]', 'default/x http[1]'],
      ['b.test', 'default/x http[1]'],
    ]);
  });

  describe('redirects', () => {
    const redirect = (text: string) => networkingText('VirtualService', 'x', text);
    const both =
      "---\n{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: front}, spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}, {port: {number: 443, name: https, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, credentialName: a}}]}}\n";
    /** To which port those of each listener lead; undefined: it is not said. */
    const portsOf = (action: string, hostPorts: Record<number, number>) =>
      ownOf(
        both + redirect(`{hosts: [a.test], gateways: [front], http: [{redirect: ${action}}]}`),
        hostPorts,
      ).tables.map(({ virtualHosts }) => {
        const found = virtualHosts[0]?.routes.find(({ action }) => action.type === 'redirect')?.action;
        return found?.type === 'redirect' ? found.port : undefined;
      });
    const asWritten = { 80: 80, 443: 443 };
    const onLaptop = { 80: 8080, 443: 8443 };

    it('to the port of the scheme that it took the request in', () => {
      expect(portsOf('{derivePort: FROM_PROTOCOL_DEFAULT}', asWritten)).toEqual([80, 443]);
      expect(portsOf('{derivePort: FROM_PROTOCOL_DEFAULT}', onLaptop)).toEqual([8080, 8443]);
    });

    it('to the other scheme, where its listener is found', () => {
      expect(portsOf('{scheme: https}', asWritten)).toEqual([undefined, undefined]);
      expect(portsOf('{scheme: https}', onLaptop)).toEqual([8443, 8443]);
      expect(portsOf('{scheme: https, derivePort: FROM_REQUEST_PORT}', onLaptop)).toEqual([8080, 8443]);
    });

    it('to what is written, and to other hosts, as it is written', () => {
      expect(portsOf('{scheme: https, port: 443}', onLaptop)).toEqual([443, 443]);
      expect(portsOf('{scheme: https, authority: b.test}', onLaptop)).toEqual([undefined, undefined]);
    });

    const GATEWAY_SERVICE = serviceText('gateway', '[{port: 80, name: http}]', { selector: '{istio: ingressgateway}' });
    const web = (listeners: string) => `---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web},
 spec: {gatewayClassName: lateen, addresses: [{type: Hostname, value: gateway}], listeners: [${listeners}]}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web},
 spec: {parentRefs: [{name: web}], rules: [
  {matches: [{path: {value: /a}}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]},
  {matches: [{path: {value: /b}}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: b.test}}]},
  {matches: [{path: {value: /c}}], filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}]}]}}
`;
    it.each([
      ['a laptop', { 80: 8080, 443: 8443 }, { '/a': 8443, '/b': undefined, '/c': undefined }],
      ['ports as written', { 80: 80, 443: 443 }, { '/a': undefined, '/b': undefined, '/c': undefined }],
      ['a laptop without HTTPS', { 80: 8080 }, { '/a': undefined, '/b': undefined, '/c': undefined }],
    ])('of the Gateway API on %s', (_, hostPorts, expected) => {
      const { tables } = ownOf(GATEWAY_SERVICE + web('{name: http, port: 80, protocol: HTTP}'), hostPorts);
      const routes = tables[0]?.virtualHosts[0]?.routes ?? [];
      const ports = routes.map(({ match: { path }, action }) => [
        'value' in path ? path.value : '',
        action.type === 'redirect' ? action.port : action.type,
      ]);
      expect(Object.fromEntries(ports)).toStrictEqual(expected);
    });
  });

  it('that no proxy is, opens nothing', () => {
    expect(ownOf(A + front("['*']", 'front', '{istio: other}') + rules)).toEqual({
      secrets: [],
      clusters: [],
      listeners: [],
      tables: [],
    });
  });
});
