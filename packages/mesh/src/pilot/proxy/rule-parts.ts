import type { HeaderOperations } from '../model/header-operations.ts';
import type { ForwardAction, RouteAction, WeightedDestination } from '../model/route-action.ts';
import type { RouteRule } from '../model/route-rule.ts';
import { ALL } from '../model/share.ts';
import type { HeaderChangesIr } from './ir/header-operations.ts';

/** What becomes of a share of the requests that a rule is for. */
export interface RulePart {
  readonly rule: RouteRule;
  /** Absent: of all that no part before this one is for. */
  readonly lotBelow?: number;
  /** Tells it from the others. */
  readonly name?: string;
}

/** For requests that nobody can be asked about. */
const BLOCKED: RouteAction = { type: 'direct-response', status: 500 };

/**
 * The rule itself; or, where a destination wants more done with its requests than Envoy can do for one of several clusters,
 * a part for each destination.
 */
export function partsOf(rule: RouteRule): readonly RulePart[] {
  const { action } = rule;
  if (action.type !== 'forward' || action.destinations.every(({ own }) => own === undefined)) return [{ rule }];
  const used = action.destinations.filter(({ weight }) => weight > 0);
  const all = [
    ...used.map((each) => ({ weight: each.weight, rule: partFor(rule, each), name: placeOf(each) })),
    ...(action.refused === undefined ? [] : [refusedPart(rule, action.refused)]),
  ];
  const total = all.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  return all.map(({ weight, rule: part, name }, i) => {
    before += weight;
    return { rule: part, name, ...(i === all.length - 1 ? {} : { lotBelow: Math.round((ALL * before) / total) }) };
  });
}

function refusedPart(rule: RouteRule, { weight, status }: NonNullable<ForwardAction['refused']>) {
  const action: RouteAction = { type: 'direct-response', status };
  return { weight, rule: { ...rule, action }, name: 'refused' };
}

function partFor(rule: RouteRule, { own = {}, ...destination }: WeightedDestination): RouteRule {
  const { redirect, isBlocked, mirrors = [], rewrite, ...others } = own;
  const { options } = rule;
  const allMirrors = [...(options.mirrors ?? []), ...mirrors];
  const headers = redirect === undefined ? options.headers : joined(options.headers, destination.headers);
  return {
    ...rule,
    action: isBlocked ? BLOCKED : (redirect ?? { type: 'forward', destinations: [destination] }),
    options: {
      ...options,
      ...others,
      ...(headers === undefined ? {} : { headers }),
      ...(rewrite === undefined ? {} : { rewrite: { ...options.rewrite, ...rewrite } }),
      ...(allMirrors.length === 0 ? {} : { mirrors: allMirrors }),
    },
  };
}

/** `backendRefs[1]` */
function placeOf({ source: { path = '' } }: WeightedDestination): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** A redirect has no cluster whose headers could be changed. */
function joined(a: HeaderOperations | undefined, b: HeaderOperations | undefined): HeaderOperations | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const both = (one: HeaderChangesIr, other: HeaderChangesIr): HeaderChangesIr => ({
    set: [...one.set, ...other.set],
    add: [...one.add, ...other.add],
    remove: [...one.remove, ...other.remove],
  });
  return {
    ...a,
    operations: {
      request: both(a.operations.request, b.operations.request),
      response: both(a.operations.response, b.operations.response),
    },
  };
}
