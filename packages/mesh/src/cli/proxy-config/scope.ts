import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import type { AskedHost, HeldService, ProxyScope, ScopeReason } from '@lateen/api/proxy-scope.ts';
import type { Filters, View } from './view.ts';

export function scopeView(scope: ProxyScope, { fqdn, port }: Filters, nowMs: number): View {
  const isWanted = (host: string, ports: readonly (number | undefined)[]) =>
    (fqdn === undefined || fqdn === host) && (port === undefined || ports.includes(port));
  const services = scope.services.filter(({ host, ports }) =>
    isWanted(
      host,
      ports.map((each) => each.port),
    ),
  );
  const unknown = scope.unknown.filter((each) => isWanted(each.host, [each.port]));
  return {
    titles: ['host', 'namespace', 'ports', 'why'],
    rows: [
      ...services.map((service) => [
        service.host,
        service.namespace,
        service.ports.map(({ port: number, protocol }) => `${number}/${protocol}`).join(', '),
        why(service, nowMs),
      ]),
      ...unknown.map((each) => [
        each.host,
        '',
        each.port === undefined ? '' : String(each.port),
        `${askedText(each, nowMs)}; no service that the workload sees`,
      ]),
    ],
    document: { ...scope, services, unknown },
  };
}

function why({ reasons }: HeldService, nowMs: number): string {
  return reasons.map((reason) => reasonText(reason, nowMs)).join('; ');
}

function reasonText(reason: ScopeReason, nowMs: number): string {
  switch (reason.type) {
    case 'namespace':
      return 'all of the mesh that the namespace sees';
    case 'listed':
      return `listed by ${objectText(reason.by)}`;
    case 'asked':
      return askedText(reason, nowMs);
    case 'always':
      return `always: ${alwaysText(reason)}`;
    case 'route':
      return `route of ${objectText(reason.of)} leads there`;
    case 'alias':
      return `${reason.host} stands for it`;
    case 'egress-proxy':
      return `${objectText(reason.of)} sends calls of other hosts there`;
  }
}

function alwaysText(reason: Extract<ScopeReason, { readonly type: 'always' }>): string {
  if ('ports' in reason) {
    return reason.ports.map(({ port, protocol }) => `port ${port} is ${protocolText(protocol)}`).join(', ');
  }
  return reason.because === 'pattern' ? 'its host is a pattern' : 'each call says where it goes';
}

function protocolText(protocol: string): string {
  return protocol === 'detect' ? 'of no protocol that is declared' : protocol.toUpperCase();
}

function askedText({ host, askedAt, onTrialSince }: AskedHost, nowMs: number): string {
  const asked = askedAt === undefined ? '' : `, ${age(nowMs - Date.parse(askedAt))} ago`;
  const trial = onTrialSince === undefined ? '' : `, on trial since ${onTrialSince}`;
  return `asked for as ${host}${asked}${trial}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function age(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  return ms < DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : `${Math.floor(ms / DAY_MS)} d`;
}

function objectText({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}
