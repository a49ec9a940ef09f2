import { GRPC_STATUSES, grpcStatusNumber } from '../grpc-status.ts';
import { later, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { percent } from './common.ts';

const UNUSED = 'a field that Istio itself does not act on';

export const fault = object(
  {
    delay: optional(
      object(
        {
          percentage: optional(percent, 'Share of the requests; none by default.'),
          percent: optional(v.int(0, 100), 'Deprecated: share of the requests; write percentage.'),
          fixedDelay: optional(v.duration(), 'How long to hold a request before it is sent on.'),
          exponentialDelay: later(v.duration(), UNUSED),
        },
        {
          exactlyOne: ['fixedDelay', 'exponentialDelay'],
          atMostOne: [['percentage', 'percent']],
          advice(delay, report) {
            if (delay.percentage === undefined && delay.percent === undefined)
              report('holds no request: say which share of them in percentage');
          },
        },
      ),
      'Holds requests.',
    ),
    abort: optional(
      object(
        {
          percentage: optional(percent, 'Share of the requests; all by default.'),
          httpStatus: optional(v.int(200, 599), 'HTTP status to answer with.'),
          grpcStatus: optional(
            v.syntax((status) => grpcStatusNumber(status) !== undefined, 'a gRPC status such as UNAVAILABLE'),
            `gRPC status to answer with: ${GRPC_STATUSES.join(', ')}, or its number.`,
          ),
          http2Error: later(v.text(), UNUSED),
        },
        { exactlyOne: ['httpStatus', 'grpcStatus', 'http2Error'] },
      ),
      'Answers requests with an error.',
    ),
  },
  {
    rules(value, report) {
      if (value.delay === undefined && value.abort === undefined) report('must have a delay, an abort, or both');
    },
  },
);
