import { headerValue, pathOnly, type RoutedRequest } from './request.ts';

/** What the operators in a header's value can refer to. */
export interface FormatContext {
  readonly request: RoutedRequest;
  readonly routeName: string;
  readonly virtualHost: string;
  readonly cluster?: string;
}

/**
 * The text of a header value with Envoy's operators (`%REQ(x-user)%`) filled in, where what is not there counts as empty.
 * Null if it holds an operator whose value cannot be known before the call.
 */
export function formatValue(template: string, context: FormatContext): string | null {
  if (!template.includes('%')) return template;
  let known = true;
  const text = template.replace(/%%|%([A-Z_]+)(?:\(([^)]*)\))?(?::(\d+))?%/g, (all, operator, argument, length) => {
    if (all === '%%') return '%';
    const value = operatorValue(operator as string, argument as string | undefined, context);
    if (value === null) known = false;
    return length === undefined ? (value ?? '') : (value ?? '').slice(0, Number(length));
  });
  return known ? text : null;
}

function operatorValue(operator: string, argument: string | undefined, context: FormatContext): string | null {
  const { request } = context;
  switch (operator) {
    case 'REQ': {
      const [main = '', alternative] = (argument ?? '').split('?');
      const value = headerOf(request, main);
      return (value === undefined && alternative !== undefined ? headerOf(request, alternative) : value) ?? '';
    }
    case 'REQ_WITHOUT_QUERY':
      return pathOnly(headerOf(request, argument ?? '') ?? '');
    case 'PROTOCOL':
      return { http1: 'HTTP/1.1', http2: 'HTTP/2', http3: 'HTTP/3' }[request.connection.protocol];
    case 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT':
      return request.connection.sourceHost;
    case 'ROUTE_NAME':
      return context.routeName;
    case 'VIRTUAL_HOST_NAME':
      return context.virtualHost;
    case 'UPSTREAM_CLUSTER':
      return context.cluster ?? null;
    default:
      return null;
  }
}

/** Of a header that is there several times, the first. */
function headerOf(request: RoutedRequest, written: string): string | undefined {
  const name = written.toLowerCase();
  return request.headers.find(([each]) => each === name)?.[1] ?? headerValue(request, name);
}
