import type { HttpProtocol, VerdictHeader, VerdictRequest } from '@lateen/api/verdict.ts';

/** A request on its way through a connection manager, which changes it step by step. */
export interface RoutedRequest {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: VerdictHeader[];
  readonly madeUp: Set<string>;
  readonly connection: DownstreamConnection;
}

/** What routes and header values can say of the connection. */
export interface DownstreamConnection {
  readonly protocol: HttpProtocol;
  readonly tls: boolean;
  /** The client showed a certificate, and it was checked. */
  readonly certificate: 'none' | 'unchecked' | 'checked';
  readonly sourceHost: string;
}

/** The value of a header, or of one of the pseudo headers; of several of the same name, with commas between. */
export function headerValue(request: RoutedRequest, name: string): string | undefined {
  switch (name) {
    case ':method':
      return request.method;
    case ':path':
      return request.path === '' ? undefined : request.path;
    case ':scheme':
      return request.scheme;
    case ':authority':
    case 'host':
      return request.authority;
    default:
      return joinedValue(request.headers, name);
  }
}

export function joinedValue(headers: readonly VerdictHeader[], name: string): string | undefined {
  let value: string | undefined;
  for (const [each, text] of headers) {
    if (each === name) value = value === undefined ? text : `${value},${text}`;
  }
  return value;
}

export function setHeader(headers: VerdictHeader[], name: string, value: string): void {
  const at = headers.findIndex(([each]) => each === name);
  if (at === -1) {
    headers.push([name, value]);
    return;
  }
  headers[at] = [name, value];
  for (let index = headers.length - 1; index > at; index--) if (headers[index]?.[0] === name) headers.splice(index, 1);
}

export function removeHeader(headers: VerdictHeader[], name: string): void {
  for (let index = headers.length - 1; index >= 0; index--) if (headers[index]?.[0] === name) headers.splice(index, 1);
}

export function copyRequest(request: RoutedRequest): RoutedRequest {
  return { ...request, headers: [...request.headers], madeUp: new Set(request.madeUp) };
}

export function viewOf({ method, scheme, authority, path, headers, madeUp }: RoutedRequest): VerdictRequest {
  return { method, scheme, authority, path, headers: [...headers], madeUpHeaders: [...madeUp].sort() };
}

/** Without query and fragment. */
export function pathOnly(path: string): string {
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}
