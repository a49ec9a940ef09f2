import { nodeIdOf } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';

const CLIENT = sidecarOf('client', {
  capture: { mode: 'explicit', httpProxyPort: 1, servicePorts: { 'a.default.svc.cluster.local:80': 2 } },
});
const GATEWAY = gatewayOf({ 80: 10 });
const A = serviceText('a', '[{port: 80, name: http, targetPort: 8080}]');
const FRONT = networkingText(
  'Gateway',
  'front',
  '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}',
);

function rule(gateway: string, ...settings: readonly string[]): string {
  const each = settings.map((setting) => `${setting}, route: [{destination: {host: a}}]`);
  return networkingText('VirtualService', 'a', `{hosts: [a], gateways: [${gateway}], http: [{${each.join('}, {')}}]}`);
}

/** The filters of routes that the chains of a proxy have, by listener. */
function filtersOf(text: string, instance = CLIENT): Record<string, readonly string[]> {
  const { resolved } = pilotOf(FRONT + A + text, CLIENT, GATEWAY);
  const listeners = resolved.own.get(nodeIdOf(instance))?.listeners ?? [];
  return Object.fromEntries(
    listeners.map(({ name, chains }) => [
      name,
      chains.flatMap(({ handler }) => (handler.type === 'http' ? (handler.http.routeFilters ?? []) : [])),
    ]),
  );
}

const FAULT = 'fault: {abort: {httpStatus: 503}}';
const CORS = 'corsPolicy: {allowOrigins: [{exact: a}]}';
const both = (filters: readonly string[]) => ({
  'outbound|http_proxy': filters,
  'outbound|80||a.default.svc.cluster.local': filters,
});

describe('the filters of routes', () => {
  it('are in no chain when no rule asks for them', () => {
    expect(filtersOf('')).toEqual({ ...both([]), 'inbound|8080': [] });
    expect(Object.values(filtersOf('', GATEWAY)).flat()).toEqual([]);
  });

  it('are in all outbound chains, and no inbound one, when a rule for sidecars asks for them', () => {
    expect(filtersOf(rule('mesh', FAULT, CORS))).toEqual({ ...both(['cors', 'fault']), 'inbound|8080': [] });
    expect(Object.values(filtersOf(rule('mesh', FAULT), GATEWAY)).flat()).toEqual([]);
  });

  it('are in the chains of a gateway when its own rules ask for them', () => {
    expect(filtersOf(rule('front', FAULT))).toEqual({ ...both([]), 'inbound|8080': [] });
    expect(new Set(Object.values(filtersOf(rule('front', FAULT), GATEWAY)).flat())).toEqual(new Set(['fault']));
  });

  it('are there when an EnvoyFilter names them', () => {
    const filter = networkingText(
      'EnvoyFilter',
      'mine',
      '{configPatches: [{applyTo: HTTP_FILTER, match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.cors}}}}}, patch: {operation: REMOVE}}]}',
    ).replace('networking.istio.io/v1,', 'networking.istio.io/v1alpha3,');
    expect(filtersOf(filter)).toEqual({ ...both(['cors']), 'inbound|8080': [] });
    expect(new Set(Object.values(filtersOf(filter, GATEWAY)).flat())).toEqual(new Set(['cors']));
  });

  it('of gRPC-Web are where the port says so', () => {
    const text = serviceText('a', '[{port: 80, name: grpc-web, targetPort: 8080}]');
    const { resolved } = pilotOf(text, CLIENT);
    const inbound = resolved.own.get(nodeIdOf(CLIENT))?.listeners.find(({ name }) => name === 'inbound|8080');
    for (const { handler } of inbound?.chains ?? []) {
      expect(handler).toMatchObject({ http: { routeFilters: ['grpc-web'] } });
    }
  });
});
