import { durationMs } from '@lateen/api/duration.ts';
import { grpcStatusNumber } from '@lateen/api/grpc-status.ts';
import type { VirtualService } from '@lateen/api/kinds.ts';
import type { FaultIr } from '../proxy/ir/route-filters.ts';
import { ALL, perMillion } from './share.ts';

type Fault = NonNullable<NonNullable<VirtualService['spec']['http']>[number]['fault']>;

/** Without a percentage, a delay holds no request, but an abort ends all of them (Istio's rule). */
export function buildFault({ delay, abort }: Fault): FaultIr {
  const ms = durationMs(delay?.fixedDelay ?? '');
  return {
    ...(delay === undefined || ms === undefined
      ? {}
      : { delay: { ms, perMillion: perMillion(delay.percentage) ?? perMillion({ value: delay.percent }) ?? 0 } }),
    ...(abort === undefined
      ? {}
      : { abort: { status: abortStatus(abort), perMillion: perMillion(abort.percentage) ?? ALL } }),
  };
}

function abortStatus({
  httpStatus,
  grpcStatus = '',
}: NonNullable<Fault['abort']>): NonNullable<FaultIr['abort']>['status'] {
  return httpStatus === undefined
    ? { type: 'grpc', code: grpcStatusNumber(grpcStatus) ?? 0 }
    : { type: 'http', code: httpStatus };
}
