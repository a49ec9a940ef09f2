import { LateenError } from '@lateen/api/lateen-error.ts';

/** A URL of a request, with path and query as they are written: `new URL` would put them in order. */
export interface CallUrl {
  readonly scheme: 'http' | 'https' | 'tcp';
  /** A name in lower case, or an address; of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As written: with a port only if there is one. */
  readonly authority: string;
  /** Begins with a slash; empty for TCP. */
  readonly path: string;
}

const DEFAULT_PORTS = { http: 80, https: 443, tcp: 0 } as const;

const URL_FORM = /^([a-z]+):\/\/((?:\[[0-9a-f:.]+\]|[\w.*~-]+)(?::(\d{1,5}))?)([/?][!-~]*)?$/i;

/** Throws LAT0560. */
export function parseCallUrl(text: string): CallUrl {
  const [, schemeText = '', authority = '', portText = '', rest = ''] = URL_FORM.exec(text) ?? [];
  const scheme = schemeText.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https' && scheme !== 'tcp') throw notCallable(text);
  const port = portText === '' ? DEFAULT_PORTS[scheme] : Number(portText);
  if (port < 1 || port > 65_535 || rest.includes('#') || (scheme === 'tcp' && rest !== '')) throw notCallable(text);
  const host = portText === '' ? authority : authority.slice(0, -portText.length - 1);
  return {
    scheme,
    host: host.replace(/^\[|\]$/g, '').toLowerCase(),
    port,
    authority,
    path: scheme === 'tcp' ? '' : rest.startsWith('/') ? rest : `/${rest}`,
  };
}

function notCallable(text: string): LateenError {
  return new LateenError(
    'LAT0560',
    `${JSON.stringify(text)} is not a URL that can be called.`,
    'Write it as http://HOST[:PORT]/PATH, https://... or tcp://HOST:PORT, with percent signs for what is not ASCII.',
  );
}
