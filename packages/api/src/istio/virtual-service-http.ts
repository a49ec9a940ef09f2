import type * as z from 'zod/mini';
import { isHeaderName } from '../names.ts';
import { checked, later, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { didYouMean } from '../suggest.ts';
import { destination, gatewayName, headerMatch, percent, stringMatch } from './common.ts';

const RETRY_CONDITIONS = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'retriable-4xx', 'refused-stream'],
  ...['retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

const headerValues = v.map(v.text(), v.headerName());

const headerOperations = object({
  set: optional(headerValues, 'Overwrites these headers.'),
  add: optional(headerValues, 'Adds these values to the headers.'),
  remove: optional(v.array(v.headerName()), 'Removes these headers.'),
});

const headers = object({
  request: optional(headerOperations, 'Changes to the request before it is sent on.'),
  response: optional(headerOperations, 'Changes to the response before it is returned.'),
});

const matchHeaderName = v.syntax(
  (name) => isHeaderName(name) || /^@request\.auth\.claims[.[]/.test(name),
  'a header name in lower case, such as end-user',
);

const httpMatch = object(
  {
    name: optional(v.text(), "Name of this match, for logs; it is put behind the rule's name."),
    uri: optional(
      checked(stringMatch, (uri) => (uri.exact === '' ? 'must not be empty' : undefined)),
      'Path of the request, without query. Upper and lower case differ.',
    ),
    method: optional(stringMatch, 'HTTP method, in capitals.'),
    headers: optional(
      v.map(headerMatch, matchHeaderName),
      'All of these headers must match. Names are written in lower case; `{}` asks only that the header is there.',
    ),
    ignoreUriCase: later(v.bool(), 'matching paths whatever their case'),
    scheme: later(stringMatch, 'matching by scheme'),
    authority: later(stringMatch, 'matching by authority'),
    port: later(v.uint32(), 'matching by port', [0]),
    sourceLabels: later(v.labels(), 'matching by the labels of the caller'),
    sourceNamespace: later(v.text(), 'matching by the namespace of the caller'),
    gateways: later(v.array(gatewayName()), 'gateways for single matches'),
    queryParams: later(v.map(headerMatch), 'matching by query parameters'),
    withoutHeaders: later(v.map(headerMatch, v.headerName()), 'matching by absent headers'),
    statPrefix: later(v.text(), 'statistics for single routes'),
  },
  {
    advice(match, report) {
      const path = match.uri?.exact ?? match.uri?.prefix;
      if (path !== undefined && path !== '' && !path.startsWith('/') && path !== '*') {
        report("can never match: the path of a request starts with '/'", ['uri']);
      }
      for (const name of Object.keys(match.headers ?? {})) {
        if (['uri', 'scheme', 'method', 'authority'].includes(name)) {
          report(`matches a header of this name; to match the request's ${name}, write ${name}: beside headers:`, [
            'headers',
            name,
          ]);
        }
      }
    },
  },
);

const httpRouteDestination = object({
  destination: required(destination, 'Where these requests go.'),
  weight: optional(
    v.int(0),
    'Share of the requests, in relation to the sum of all weights. A single destination needs none; beside others, no weight means 0.',
  ),
  headers: later(headers, 'changing headers'),
});

const httpRewrite = object(
  {
    uri: optional(v.text(), 'Replaces the path, or the part that `uri.prefix` of the match matched.'),
    authority: optional(v.text(), 'Replaces the Host header.'),
    uriRegexRewrite: optional(
      object({
        match: required(v.nonEmptyRegex(), 'Regular expression (RE2 syntax) for the part of the path to replace.'),
        rewrite: required(v.nonEmpty(), 'What to put there; \\1 to \\9 stand for its groups.'),
      }),
      'Replaces the part of the path that a regular expression matches.',
    ),
  },
  {
    atMostOne: [['uri', 'uriRegexRewrite']],
    rules(rewrite, report) {
      if (!rewrite.uri && !rewrite.authority && rewrite.uriRegexRewrite === undefined) {
        report('one of uri, authority or uriRegexRewrite must be set');
      }
    },
  },
);

const httpRedirect = object(
  {
    uri: optional(v.text(), 'Replaces the whole path; the query stays.'),
    authority: optional(v.text(), 'Replaces the host.'),
    port: optional(v.port(), 'Replaces the port.'),
    derivePort: optional(
      v.oneOf(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
      'Takes the port from the scheme (80, 443), or keeps the one of the request.',
    ),
    scheme: optional(v.oneOf(['http', 'https']), 'Replaces the scheme.'),
    redirectCode: optional(
      checked(v.int(300, 399), (code) =>
        [301, 302, 303, 307, 308].includes(code) ? undefined : `must be 301, 302, 303, 307 or 308, not ${code}`,
      ),
      'Status of the response: 301 (the default), 302, 303, 307 or 308.',
    ),
    prefixRewrite: later(v.text(), 'redirects that replace a prefix'),
  },
  {
    atMostOne: [['port', 'derivePort']],
    rules(redirect, report) {
      if (Object.keys(redirect).length === 0)
        report('must set at least one of uri, authority, port, scheme or redirectCode');
    },
  },
);

const directResponse = object({
  status: required(v.int(200, 599), 'HTTP status to answer with.'),
  body: optional(
    object(
      {
        string: optional(v.text(), 'Body as text.'),
        bytes: optional(v.text(), 'Body as base64.'),
      },
      { exactlyOne: ['string', 'bytes'] },
    ),
    'Body to answer with; none by default.',
  ),
});

export const httpRetry = object(
  {
    attempts: optional(v.int(0), 'How often a failed request is tried again, at most; 0 turns retries off.'),
    perTryTimeout: optional(v.duration(), "Time for one attempt, retries included; the rule's timeout by default."),
    retryOn: optional(
      checked(v.text(), retryOnProblem),
      'When to try again: conditions with commas between them, as Envoy names them, and HTTP statuses.',
    ),
    backoff: optional(
      v.duration(),
      'Wait before the first retry; it grows, with some chance in it, up to ten times. 25ms by default.',
    ),
    retryRemoteLocalities: optional(v.bool(), 'Whether a retry may go to another locality.'),
    retryIgnorePreviousHosts: optional(
      v.bool(),
      'Whether a retry avoids the instances that have failed. True by default.',
    ),
  },
  {
    rules(retries, report) {
      if (retries.attempts !== 0) return;
      const set = (['perTryTimeout', 'retryOn', 'backoff'] as const).find((name) => retries[name] !== undefined);
      if (set !== undefined) report('must not be set when attempts is 0, which turns retries off', [set]);
    },
  },
);

function retryOnProblem(value: string): string | undefined {
  if (value === '') return undefined;
  const conditions = value.split(',').map((part) => part.trim());
  const wrong = conditions.find((condition) => !RETRY_CONDITIONS.has(condition) && !/^[1-5]\d\d$/.test(condition));
  if (wrong === undefined) return undefined;
  return `${v.quote(wrong)} is neither a retry condition of Envoy nor an HTTP status${didYouMean(wrong, RETRY_CONDITIONS)}`;
}

const fault = object(
  {
    delay: optional(
      object(
        {
          percent: optional(v.int(0, 100), 'Deprecated: share of the requests.'),
          percentage: optional(percent, 'Share of the requests.'),
          fixedDelay: optional(v.duration(), 'How long to hold a request.'),
          exponentialDelay: optional(v.duration(), 'Not used by Istio.'),
        },
        { exactlyOne: ['fixedDelay', 'exponentialDelay'] },
      ),
      'Holds requests.',
    ),
    abort: optional(
      object(
        {
          percentage: optional(percent, 'Share of the requests.'),
          httpStatus: optional(v.int(200, 599), 'HTTP status to answer with.'),
          grpcStatus: optional(v.text(), 'gRPC status to answer with.'),
          http2Error: optional(v.text(), 'Not used by Istio.'),
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

const corsPolicy = object({
  allowOrigin: optional(v.array(v.text()), 'Deprecated: origins as plain text.'),
  allowOrigins: optional(v.array(stringMatch), 'Origins that may call.'),
  allowMethods: optional(v.array(v.text()), 'Methods that they may use.'),
  allowHeaders: optional(v.array(v.text()), 'Headers that they may send.'),
  exposeHeaders: optional(v.array(v.text()), 'Headers that they may read.'),
  maxAge: optional(v.duration(), 'How long browsers may keep the answer to a preflight.'),
  allowCredentials: optional(v.bool(), 'Whether they may send credentials.'),
  unmatchedPreflights: optional(v.oneOf(['UNSPECIFIED', 'FORWARD', 'IGNORE']), 'What becomes of other preflights.'),
});

const mirrorPolicy = object({
  destination: required(destination, 'Where the copies go.'),
  percentage: optional(percent, 'Share of the requests.'),
});

export const httpRoute = object(
  {
    name: optional(v.text(), 'Name of the rule, for logs and metrics.'),
    match: optional(
      v.array(httpMatch),
      'The rule holds for requests that one of these matches; inside one, all conditions must hold. Without it, for all.',
    ),
    route: optional(v.array(httpRouteDestination), 'Where the requests go: one destination, or several with weights.'),
    redirect: optional(httpRedirect, 'Answers with a redirect.'),
    rewrite: optional(httpRewrite, 'Changes path and host before the request is sent on. Not together with redirect.'),
    timeout: optional(v.duration(), 'Time for the whole request, retries included. None by default.'),
    retries: optional(httpRetry, 'When and how often a failed request is tried again.'),
    directResponse: later(directResponse, 'direct responses'),
    delegate: later(
      object({
        name: optional(v.text(), 'Name of the other VirtualService.'),
        namespace: optional(v.text(), 'Its namespace; the same by default.'),
      }),
      'delegation to another VirtualService',
    ),
    fault: later(fault, 'fault injection'),
    mirror: later(destination, 'mirroring'),
    mirrors: later(v.array(mirrorPolicy), 'mirroring'),
    mirrorPercent: later(v.uint32(), 'mirroring'),
    mirror_percent: later(v.uint32(), 'mirroring'),
    mirrorPercentage: later(percent, 'mirroring'),
    corsPolicy: later(corsPolicy, 'cross-origin policies'),
    headers: later(headers, 'changing headers'),
  },
  {
    rules(rule, report) {
      const routes = rule.route ?? [];
      const actions = [
        ...(routes.length > 0 ? ['route'] : []),
        ...(['redirect', 'directResponse', 'delegate'] as const).filter((name) => rule[name] !== undefined),
      ];
      if (actions.length === 0) report('must say what to do with the requests: route, redirect or directResponse');
      if (actions.length > 1) report(`${list(actions, 'and')} exclude each other`, [actions[1] ?? '']);
      for (const action of ['redirect', 'directResponse'] as const) {
        if (rule[action] === undefined) continue;
        for (const other of ['rewrite', 'fault'] as const) {
          if (rule[other] !== undefined) report(`must not be set together with ${action}`, [other]);
        }
      }
      if (routes.length > 1 && routes.every(({ weight }) => weight === undefined || weight === 0)) {
        report('the weights of several destinations must not all be 0: give each its share in weight', ['route']);
      }
    },
  },
);

export type HttpRoute = z.infer<typeof httpRoute>;
