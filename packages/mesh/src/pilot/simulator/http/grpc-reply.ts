import type { FaultVerdict, RespondVerdict, RouteChoice, VerdictHeader } from '@lateen/api/verdict.ts';
import { isGrpc, isGrpcType } from '../route/route-match.ts';
import { joinedValue, type RoutedRequest } from './request.ts';

const UNKNOWN = 2;

/** How gRPC says what HTTP says with a status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** The answers that a proxy makes by itself to gRPC are gRPC: 200, with the outcome in a header. */
export function asGrpcReplies(choices: readonly RouteChoice[], request: RoutedRequest): readonly RouteChoice[] {
  if (!isGrpc(request)) return choices;
  return choices.map(({ fault, action, ...rest }) => ({
    ...rest,
    ...(fault === undefined ? {} : { fault: grpcFault(fault) }),
    action: action.type === 'respond' && action.by !== 'cors' ? grpcReply(action) : action,
  }));
}

/** The status of an answer that a proxy makes by itself to a request with these headers. */
export function replyStatus(
  headers: readonly VerdictHeader[],
  status: number,
): { readonly status: number; readonly grpcStatus?: number } {
  if (!isGrpcType(joinedValue(headers, 'content-type'))) return { status };
  return { status: 200, grpcStatus: GRPC_STATUS[status] ?? UNKNOWN };
}

function grpcReply(answer: RespondVerdict): RespondVerdict {
  const status = String(GRPC_STATUS[answer.status] ?? UNKNOWN);
  return {
    ...answer,
    status: 200,
    headers: [...answer.headers, ['content-type', 'application/grpc'], ['grpc-status', status]],
  };
}

function grpcFault({ abort, ...rest }: FaultVerdict): FaultVerdict {
  if (abort === undefined) return rest;
  return {
    ...rest,
    abort: { ...abort, status: 200, grpcStatus: abort.grpcStatus ?? GRPC_STATUS[abort.status] ?? UNKNOWN },
  };
}
