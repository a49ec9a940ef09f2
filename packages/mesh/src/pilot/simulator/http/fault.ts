import { fromBinary } from '@bufbuild/protobuf';
import type { Any, Duration } from '@bufbuild/protobuf/wkt';
import type { FaultVerdict, Unknown } from '@lateen/api/verdict.ts';
import { type HTTPFault, HTTPFaultSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/fault/v3/fault_pb.js';
import { shareOf } from '../route/chance.ts';
import { headerCondition } from '../route/header-match.ts';
import { headerValue, type RoutedRequest } from './request.ts';

/** What the fault filter does to a request that goes to `cluster`. Undefined: nothing. */
export function faultFor(
  config: Any | undefined,
  request: RoutedRequest,
  cluster: string | undefined,
  unknowns: Unknown[],
): FaultVerdict | undefined {
  if (config === undefined) return undefined;
  const fault = faultOf(config);
  if (fault.upstreamCluster !== '' && fault.upstreamCluster !== cluster) return undefined;
  if (!nodeMatches(fault, request) || !headersMatch(fault, request, unknowns)) return undefined;
  if (fault.responseRateLimit !== undefined)
    unknowns.push({ what: 'HTTPFault.response_rate_limit', where: 'fault filter' });
  const delay = delayOf(fault, request);
  const abort = abortOf(fault, request);
  if (delay === undefined && abort === undefined) return undefined;
  return { ...(delay === undefined ? {} : { delay }), ...(abort === undefined ? {} : { abort }) };
}

const decoded = new WeakMap<Any, HTTPFault>();

function faultOf(config: Any): HTTPFault {
  let fault = decoded.get(config);
  if (fault === undefined) {
    fault = fromBinary(HTTPFaultSchema, config.value);
    decoded.set(config, fault);
  }
  return fault;
}

function nodeMatches({ downstreamNodes }: HTTPFault, request: RoutedRequest): boolean {
  if (downstreamNodes.length === 0) return true;
  return downstreamNodes.includes(headerValue(request, 'x-envoy-downstream-service-node') ?? '');
}

function headersMatch({ headers }: HTTPFault, request: RoutedRequest, unknowns: Unknown[]): boolean {
  return headers.every((matcher) => {
    const failed = headerCondition(matcher).check(request);
    if (typeof failed === 'object') unknowns.push({ what: failed.undecidable, where: 'fault filter' });
    return failed === undefined;
  });
}

function delayOf({ delay }: HTTPFault, request: RoutedRequest): FaultVerdict['delay'] {
  if (delay === undefined) return undefined;
  const secifier = delay.faultDelaySecifier;
  if (secifier.case === 'fixedDelay') {
    const share = shareOf(delay.percentage, 0);
    return share === 0 ? undefined : { share, ms: milliseconds(secifier.value) };
  }
  if (secifier.case !== 'headerDelay') return undefined;
  const ms = numberIn(request, 'x-envoy-fault-delay-request');
  const share = headerShare(request, 'x-envoy-fault-delay-request-percentage', shareOf(delay.percentage, 0));
  return ms === undefined || share === 0 ? undefined : { share, ms };
}

function abortOf({ abort }: HTTPFault, request: RoutedRequest): FaultVerdict['abort'] {
  if (abort === undefined) return undefined;
  const share = shareOf(abort.percentage, 0);
  switch (abort.errorType.case) {
    case 'httpStatus':
      return share === 0 ? undefined : { share, status: abort.errorType.value };
    case 'grpcStatus':
      return share === 0 ? undefined : { share, status: 200, grpcStatus: abort.errorType.value };
    case 'headerAbort': {
      const status = numberIn(request, 'x-envoy-fault-abort-request');
      const grpcStatus = numberIn(request, 'x-envoy-fault-abort-grpc-request');
      const wanted = headerShare(request, 'x-envoy-fault-abort-request-percentage', share);
      if (wanted === 0) return undefined;
      if (status !== undefined && status >= 200 && status < 600) return { share: wanted, status };
      return grpcStatus === undefined ? undefined : { share: wanted, status: 200, grpcStatus };
    }
    case undefined:
      return undefined;
  }
}

function numberIn(request: RoutedRequest, header: string): number | undefined {
  const value = headerValue(request, header);
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** The header can only lower what is configured. */
function headerShare(request: RoutedRequest, header: string, configured: number): number {
  const percent = numberIn(request, header);
  return percent === undefined ? configured : Math.min(configured, percent / 100);
}

export function milliseconds(duration: Duration): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1_000_000;
}
