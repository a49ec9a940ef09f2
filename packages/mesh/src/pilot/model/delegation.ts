import { keyOfRef } from '@lateen/api/object-key.ts';
import { escapeRegex } from '@lateen/api/re2-syntax.ts';
import { dequal } from 'dequal';
import type { HeaderMatchIr, PathMatchIr, QueryMatchIr, StringMatchIr, ValueMatchIr } from '../proxy/ir/route-match.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { ClientMatch, RouteMatch } from './route-match.ts';
import type { RouteRule, RouteRuleSet } from './route-rule.ts';
import { isVisible } from './visibility.ts';

/** What keeps rules of a delegate, or all of them, from holding. */
export interface DelegationProblem {
  /** `missing`: there is no such delegate, or the root may not see it. `conflict`: no request meets both matches. */
  readonly type: 'missing' | 'conflict';
  readonly source: SourceRef;
  readonly message: string;
}

export interface MergedRules {
  /** Without rules that delegate. */
  readonly set: RouteRuleSet;
  readonly problems: readonly DelegationProblem[];
}

/** Key of the object behind a delegate's `NAMESPACE/NAME`. */
export function delegateKey(delegate: string): string {
  const [namespace = '', name = ''] = delegate.split('/');
  return keyOfRef({ kind: 'VirtualService', namespace, name });
}

/**
 * Puts the rules of the delegates in the places of the rules that delegate to them (VirtualService
 * `spec.http[].delegate`). A rule then holds for requests that a match of the root and one of the delegate match.
 *
 * @param lookup by `NAMESPACE/NAME`
 */
export function mergeDelegates(
  root: RouteRuleSet,
  lookup: (delegate: string) => RouteRuleSet | undefined,
): MergedRules {
  if (root.rules.every(({ action }) => action.type !== 'delegate')) return { set: root, problems: [] };
  const problems: DelegationProblem[] = [];
  const rules = root.rules.flatMap((rule): readonly RouteRule[] => {
    if (rule.action.type !== 'delegate') return [rule];
    const { to } = rule.action;
    const delegate = lookup(to);
    const missing = whyMissing(to, delegate, root.source.namespace);
    if (delegate === undefined || missing !== undefined) {
      const source = { ...rule.source, path: `${rule.source.path}.delegate` };
      problems.push({ type: 'missing', source, message: missing ?? '' });
      return [];
    }
    return delegate.rules.flatMap((leaf) => mergeRules(rule, leaf, problems));
  });
  return { set: { ...root, rules }, problems };
}

function whyMissing(to: string, delegate: RouteRuleSet | undefined, namespace: string): string | undefined {
  if (delegate === undefined) return `there is no VirtualService ${to} to delegate to`;
  if (delegate.hosts.length > 0) return `${to} has hosts of its own, so it cannot be delegated to: remove them`;
  if (!isVisible(delegate.visibility, namespace)) return `${to} is not exported to the namespace ${namespace}`;
  return undefined;
}

function mergeRules(root: RouteRule, leaf: RouteRule, problems: DelegationProblem[]): readonly RouteRule[] {
  const matches = leaf.matches.flatMap((match) => {
    const merged = root.matches.map((each) => mergeMatches(each, match)).filter((each) => each !== undefined);
    if (merged.length === 0) {
      const { kind, namespace, name, path } = root.source;
      const message = `can never hold: no request matches both this and ${path} of ${kind} ${namespace}/${name}, which delegates here`;
      problems.push({ type: 'conflict', source: match.source, message });
    }
    return merged;
  });
  if (matches.length === 0) return [];
  return [{ ...leaf, ...joinNames(root, leaf), matches, options: { ...root.options, ...leaf.options } }];
}

/** Undefined if no request can meet both. */
function mergeMatches(root: RouteMatch, leaf: RouteMatch): RouteMatch | undefined {
  const path = mergePaths(root.path, leaf.path);
  const client = mergeClients(root.client, leaf.client);
  const gateways = intersect(root.gateways, leaf.gateways);
  const port = leaf.port ?? root.port;
  const statPrefix = leaf.statPrefix ?? root.statPrefix;
  if (path === undefined || client === 'none' || gateways?.length === 0) return undefined;
  if (root.port !== undefined && root.port !== port) return undefined;
  if (disagree(root.headers, leaf.headers) || disagree(root.query, leaf.query)) return undefined;
  return {
    ...joinNames(root, leaf),
    path: path.path,
    headers: union([...path.headers, ...root.headers], leaf.headers),
    query: union(root.query, leaf.query),
    ...(port === undefined ? {} : { port }),
    ...(client === undefined ? {} : { client }),
    ...(gateways === undefined ? {} : { gateways }),
    ...(statPrefix === undefined ? {} : { statPrefix }),
    source: leaf.source,
    delegatedFrom: root.source,
  };
}

/** As Istio joins them. */
function joinNames(root: { readonly name?: string }, leaf: { readonly name?: string }): { name?: string } {
  const name = [root.name, leaf.name].filter((each) => each !== undefined).join('-');
  return name === '' ? {} : { name };
}

/** Envoy matches one path; where neither of the two says it all, the root's is matched as a header beside it. */
function mergePaths(
  root: PathMatchIr,
  leaf: PathMatchIr,
): { readonly path: PathMatchIr; readonly headers: readonly HeaderMatchIr[] } | undefined {
  if (root.type === 'any' || dequal(root, leaf)) return { path: leaf, headers: [] };
  if (leaf.type === 'any') return { path: root, headers: [] };
  if (isStringMatch(root) && isStringMatch(leaf)) {
    if (excludeEachOther(root, leaf)) return undefined;
    if (root.type !== 'regex' && leaf.type !== 'regex' && root.ignoreCase === leaf.ignoreCase) {
      const rootIsNarrower = root.type === leaf.type ? root.value.length > leaf.value.length : root.type === 'exact';
      return { path: rootIsNarrower ? root : leaf, headers: [] };
    }
    return { path: leaf, headers: [pathAsHeader(root)] };
  }
  return undefined;
}

/** All paths that VirtualServices ask for are. */
function isStringMatch(path: PathMatchIr): path is Extract<PathMatchIr, { type: StringMatchIr['type'] }> {
  return path.type === 'exact' || path.type === 'prefix' || path.type === 'regex';
}

/** `:path` has the query in it. */
function pathAsHeader(path: Extract<PathMatchIr, { type: StringMatchIr['type'] }>): HeaderMatchIr {
  if (path.type === 'prefix') return { name: ':path', value: path };
  const pattern = path.type === 'regex' ? `(?:${path.value})` : escapeRegex(path.value);
  const flags = path.type === 'exact' && path.ignoreCase ? '(?i)' : '';
  return { name: ':path', value: { type: 'regex', value: `${flags}${pattern}(?:\\?.*)?` } };
}

/** Whether a name must have two values of which a request has only one. */
function disagree(
  root: readonly (QueryMatchIr & { invert?: true })[],
  leaf: readonly (QueryMatchIr & { invert?: true })[],
): boolean {
  return root.some((a) =>
    leaf.some((b) => {
      if (a.name !== b.name) return false;
      if ((a.invert ?? false) !== (b.invert ?? false)) return dequal(a.value, b.value);
      return a.invert !== true && excludeEachOther(a.value, b.value);
    }),
  );
}

/** Certainly; what regular expressions have in common is not known. */
function excludeEachOther(a: ValueMatchIr, b: ValueMatchIr): boolean {
  if (a.type === 'present' || b.type === 'present' || a.type === 'regex' || b.type === 'regex') return false;
  const ignoreCase = a.ignoreCase === true || b.ignoreCase === true;
  const [one, other] = ignoreCase ? [a.value.toLowerCase(), b.value.toLowerCase()] : [a.value, b.value];
  if (a.type === 'exact' && b.type === 'exact') return one !== other;
  if (a.type === 'exact') return !one.startsWith(other);
  if (b.type === 'exact') return !other.startsWith(one);
  return !one.startsWith(other) && !other.startsWith(one);
}

function mergeClients(root: ClientMatch | undefined, leaf: ClientMatch | undefined): ClientMatch | undefined | 'none' {
  if (root === undefined || leaf === undefined) return leaf ?? root;
  const namespace = leaf.namespace ?? root.namespace;
  if (root.namespace !== undefined && root.namespace !== namespace) return 'none';
  if (Object.entries(leaf.labels).some(([key, value]) => (root.labels[key] ?? value) !== value)) return 'none';
  return { labels: { ...root.labels, ...leaf.labels }, ...(namespace === undefined ? {} : { namespace }) };
}

function intersect(root: readonly string[] | undefined, leaf: readonly string[] | undefined) {
  if (root === undefined || leaf === undefined) return leaf ?? root;
  return leaf.filter((each) => root.includes(each));
}

function union<T>(root: readonly T[], leaf: readonly T[]): readonly T[] {
  return [...root.filter((each) => !leaf.some((other) => dequal(each, other))), ...leaf];
}
