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
  if (path.type === 'full') return { type: 'prefix', value: path.value };
  const prefix = match.type === 'prefix' ? match.value : '/';
  // Exactly one slash between what replaces the prefix and the rest of the path.
  if (prefix.endsWith('/') && !path.value.endsWith('/')) return { type: 'prefix', value: `${path.value}/` };
  if (prefix.endsWith('/') || !path.value.endsWith('/')) return { type: 'prefix', value: path.value };
  const flags = match.type === 'prefix' && match.ignoreCase ? '(?i)' : '';
  return regexRewrite(`${flags}^${escapeRegex(prefix)}/?(.*)$`, `${path.value.replaceAll('\\', '\\\\')}\\1`);
}

function regexRewrite(regex: string, substitution: string): EnvoyPathRewrite {
  return { type: 'regex', value: { pattern: { regex }, substitution } };
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
