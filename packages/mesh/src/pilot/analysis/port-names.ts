const KNOWN = new Set([
  ...['http', 'http2', 'https', 'grpc', 'grpc-web', 'tls', 'tcp', 'udp'],
  ...['mongo', 'mysql', 'redis', 'hbone', 'auto'],
]);

/** Whether the name of a port begins with its protocol: `http`, `http-api`, `grpc-web-api`. */
export function tellsProtocol(name: string | undefined): boolean {
  if (name === undefined) return false;
  const lower = name.toLowerCase();
  if (KNOWN.has(lower) || lower.startsWith('grpc-web-')) return true;
  return KNOWN.has(lower.split('-', 1)[0] ?? '');
}
