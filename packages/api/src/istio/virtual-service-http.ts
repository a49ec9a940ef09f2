import type * as z from 'zod/mini';
import { checked, list, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { didYouMean } from '../suggest.ts';
import { destination } from './common.ts';
import { directResponse, httpRedirect } from './http-answer.ts';
import { corsPolicy } from './http-cors.ts';
import { fault } from './http-fault.ts';
import { headers } from './http-headers.ts';
import { httpMatch } from './http-match.ts';
import { MIRROR_SHARES, mirrorFields } from './http-mirror.ts';

const RETRY_CONDITIONS = new Set([
  ...['5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'retriable-4xx', 'refused-stream'],
  ...['retriable-status-codes', 'retriable-headers', 'envoy-ratelimited', 'http3-post-connect-failure'],
  ...['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'],
]);

const httpRouteDestination = object({
  destination: required(destination, 'Where these requests go.'),
  weight: optional(
    v.int(0),
    'Share of the requests, in relation to the sum of all weights. A single destination needs none; beside others, no weight means 0.',
  ),
  headers: optional(headers, 'Changes to the headers of the requests that go here, and of their responses.'),
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
    directResponse: optional(directResponse, 'Answers right here.'),
    delegate: optional(
      object({
        name: required(v.dnsSubdomain(), 'Name of the other VirtualService; it has no hosts.'),
        namespace: optional(v.dnsLabel(), 'Its namespace; the same by default.'),
      }),
      'Leaves the requests to the rules of another VirtualService. Each of its matches must be narrower than one here; what it does not say itself (timeout, retries, ...) is taken from here.',
    ),
    fault: optional(fault, 'Faults that are injected, to see how callers cope with them.'),
    ...mirrorFields,
    corsPolicy: optional(corsPolicy, 'Which pages of other origins may call from a browser.'),
    headers: optional(headers, 'Changes to the headers of requests and responses.'),
  },
  {
    rules(rule, report) {
      const routes = rule.route ?? [];
      const actions = [
        ...(routes.length > 0 ? ['route'] : []),
        ...(['redirect', 'directResponse', 'delegate'] as const).filter((name) => rule[name] !== undefined),
      ];
      if (actions.length === 0)
        report('must say what to do with the requests: route, redirect, directResponse or delegate');
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
      if (rule.mirror !== undefined && (rule.mirrors ?? []).length > 0)
        report('mirror and mirrors exclude each other: name all destinations in mirrors', ['mirror']);
      const shares = MIRROR_SHARES.filter((name) => rule[name] !== undefined);
      const [first = '', second] = shares;
      if (second !== undefined) report(`${list(shares, 'and')} say the same: set only ${first}`, [second]);
      if (first !== '' && rule.mirror === undefined)
        report('is for mirror, which is not set; in mirrors, each has a percentage of its own', [first]);
    },
    advice(rule, report) {
      for (const answer of ['redirect', 'directResponse'] as const) {
        if (rule[answer] === undefined) continue;
        for (const field of ['timeout', 'retries', 'mirror', 'mirrors'] as const) {
          if (rule[field] !== undefined) report(`has no effect beside ${answer}: nothing is sent on`, [field]);
        }
      }
    },
  },
);

export type HttpRoute = z.infer<typeof httpRoute>;
