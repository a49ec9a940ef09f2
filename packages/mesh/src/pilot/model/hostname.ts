/** A Kubernetes Service's DNS name: `reviews.default.svc.cluster.local`. */
export function serviceHostname(name: string, namespace: string, clusterDomain: string): string {
  return `${name}.${namespace}.svc.${clusterDomain}`;
}

/** What a name of the cluster's DNS domain is called for short. */
export interface ShortNames {
  /** Clients of this namespace may use `near` as well. */
  readonly namespace: string;
  /** `reviews` */
  readonly near: readonly string[];
  /** `reviews.default`, `reviews.default.svc` */
  readonly far: readonly string[];
}

export function shortNamesOf(hostname: string, clusterDomain: string): ShortNames | undefined {
  const suffix = `.svc.${clusterDomain}`;
  if (!hostname.endsWith(suffix) || hostname.startsWith('*')) return undefined;
  const rest = hostname.slice(0, -suffix.length);
  const dot = rest.lastIndexOf('.');
  if (dot <= 0) return undefined;
  return { namespace: rest.slice(dot + 1), near: [rest.slice(0, dot)], far: [rest, `${rest}.svc`] };
}

/** A host without a dot is a Service of the object's own namespace; any other is taken as it stands (Istio's rule). */
export function resolveHost(host: string, namespace: string, clusterDomain: string): string {
  return host.includes('.') || host === '*' ? host : serviceHostname(host, namespace, clusterDomain);
}

/** Whether `pattern` (`*`, `*.example.com`, or a name) covers `host`, which may itself be a pattern. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1);
}

/** Of patterns that cover the same name, the narrowest first. Their length does not tell: `a.b.c` is as long as `*.b.c`. */
export function byNarrowness(a: string, b: string): number {
  if (a === b) return 0;
  return hostCovers(a, b) ? 1 : hostCovers(b, a) ? -1 : 0;
}

/** What both patterns cover: the narrower of the two, if one covers the other. */
export function intersectHosts(a: string, b: string): string | undefined {
  if (hostCovers(a, b)) return b;
  return hostCovers(b, a) ? a : undefined;
}

/** The patterns that cover a name, the narrowest first: `a.b.c`, `*.b.c`, `*.c`, `*`. */
export function patternsCovering(host: string): string[] {
  const labels = host.split('.');
  const wildcards = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  return [...new Set([host, ...wildcards, '*'])];
}

/** `NAMESPACE/NAME` of a Gateway that an object of the namespace names; the word `mesh` stays as it is. */
export function gatewayKey(gateway: string, namespace: string): string {
  return gateway === 'mesh' || gateway.includes('/') ? gateway : `${namespace}/${gateway}`;
}
