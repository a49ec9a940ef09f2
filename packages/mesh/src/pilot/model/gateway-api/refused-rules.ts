import type { L4Rule } from '../l4-rule.ts';
import type { RouteRule, RouteRuleSet } from '../route-rule.ts';
import type { Problem } from './conditions.ts';

/** Each list has one rule for each that is written, in that order, or none at all. */
export type Rules = Pick<RouteRuleSet, 'rules' | 'tls' | 'tcp'>;

/** What requests get whose rule cannot be obeyed. */
const REFUSED_STATUS = 500;

/**
 * Of rules that cannot be obeyed as they are written, only the matches hold: what they match is refused, and not handled
 * as if the rule did not say the rest, or given to the next rule, which may be meant for others.
 */
export function withoutRefused(
  { rules, tls, tcp }: Rules,
  problems: readonly Problem[],
): { readonly rules: Rules; readonly refusal?: 'all' | 'some' } {
  const refused = refusedRules(problems);
  if (refused === undefined) return { rules: { rules: [], tls: [], tcp: [] }, refusal: 'all' };
  if (refused.size === 0) return { rules: { rules, tls, tcp } };
  const count = Math.max(rules.length, tls.length, tcp.length);
  if (refused.size >= count) return { rules: { rules: [], tls: [], tcp: [] }, refusal: 'all' };
  return {
    rules: {
      rules: rules.map((rule, i) => (refused.has(i) ? refuseRequests(rule) : rule)),
      tls: tls.map((rule, i) => (refused.has(i) ? refuseConnections(rule) : rule)),
      tcp: tcp.map((rule, i) => (refused.has(i) ? refuseConnections(rule) : rule)),
    },
    refusal: 'some',
  };
}

/** Indexes of rules; undefined if there is a problem that is not one of a rule. */
function refusedRules(problems: readonly Problem[]): ReadonlySet<number> | undefined {
  const indexes = problems.filter(({ type }) => type === 'Accepted').map(ruleOf);
  return indexes.includes(undefined) ? undefined : new Set(indexes.filter((index) => index !== undefined));
}

/** Index of the rule that a problem is in. */
export function ruleOf({ path }: Problem): number | undefined {
  const found = /^spec\.rules\[(\d+)\]/.exec(path ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function refuseRequests({ matches, ...rule }: RouteRule): RouteRule {
  return { ...rule, matches, action: { type: 'direct-response', status: REFUSED_STATUS }, options: {} };
}

function refuseConnections(rule: L4Rule): L4Rule {
  return { ...rule, destinations: [], refused: 1 };
}
