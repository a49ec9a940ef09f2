import { escapeRegex } from '@lateen/api/re2-syntax.ts';
import type { PathRewriteIr } from '../../proxy/ir/route-action.ts';
import type { PathMatchIr } from '../../proxy/ir/route-match.ts';

/** How Envoy is told: what replaces the matched prefix, or the whole path where that was matched; or what replaces a part. */
export type EnvoyPathRewrite =
  | { readonly type: 'prefix'; readonly value: string }
  | {
      readonly type: 'regex';
      readonly value: { readonly pattern: { readonly regex: string }; readonly substitution: string };
    };

export function translatePathRewrite(path: PathRewriteIr, match: PathMatchIr): EnvoyPathRewrite {
  if (path.type === 'regex') return regexRewrite(path.pattern, path.substitution);
  if (path.type === 'full') {
    // What Envoy calls the prefix is the whole path where that was matched.
    const isWhole = match.type === 'exact' || match.type === 'regex';
    return isWhole ? { type: 'prefix', value: path.value } : regexRewrite('^.*$', escapeSubstitution(path.value));
  }
  if (match.type === 'separated-prefix' && path.value !== '/') return { type: 'prefix', value: path.value };
  const prefix = match.type === 'prefix' || match.type === 'separated-prefix' ? match.value : '/';
  // Exactly one slash between what replaces the prefix and the rest of the path.
  if (prefix.endsWith('/') && !path.value.endsWith('/')) return { type: 'prefix', value: `${path.value}/` };
  if (prefix.endsWith('/') || !path.value.endsWith('/')) return { type: 'prefix', value: path.value };
  const flags = match.type === 'prefix' && match.ignoreCase ? '(?i)' : '';
  return regexRewrite(`${flags}^${escapeRegex(prefix)}/?(.*)$`, `${escapeSubstitution(path.value)}\\1`);
}

function regexRewrite(regex: string, substitution: string): EnvoyPathRewrite {
  return { type: 'regex', value: { pattern: { regex }, substitution } };
}

function escapeSubstitution(text: string): string {
  return text.replaceAll('\\', '\\\\');
}
