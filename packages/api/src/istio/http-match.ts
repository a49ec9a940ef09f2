import { isHeaderName } from '../names.ts';
import { checked, laterKeys, object, optional } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { gatewayName, headerMatch, stringMatch } from './common.ts';

const JWT_CLAIM = /^@request\.auth\.claims([.[]|$)/;

const matchedHeaders = () =>
  laterKeys(
    v.map(
      headerMatch,
      v.syntax((name) => isHeaderName(name) || JWT_CLAIM.test(name), 'a header name in lower case, such as end-user'),
    ),
    { keys: '@request.auth.claims', is: (name) => JWT_CLAIM.test(name), reason: 'authentication of requests by JWT' },
  );

const PSEUDO_HEADERS = ['uri', 'scheme', 'method', 'authority'] as const;

export const httpMatch = object(
  {
    name: optional(v.text(), "Name of this match; it stands behind the rule's name in the name of the route."),
    uri: optional(
      checked(stringMatch, (uri) => (uri.exact === '' ? 'must not be empty' : undefined)),
      'Path of the request, without query.',
    ),
    ignoreUriCase: optional(
      v.bool(),
      'Whether upper and lower case of the path are the same, for exact values and prefixes; they differ by default.',
    ),
    scheme: optional(stringMatch, 'Scheme of the request: http or https.'),
    method: optional(stringMatch, 'HTTP method, in capitals.'),
    authority: optional(stringMatch, 'Host header of the request, with the port if the client sent one.'),
    headers: optional(
      matchedHeaders(),
      'All of these headers must match. Names are written in lower case; `{}` asks only that the header is there.',
    ),
    withoutHeaders: optional(
      matchedHeaders(),
      'None of these headers may match; `{}` asks that the header is absent. An absent header counts as an empty one.',
    ),
    queryParams: optional(
      v.map(headerMatch),
      'All of these query parameters must match; `{}` asks only that the parameter is there.',
    ),
    port: optional(v.int(0, 65_535), 'Port that the request came for: of the service, or of the gateway. 0 is any.'),
    sourceLabels: optional(v.labels(), 'Labels that the workload of the caller must have.'),
    sourceNamespace: optional(v.text(), 'Namespace that the workload of the caller must be in.'),
    gateways: optional(
      v.array(gatewayName()),
      "The match holds at these gateways only; mesh stands for all sidecars. All of the VirtualService's by default.",
    ),
    statPrefix: optional(v.text(), 'Envoy counts these requests under `vhost.HOST.route.PREFIX`.'),
  },
  {
    advice(match, report) {
      const path = match.uri?.exact ?? match.uri?.prefix;
      if (path !== undefined && path !== '' && !path.startsWith('/') && path !== '*') {
        report("can never match: the path of a request starts with '/'", ['uri']);
      }
      if (match.ignoreUriCase === true && match.uri?.regex !== undefined) {
        report('has no effect on a regular expression; start it with (?i)', ['ignoreUriCase']);
      }
      for (const field of ['headers', 'withoutHeaders'] as const) {
        for (const name of Object.keys(match[field] ?? {})) {
          if (!(PSEUDO_HEADERS as readonly string[]).includes(name)) continue;
          report(`looks at a header of this name; to match the request's ${name}, write ${name}: beside ${field}:`, [
            field,
            name,
          ]);
        }
      }
    },
  },
);
