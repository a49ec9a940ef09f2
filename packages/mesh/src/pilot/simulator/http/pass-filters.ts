import type { CorsVerdict, FaultVerdict, HeaderChange, RespondVerdict, Unknown } from '@lateen/api/verdict.ts';
import type { PreparedManager } from './connection-manager.ts';
import { corsFor } from './cors.ts';
import { faultFor } from './fault.ts';
import { type FilterOverrides, filterState } from './http-filters.ts';
import { copyRequest, headerValue, type RoutedRequest, removeHeader, setHeader } from './request.ts';

/** What filters want to know of the route that took the request. */
export interface FilteredRoute {
  /** The CORS filter lets routes be that answer by themselves. */
  readonly forwards: boolean;
  /** Where it leads, if to one cluster. */
  readonly cluster?: string;
}

interface Filtered {
  readonly request: RoutedRequest;
  readonly fault?: FaultVerdict;
  readonly cors?: CorsVerdict;
  readonly answer?: RespondVerdict;
  readonly responseHeaders: readonly HeaderChange[];
}

/** Leads the request through the HTTP filters in their order, until one answers it. */
export function passFilters(
  prepared: PreparedManager,
  levels: readonly FilterOverrides[],
  original: RoutedRequest,
  route: FilteredRoute,
  unknowns: Unknown[],
): Filtered {
  const request = copyRequest(original);
  const responseHeaders: HeaderChange[] = [];
  let fault: FaultVerdict | undefined;
  let cors: CorsVerdict | undefined;
  const result = (answer?: RespondVerdict): Filtered => ({
    request,
    responseHeaders,
    ...(fault === undefined ? {} : { fault }),
    ...(cors === undefined ? {} : { cors }),
    ...(answer === undefined ? {} : { answer }),
  });
  for (const filter of prepared.filters) {
    const { enabled, override } = filterState(filter, levels);
    if (!enabled) continue;
    if (filter.kind === 'fault') fault = faultFor(override ?? filter.config, request, route.cluster, unknowns);
    if (filter.kind === 'grpc-web') responseHeaders.push(...translateGrpcWeb(request));
    if (filter.kind !== 'cors' || !route.forwards) continue;
    const answer = corsFor(override, request, unknowns);
    if (answer === undefined) continue;
    cors = answer.verdict;
    responseHeaders.push(...answer.responseHeaders);
    if (answer.answer !== undefined) return result(answer.answer);
  }
  return result();
}

/** What the filter makes of a browser's gRPC, and of the answer to it. */
function translateGrpcWeb(request: RoutedRequest): HeaderChange[] {
  const type = headerValue(request, 'content-type') ?? '';
  if (!/^application\/grpc-web(?:-text)?(?:\+proto)?$/.test(type)) return [];
  setHeader(request.headers, 'content-type', 'application/grpc');
  setHeader(request.headers, 'te', 'trailers');
  setHeader(request.headers, 'grpc-accept-encoding', 'identity,deflate,gzip');
  removeHeader(request.headers, 'content-length');
  const isText = (headerValue(request, 'accept') ?? '').includes('application/grpc-web-text');
  const value = `application/grpc-web${isText ? '-text' : ''}+proto`;
  return [{ action: 'overwrite', name: 'content-type', value }];
}
