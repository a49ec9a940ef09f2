import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { pattern, setUpTo } from './common.ts';
import { backendRef } from './references.ts';

const headerNames = () => setUpTo(64, v.text());

/** Another service says whether a request may go on. */
export const externalAuth = object(
  {
    protocol: required(v.oneOf(['HTTP', 'GRPC']), "How it is asked: by HTTP, or by Envoy's gRPC API ext_authz."),
    backendRef: required(backendRef, 'Who is asked.'),
    grpc: optional(
      object({
        allowedHeaders: optional(headerNames(), 'Headers of the request that it gets to see; all by default.'),
      }),
      'For the protocol GRPC.',
    ),
    http: optional(
      object({
        path: optional(
          pattern(
            "^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$",
            1024,
            'a path of at most 1024 characters that URLs may have',
          ),
          'Stands before the path of the request in the question.',
        ),
        allowedHeaders: optional(
          headerNames(),
          'Headers of the request that it gets to see, beside Host, Method, Path, Content-Length and Authorization.',
        ),
        allowedResponseHeaders: optional(
          headerNames(),
          'Headers of its answer that go on with the request; all by default.',
        ),
      }),
      'For the protocol HTTP.',
    ),
    forwardBody: optional(
      object({
        maxSize: optional(v.int(0, 65_535), 'So many bytes of the body at most. 0, the default: none.'),
      }),
      'Whether it gets to see the body.',
    ),
  },
  {
    rules({ protocol, grpc, http }, report) {
      if (protocol === 'GRPC') {
        if (grpc === undefined) report('must be set for the protocol GRPC', ['grpc']);
        if (http !== undefined) report('must not be set for the protocol GRPC', ['http']);
      } else {
        if (http === undefined) report('must be set for the protocol HTTP', ['http']);
        if (grpc !== undefined) report('must not be set for the protocol HTTP', ['grpc']);
      }
    },
  },
);
