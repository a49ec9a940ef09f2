import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderChange, JourneyOutcome, VerdictHeader } from '@lateen/api/verdict.ts';
import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import { applyChange } from '#pilot/simulator/http/header-operations.ts';
import type { Answer } from '../client.ts';
import type { EchoReport } from '../echo-application.ts';

/** What became of a request, as far as the simulator can tell before. */
export interface Fate {
  readonly status?: number | undefined;
  readonly body?: string | undefined;
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** If an application got it. */
  readonly seen?: {
    readonly instance: string;
    readonly method: string;
    readonly path: string;
    readonly host: string;
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** Headers of answers that rules and filters set; everything else is up to Envoy, Node.js and the application. */
const RESPONSE_HEADERS = /^(?:x-r-.*|location|grpc-status|access-control-.*)$/;
/** Headers of requests that clients, Node.js and Envoy set by themselves. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|x-echo-.*|x-request-id|x-forwarded-(?:for|client-cert)|x-envoy-(?!original-path).*)$/;

export function expectedFate(outcome: JourneyOutcome, instances: readonly WorkloadInstance[]): Fate {
  const { end, request, responseHeaders, responseChanges, body } = outcome;
  const headers = [...responseHeaders];
  for (const change of responseChanges) applyChange(headers, new Set(), change as HeaderChange);
  const kept = select(headers, (name) => RESPONSE_HEADERS.test(name));
  if (end.type === 'answer') {
    const ownBody = end.by === 'route' ? { body: body ?? '' } : {};
    return { status: end.status, responseHeaders: { ...kept, ...grpcStatus(end.grpcStatus) }, ...ownBody };
  }
  const instance =
    end.type === 'application' ? instances.find((each) => instanceKey(each) === end.instance) : undefined;
  if (instance === undefined || request === undefined)
    return { body: `undecided: ${JSON.stringify(end)}`, responseHeaders: kept };
  const { method, path, authority } = request;
  return {
    status: 200,
    responseHeaders: kept,
    seen: {
      instance: instance.name,
      method,
      path,
      host: authority,
      headers: select(request.headers, (name) => !OWN_HEADERS.test(name)),
    },
  };
}

function grpcStatus(status: number | undefined): Record<string, string> {
  return status === undefined ? {} : { 'grpc-status': String(status) };
}

export function actualFate(answer: Answer): Fate {
  if (answer.type === 'failure') return { body: `failed: ${answer.reason}`, responseHeaders: {} };
  const report = reportOf(answer.body);
  const responseHeaders = select(pairs(answer.headers), (name) => RESPONSE_HEADERS.test(name));
  if (report === undefined) return { status: answer.status, body: answer.body, responseHeaders };
  const { instance, method = '', path = '', host = '', headers = {} } = report;
  const kept = select(Object.entries(headers), (name) => !OWN_HEADERS.test(name));
  return { status: answer.status, responseHeaders, seen: { instance, method, path, host, headers: kept } };
}

/** Whether what happened is what was foretold. What is not foretold (the body of an error) does not count. */
export function agrees(expected: Fate, actual: Fate): boolean {
  const { body, ...rest } = actual;
  return sorted(expected) === sorted(expected.body === undefined ? rest : actual);
}

function sorted(fate: Fate): string {
  return JSON.stringify(fate, (_, value: unknown) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** As Node.js joins headers that are there several times. */
function select(headers: readonly VerdictHeader[], wanted: (name: string) => boolean): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!wanted(name)) continue;
    kept[name] = kept[name] === undefined ? value : `${kept[name]}, ${value}`;
  }
  return kept;
}

function pairs(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ]);
}

function reportOf(body: string): EchoReport | undefined {
  try {
    // In the frame of a gRPC message, for those who ask for gRPC.
    const report = JSON.parse(body.slice(body.indexOf('{"'))) as Partial<EchoReport>;
    return typeof report.instance === 'string' ? (report as EchoReport) : undefined;
  } catch {
    return undefined;
  }
}
