import type { ExplainRequest } from '@lateen/api/admin.ts';
import type {
  ActionVerdict,
  ClusterVerdict,
  End,
  EndpointVerdict,
  HashVerdict,
  HeaderChange,
  Hop,
  HttpTarget,
  Journey,
  ProxyVerdict,
  RouteChoice,
  RouteTrial,
  Share,
  TcpTarget,
  VerdictRequest,
  VerdictSource,
} from '@lateen/api/verdict.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { stringify } from 'yaml';
import { parseCallUrl } from '#pilot/explain/call-url.ts';
import { type Output, printable } from '../terminal.ts';
import type { Verification } from './verify.ts';

/** More endpoints of one cluster are counted only. */
const MAX_ENDPOINTS = 5;

/** What becomes of a request, for people or for machines. */
export function printJourney(
  output: Output,
  request: ExplainRequest,
  journey: Journey,
  format: 'json' | 'yaml' | undefined,
  verified?: Verification,
): void {
  const all = verified === undefined ? journey : { ...journey, verified };
  if (format === 'json') output.write(`${JSON.stringify(all, null, 2)}\n`);
  else if (format === 'yaml') output.write(stringify(all, { aliasDuplicateObjects: false, lineWidth: 0 }));
  else output.write(`${journeyLines(request, journey, verified).map(printable).join('\n')}\n`);
}

function journeyLines(request: ExplainRequest, journey: Journey, verified: Verification | undefined): string[] {
  return [
    `${request.method} ${request.url} from ${journey.start.proxy}`,
    ...request.headers.map(([name, value]) => `  ${name}: ${value}`),
    '',
    ...hopLines(journey.start, parseCallUrl(request.url).path),
    'Ends',
    ...journey.outcomes.map(({ share, end }) => `  ${percent(share)}  ${endText(end)}`),
    ...journey.unknowns.map(({ what, where }) => `  not known: what ${what} does (${where})`),
    ...(verified === undefined ? [] : ['', `${verified.agrees ? 'Verified' : 'DISAGREES'}: ${verified.message}`]),
  ];
}

/** What a proxy does with the requests that come to it. */
interface ShownHop {
  readonly proxy: string;
  readonly lines: readonly string[];
}

/** Replicas mostly do the same, and only their ports differ: then it is shown once for all. */
function hopLines(start: Hop, path: string): string[] {
  const groups = new Map<string, ShownHop[]>();
  for (const hop of hopsOf(start, path)) {
    const key = hop.lines.join('\n').replaceAll(/:\d+/g, '').replaceAll(hop.proxy, '');
    groups.set(key, [...(groups.get(key) ?? []), hop]);
  }
  return [...groups.values()].flatMap(([first, ...others]) => {
    const alike = others.length === 0 ? '' : `, and alike ${others.map(({ proxy }) => proxy).join(', ')}`;
    return [`${first?.proxy}${alike}`, ...indented(first?.lines ?? []), ''];
  });
}

/** A proxy, and behind it those that it leads to; each is shown once. */
function hopsOf(start: Hop, path: string): ShownHop[] {
  const found = new Map<string, ShownHop>();
  const visit = ({ proxy, verdict, next }: Hop) => {
    const key = `${proxy} ${verdict.at}`;
    if (found.has(key)) return;
    found.set(key, { proxy, lines: proxyLines(verdict, found.size === 0 ? path : undefined) });
    for (const { to } of next) {
      if (to.type === 'hop') visit(to.hop);
      else if (to.refusedBy !== undefined) visit(to.refusedBy);
    }
  };
  visit(start);
  return [...found.values()];
}

/** @param sent the path as the client sent it, where that is known */
function proxyLines({ at, listener, chain, handling }: ProxyVerdict, sent: string | undefined): string[] {
  if (listener === null) return [`nobody listens at ${at}`];
  const lines = [
    `listener ${listener.name} at ${at}${places(listener.sources)}`,
    ...listener.otherChains.map(({ name, reason }) => `  - chain ${name}: ${reason}`),
    ...(chain === null ? ['  no filter chain fits'] : [`  + chain ${chain.name}${tlsText(chain.tls)}`]),
  ];
  switch (handling.type) {
    case 'closed':
    case 'undecided':
      return [...lines, `${handling.type}: ${handling.reason}`];
    case 'tcp':
      return [...lines, ...handling.tcp.targets.flatMap(tcpTargetLines)];
    case 'http': {
      const { virtualHost, routes, choices, request } = handling.http;
      const normalized = sent !== undefined && request.method !== 'CONNECT' && request.path !== sent;
      return [
        ...lines,
        ...(normalized ? [`path ${sent} becomes ${request.path}`] : []),
        virtualHost === null
          ? 'no virtual host is for this host'
          : `virtual host ${virtualHost.name} (${virtualHost.domain})${places(virtualHost.sources)}`,
        ...routes.flatMap((route) => indented(routeLines(route))),
        ...choices.flatMap((choice) => choiceLines(choice, handling.http.request, choices.length > 1)),
      ];
    }
  }
}

function tlsText(tls: { readonly clientCertificate: string } | null): string {
  return tls === null ? '' : `, TLS ends here, client certificate ${tls.clientCertificate}`;
}

const MARKS = { yes: '+', no: '-', sometimes: '~', undecided: '?' } as const;

function routeLines({ name, match, matched, reason, sources }: RouteTrial): string[] {
  const first = `${MARKS[matched]} ${name}: ${match}${places(sources)}`;
  return reason === undefined ? [first] : [first, `    ${matched === 'no' ? 'no, ' : ''}${reason}`];
}

function choiceLines(choice: RouteChoice, asked: VerdictRequest, several: boolean): string[] {
  const { fault, cors, action, share } = choice;
  return [
    ...(several ? [`in ${percent(share).trim()} of all cases`] : []),
    ...(fault?.delay === undefined ? [] : [`fault: ${percent(fault.delay.share).trim()} wait ${fault.delay.ms} ms`]),
    ...(fault?.abort === undefined
      ? []
      : [
          `fault: ${percent(fault.abort.share).trim()} are answered with ${fault.abort.grpcStatus === undefined ? fault.abort.status : `gRPC status ${fault.abort.grpcStatus}`}`,
        ]),
    ...(cors === undefined ? [] : [`CORS: the origin ${cors.origin} is ${cors.allowed ? 'allowed' : 'not allowed'}`]),
    ...actionLines(action, asked),
  ];
}

function actionLines(action: ActionVerdict, asked: VerdictRequest): string[] {
  switch (action.type) {
    case 'undecided':
      return [`undecided: ${action.reason}`];
    case 'respond':
      return [
        `answers with ${action.status} (${action.reason})`,
        ...action.headers.map(([name, value]) => `  ${name}: ${value}`),
      ];
    case 'forward': {
      const { targets, mirrors, timeoutMs, retry } = action;
      return [
        ...(timeoutMs === undefined ? [] : [`timeout ${timeoutMs} ms`]),
        ...(retry === undefined
          ? []
          : [
              `retries ${retry.attempts} on ${[...retry.conditions, ...retry.statusCodes].join(', ')}` +
                (retry.perTryTimeoutMs === undefined ? '' : `, ${retry.perTryTimeoutMs} ms each`),
            ]),
        ...targets.flatMap((target) => targetLines(target, asked)),
        ...mirrors.flatMap(({ share, cluster }) => [
          `a copy of ${percent(share).trim()}:`,
          ...clusterLines(cluster, share),
        ]),
      ];
    }
  }
}

function targetLines({ share, cluster, request, responseHeaders, hash }: HttpTarget, asked: VerdictRequest): string[] {
  const changes = [
    ...(request.path === asked.path ? [] : [`path ${asked.path} becomes ${request.path}`]),
    ...(request.authority === asked.authority ? [] : [`host ${asked.authority} becomes ${request.authority}`]),
  ];
  const answer = responseHeaders.filter(({ name }) => !name.startsWith(OWN_HEADERS)).map(changeText);
  return [
    ...clusterLines(cluster, share),
    ...indented([
      ...changes,
      ...(answer.length === 0 ? [] : [`headers of the answer: ${answer.join(', ')}`]),
      ...hashLines(cluster, hash),
    ]),
  ];
}

function tcpTargetLines({ share, cluster, hash }: TcpTarget): string[] {
  return [...clusterLines(cluster, share), ...indented(hashLines(cluster, hash))];
}

/**
 * What decides on the endpoint. Which one that is follows from the addresses of all that are healthy at the moment, so it is
 * not said.
 */
function hashLines({ loadBalancer }: ClusterVerdict, hash: readonly HashVerdict[]): string[] {
  // Others than these look at nothing of the call.
  if (hash.length === 0 || !['ring-hash', 'maglev'].includes(loadBalancer)) return [];
  const by = hash.map((each) => {
    if (each.type === 'source') return 'source address';
    const isMissing = each.type !== 'other' && !each.value;
    return `${each.type} ${each.name}${isMissing ? ' (which the request lacks)' : ''}`;
  });
  const decides = hash.some((each) => each.type === 'source' || each.type === 'other' || Boolean(each.value));
  return [
    `the endpoint is chosen by ${by.join(', ')}`,
    decides
      ? '  requests that agree in it go to the same one as long as that is healthy; which one is not computed'
      : '  so each request goes to any of them',
  ];
}

/** What Lateen's proxies say to each other. */
const OWN_HEADERS = 'x-lateen-';

function changeText({ action, name, value }: HeaderChange): string {
  if (action === 'remove') return `without ${name}`;
  return `${action === 'append' ? 'added ' : ''}${name}: ${value ?? '(made up)'}`;
}

function clusterLines(
  { name, kind, protocol, loadBalancer, endpoints, sources }: ClusterVerdict,
  share: Share,
): string[] {
  const title = `${percent(share)}  cluster ${name}${places(sources)}`;
  if (kind === 'missing') return [title, '      which the proxy does not have'];
  if (endpoints.length === 0 && kind === 'eds') return [title, '      which has no endpoint'];
  const more = endpoints.length - MAX_ENDPOINTS;
  return [
    title,
    `      ${protocol}, ${loadBalancer}`,
    ...endpoints.slice(0, MAX_ENDPOINTS).map((endpoint) => `      ${endpointText(endpoint)}`),
    ...(more > 0 ? [`      and ${more} more`] : []),
  ];
}

function endpointText({ address, instance, tls, proxyProtocol }: EndpointVerdict): string {
  const where =
    address.type === 'socket'
      ? `${address.host}:${address.port}`
      : address.type === 'pipe'
        ? `unix:${address.path}`
        : `its own listener ${address.listener}`;
  const how =
    tls === null
      ? 'plaintext'
      : tlsTo(
          tls.identities.map(({ value }) => value),
          tls.clientCertificate,
        );
  return [where, instance, how, proxyProtocol === undefined ? undefined : `PROXY protocol ${proxyProtocol}`]
    .filter((part) => part !== undefined)
    .join(', ');
}

function tlsTo(identities: readonly string[], mutual: boolean): string {
  return `${mutual ? 'mutual TLS' : 'TLS'}${identities.length === 0 ? '' : ` with ${identities.join(' or ')}`}`;
}

export function endText(end: End): string {
  switch (end.type) {
    case 'application':
      return `the application of ${end.instance} answers, on port ${end.port}`;
    case 'outside':
      return `goes to ${end.host}:${end.port}, outside of the mesh`;
    case 'answer':
      return `is answered with ${end.status} by a proxy: ${end.reason}`;
    case 'closed':
      return `the connection is closed: ${end.reason}`;
    case 'undecided':
      return `cannot be said: ${end.reason}`;
  }
}

/** `  (reviews.yaml:12)`; for an object that was not written in a file, its name. */
function places(sources: readonly VerdictSource[]): string {
  const all = sources.map(({ kind, namespace, name, file, line }) =>
    file === undefined ? `${writtenKind(kind)} ${namespace}/${name}` : line === undefined ? file : `${file}:${line}`,
  );
  return all.length === 0 ? '' : `  (${[...new Set(all)].join(', ')})`;
}

function percent(share: Share): string {
  return `${Math.round(share * 1000) / 10} %`.padStart(5);
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
