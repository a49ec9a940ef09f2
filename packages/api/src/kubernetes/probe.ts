import type * as z from 'zod/mini';
import { later, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

export const probe = object(
  {
    httpGet: optional(
      object({
        path: optional(v.text(), 'Path to ask for; / by default.'),
        port: required(v.portOrName(), 'Container port, as a number or a name.'),
        scheme: optional(v.oneOf(['HTTP', 'HTTPS'], { HTTPS: 'probes over TLS' }), 'HTTP, the default.'),
        httpHeaders: optional(
          v.array(
            object({
              name: required(v.headerName(), 'Name of the header.'),
              value: required(v.text(), 'Its value.'),
            }),
          ),
          'Headers to send.',
        ),
        host: later(v.text(), 'probes of other hosts'),
      }),
      'Succeeds when a GET is answered with a status from 200 to 399.',
    ),
    tcpSocket: optional(
      object({
        port: required(v.portOrName(), 'Container port, as a number or a name.'),
        host: later(v.text(), 'probes of other hosts'),
      }),
      'Succeeds when a connection can be opened.',
    ),
    exec: optional(
      object({ command: required(v.nonEmptyArray(v.text()), 'Program and arguments, without shell.') }),
      'Succeeds when the command ends with status 0.',
    ),
    grpc: later(
      object({
        port: required(v.port(), 'Container port.'),
        service: optional(v.text(), 'Name that is asked for.'),
      }),
      'gRPC probes',
    ),
    initialDelaySeconds: optional(v.int(0), 'Seconds from the start to the first probe; 0 by default.'),
    periodSeconds: optional(v.int(1), 'Seconds between probes; 10 by default.'),
    timeoutSeconds: optional(v.int(1), 'Seconds to wait for an answer; 1 by default.'),
    successThreshold: optional(v.int(1), 'Successes in a row that count as success; 1 by default.'),
    failureThreshold: optional(v.int(1), 'Failures in a row that count as failure; 3 by default.'),
    terminationGracePeriodSeconds: later(v.int(1), 'grace periods of single probes'),
  },
  { exactlyOne: ['httpGet', 'tcpSocket', 'exec', 'grpc'] },
);

export type Probe = z.infer<typeof probe>;
