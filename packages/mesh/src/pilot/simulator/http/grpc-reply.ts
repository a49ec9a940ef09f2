import type { ActionVerdict, FaultVerdict, RespondVerdict, RouteChoice, VerdictHeader } from '@lateen/api/verdict.ts';
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
  const grpc = isGrpc(request);
  return choices.map(({ fault, action, ...rest }) => ({
    ...rest,
    ...(fault === undefined ? {} : { fault: faultAnswer(fault, grpc) }),
    action: actionAnswer(action, grpc),
  }));
}

function actionAnswer(action: ActionVerdict, grpc: boolean): ActionVerdict {
  switch (action.type) {
    case 'undecided':
      return action;
    case 'respond':
      return grpc && action.by !== 'cors' && action.by !== 'codec' ? grpcReply(action) : action;
    case 'forward':
      return {
        ...action,
        targets: action.targets.map((target) =>
          target.fault == null ? target : { ...target, fault: faultAnswer(target.fault, grpc) },
        ),
      };
  }
}

/** The status of an answer that a proxy makes by itself to a request with these headers. */
export function replyStatus(
  headers: readonly VerdictHeader[],
  status: number,
): { readonly status: number; readonly grpcStatus?: number } {
  if (!isGrpcType(joinedValue(headers, 'content-type'))) return { status };
  return { status: 200, grpcStatus: GRPC_STATUS[status] ?? UNKNOWN };
}

function grpcReply({ body, ...answer }: RespondVerdict): RespondVerdict {
  const status = String(GRPC_STATUS[answer.status] ?? UNKNOWN);
  const message: VerdictHeader[] = body ? [['grpc-message', percentEncoded(body)]] : [];
  const headers: VerdictHeader[] = [['content-type', 'application/grpc'], ['grpc-status', status], ...message];
  return { ...answer, status: 200, headers: [...answer.headers, ...headers] };
}

/** As gRPC wants it in headers. */
function percentEncoded(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
}

/** Only gRPC is told a gRPC status; others get just the HTTP status, which is 200 then. */
function faultAnswer({ abort, ...rest }: FaultVerdict, grpc: boolean): FaultVerdict {
  if (abort === undefined) return rest;
  const { share, status, grpcStatus = GRPC_STATUS[status] ?? UNKNOWN } = abort;
  return { ...rest, abort: grpc ? { share, status: 200, grpcStatus } : { share, status } };
}
