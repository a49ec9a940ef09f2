import type { VirtualService } from '@lateen/api/kinds.ts';
import { parseRegex, RegexError, type RegexNode } from '../../simulator/regex/syntax.ts';
import { type Check, type Problem, refOf } from '../check.ts';

/** Rewrites that make something of the path that no server takes. */
export const pathRewrites: Check = {
  about: 'rewrites that spoil the path',
  *run(mesh) {
    for (const object of mesh.of('VirtualService')) {
      for (const [at, { rewrite }] of (object.spec.http ?? []).entries()) {
        const path = `spec.http[${at}].rewrite`;
        if (rewrite?.uri !== undefined && rewrite.uri !== '' && !rewrite.uri.startsWith('/')) {
          yield noSlash(object, `${path}.uri`, `${JSON.stringify(rewrite.uri)} does not`);
        }
        if (rewrite?.uriRegexRewrite === undefined) continue;
        yield* regexProblems(object, `${path}.uriRegexRewrite.rewrite`, rewrite.uriRegexRewrite);
      }
    }
  },
};

function noSlash(object: VirtualService, path: string, what: string): Problem {
  const message = `a path starts with '/', and ${what}: servers answer such a request with 400`;
  return { code: 'LAT0700', object: refOf(object), path, message };
}

function* regexProblems(
  object: VirtualService,
  path: string,
  { match, rewrite }: { readonly match: string; readonly rewrite: string },
): Generator<Problem> {
  const regex = parsed(match);
  if (regex === undefined) return;
  const { tree, groups } = regex;
  const wrong = [...rewrite.matchAll(/\\(.?)/gs)].find(
    ([, escaped = '']) => escaped !== '\\' && !(/\d/.test(escaped) && Number(escaped) <= groups),
  );
  if (wrong !== undefined) {
    const [text, escaped = ''] = wrong;
    const why = /\d/.test(escaped)
      ? `${text} stands for a group that the expression does not have (it has ${groups})`
      : `${JSON.stringify(text)} means nothing: behind a backslash stands the number of a group, or another backslash`;
    yield { code: 'LAT0701', object: refOf(object), path, message: `${why}. Nothing is replaced` };
  } else if (startsAnchored(tree) && losesSlash(tree, rewrite)) {
    yield noSlash(object, path, `what the expression puts at its start (${rewrite}) does not`);
  }
}

function parsed(pattern: string): ReturnType<typeof parseRegex> | undefined {
  try {
    return parseRegex(pattern);
  } catch (error) {
    if (error instanceof RegexError) return undefined;
    throw error;
  }
}

function partsOf(node: RegexNode): readonly RegexNode[] {
  return node.type === 'sequence' ? node.parts : [node];
}

/** Only such an expression is certain to replace the start of the path. */
function startsAnchored(tree: RegexNode): boolean {
  const [first] = partsOf(tree);
  return first?.type === 'assertion' && (first.holds === 'text-start' || first.holds === 'line-start');
}

/** Whether it is plain that the new text does not start with a slash where the old one did. */
function losesSlash(tree: RegexNode, rewrite: string): boolean {
  const number = /^\\(\d)/.exec(rewrite)?.[1];
  if (number === undefined) return !rewrite.startsWith('/');
  const parts = partsOf(tree);
  const at = parts.findIndex((part) => part.type === 'group' && part.index === Number(number));
  const group = parts[at];
  const before = parts[at - 1];
  if (number === '0' || group === undefined || before === undefined || before.type === 'assertion') return false;
  // Behind a slash there is hardly another one, though `.*` would take it.
  return isSlash(before) || !canStartWithSlash(group);
}

const SLASH = '/'.charCodeAt(0);

function isSlash(node: RegexNode): boolean {
  return node.type === 'character' && node.test(SLASH) && ![...'aZ0-_.'].some((each) => node.test(each.charCodeAt(0)));
}

/** In doubt, and where it matches nothing at all: yes. */
function canStartWithSlash(node: RegexNode): boolean {
  switch (node.type) {
    case 'character':
      return node.test(SLASH);
    case 'group':
      return canStartWithSlash(node.inner);
    case 'repeat':
      return node.least === 0 || canStartWithSlash(node.inner);
    case 'choice':
      return node.parts.some(canStartWithSlash);
    case 'sequence':
      return node.parts[0] === undefined || canStartWithSlash(node.parts[0]);
    case 'empty':
    case 'assertion':
      return true;
  }
}
