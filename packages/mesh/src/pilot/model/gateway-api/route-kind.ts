export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

/** Kinds of routes, as they are written. */
export const ROUTE_KINDS = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

export function isRouteKind(kind: string): kind is RouteKind {
  return (ROUTE_KINDS as readonly string[]).includes(kind);
}

export type ListenerProtocol = 'HTTP' | 'HTTPS' | 'TLS' | 'TCP' | 'UDP';

const KINDS_OF: Readonly<Record<ListenerProtocol, readonly RouteKind[]>> = {
  HTTP: ['HTTPRoute', 'GRPCRoute'],
  HTTPS: ['HTTPRoute', 'GRPCRoute'],
  TLS: ['TLSRoute', 'TCPRoute'],
  TCP: ['TCPRoute'],
  UDP: ['UDPRoute'],
};

/** Undefined for a protocol that Lateen does not know. */
export function kindsServedBy(protocol: string, passesOn = false): readonly RouteKind[] | undefined {
  const kinds = KINDS_OF[protocol as ListenerProtocol];
  // What is passed on unread is told apart by its server name only.
  return protocol === 'TLS' && passesOn ? ['TLSRoute'] : kinds;
}
