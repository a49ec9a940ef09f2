import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { describe, expect, it } from 'vitest';
import { gatewayOf, networkingText, pilotOf, serviceText, sidecarOf } from '../testing/pilot-of.ts';
import { encodeListener } from '../xds/encode-resource.ts';
import { printResource } from '../xds/print-resource.ts';

const SERVICES = serviceText('a', '[{port: 80, name: http}, {port: 81, name: any}]');
const GATEWAY = networkingText(
  'Gateway',
  'edge',
  '{selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}',
);

function mesh(...lines: readonly string[]): string {
  const text = lines.map((line) => `    ${line}\n`).join('');
  return `---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n${text}`;
}

const redirected = sidecarOf('server', {
  address: '10.1.0.1',
  ports: [],
  capture: { mode: 'redirect', interception: 'redirect' },
});

function held(text: string, instance: WorkloadInstance) {
  const { resolved } = pilotOf(text, instance);
  const id = nodeIdOf(instance);
  const shared = [...(resolved.shared.get(id)?.listeners.values() ?? [])].map((key) => resolved.listeners.get(key));
  const listeners = [...shared, ...(resolved.own.get(id)?.listeners ?? [])].filter((each) => each !== undefined);
  return { listeners, clusters: resolved.own.get(id)?.clusters ?? [], shared: resolved.shared.get(id) };
}

describe('what the mesh says', () => {
  it('of the ports that connections are redirected to', () => {
    const { listeners } = held(SERVICES + mesh('proxyListenPort: 1', 'proxyInboundListenPort: 2'), redirected);
    const ports = listeners.filter(({ name }) => name.startsWith('virtual')).map(({ name, port }) => [name, port]);
    expect(ports).toEqual([
      ['virtualOutbound', 1],
      ['virtualInbound', 2],
    ]);
  });

  it('of an HTTP proxy, where connections are redirected', () => {
    const { listeners, shared } = held(SERVICES + mesh('proxyHttpPort: 3128'), redirected);
    expect(listeners.find(({ name }) => name === '127.0.0.1_3128')).toMatchObject({ address: '127.0.0.1', port: 3128 });
    expect(shared?.tables.has('127.0.0.1_3128')).toBe(true);
    const explicit = sidecarOf('client');
    expect(held(SERVICES + mesh('proxyHttpPort: 3128'), explicit).listeners.map(({ port }) => port)).not.toContain(
      3128,
    );
  });

  it('of where applications are met', () => {
    const address = (text: string) =>
      held(SERVICES + text, redirected).clusters.find(({ name }) => name === 'inbound|80||');
    expect(address('')).toMatchObject({ address: '10.1.0.1', sourceAddress: '127.0.0.6' });
    const local = address(mesh('inboundTrafficPolicy: {mode: LOCALHOST}'));
    expect(local).toMatchObject({ address: '127.0.0.1' });
    expect(local).not.toHaveProperty('sourceAddress');
  });

  it('of the time that first bytes are waited for', () => {
    const timeouts = (text: string) =>
      new Map(held(SERVICES + text, redirected).listeners.map((each) => [each.name, each.detectionTimeoutMs]));
    expect(timeouts('').get('0.0.0.0_81')).toBeUndefined();
    expect(timeouts(mesh('protocolDetectionTimeout: 250ms')).get('0.0.0.0_81')).toBe(250);
    expect(timeouts(mesh('protocolDetectionTimeout: 250ms')).get('virtualInbound')).toBe(250);
  });

  it('of TLS with others counts where a server of a gateway says nothing', () => {
    const server = (more: string, number: number) =>
      `{port: {number: ${number}, name: p${number}, protocol: HTTPS}, hosts: ["*"], tls: {credentialName: c, ${more}}}`;
    const gateway = networkingText(
      'Gateway',
      'secure',
      `{selector: {istio: ingressgateway}, servers: [${server('mode: SIMPLE', 443)}, ${server('mode: SIMPLE, maxProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]', 444)}]}`,
    );
    const parameters = (text: string) =>
      held(SERVICES + gateway + text, gatewayOf({ 443: 8443, 444: 8444 })).listeners.flatMap(({ chains }) =>
        chains.flatMap(({ tls }) => (tls?.type === 'certificate' ? tls.parameters : [])),
      );
    const own = { maxVersion: '1.2', cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] };
    expect(parameters('')).toEqual([{}, own]);
    const tls = mesh(
      'tlsDefaults: {minProtocolVersion: TLSV1_3, ecdhCurves: [X25519], cipherSuites: [ECDHE-RSA-AES256-GCM-SHA384]}',
    );
    expect(parameters(tls)).toEqual([
      { minVersion: '1.3', ecdhCurves: ['X25519'], cipherSuites: ['ECDHE-RSA-AES256-GCM-SHA384'] },
      { ...own, ecdhCurves: ['X25519'] },
    ]);
    expect(parameters(mesh('meshMTLS: {minProtocolVersion: TLSV1_2}'))).toEqual([{}, own]);
  });

  it('of gateways is for gateways alone', () => {
    const text = mesh('defaultConfig:', '  gatewayTopology: {numTrustedProxies: 2, proxyProtocol: {}}');
    const printed = (instance: WorkloadInstance) =>
      held(SERVICES + GATEWAY + text, instance).listeners.map((listener) => printResource(encodeListener(listener)));
    expect(JSON.stringify(printed(gatewayOf({ 80: 8080 })))).toMatch(
      /proxy_protocol.*"xff_num_trusted_hops":2|"xff_num_trusted_hops":2.*proxy_protocol/,
    );
    expect(JSON.stringify(printed(sidecarOf('client')))).not.toMatch(/proxy_protocol|xff_num_trusted_hops/);
  });
});
