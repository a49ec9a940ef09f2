export type PathPart = string | number;

const PLAIN = /^[A-Za-z0-9_-]+$/;

/** `spec.http[0].match[1].headers.end-user`; keys with other characters are quoted: `labels["app.kubernetes.io/name"]`. */
export function pathText(parts: readonly PathPart[]): string {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (!PLAIN.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** Inverse of `pathText`. */
export function pathParts(text: string): PathPart[] {
  const parts: PathPart[] = [];
  for (const match of text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) parts.push(Number(match[1]));
    else if (match[2] !== undefined) parts.push(JSON.parse(match[2]) as string);
    else parts.push(match[3] ?? '');
  }
  return parts;
}
