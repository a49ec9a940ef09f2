import type { ObjectRef } from './diagnostic.ts';

/** `GET /api/v1/proxies/:name/scope`: what a proxy holds of the mesh, and why. */
export interface ProxyScope {
  /** `NAME.NAMESPACE` */
  readonly name: string;
  readonly workload: string;
  readonly namespace: string;
  /**
   * What decides: hosts that workloads ask for, those that a Sidecar lists, or all that the namespace sees.
   */
  readonly scoping: 'on-demand' | 'listed' | 'namespace';
  /** Labels that this workload alone has in its namespace, as far as is known; absent if there are none. */
  readonly selector?: Readonly<Record<string, string>>;
  /** In order of host. */
  readonly services: readonly HeldService[];
  /** Hosts that were asked for and are no service that the workload sees. */
  readonly unknown: readonly AskedHost[];
}

export interface HeldService {
  readonly host: string;
  readonly namespace: string;
  /** Those that the proxy holds. */
  readonly ports: readonly HeldPort[];
  /** At least one. */
  readonly reasons: readonly ScopeReason[];
}

export interface HeldPort {
  readonly port: number;
  readonly protocol: string;
}

export type ScopeReason =
  | { readonly type: 'namespace' }
  | { readonly type: 'listed'; readonly by: ObjectRef }
  | ({ readonly type: 'asked' } & AskedHost)
  /** It cannot be asked for: its host is a pattern, or stands in each call; or these ports do not speak HTTP. */
  | { readonly type: 'always'; readonly because: 'pattern' | 'by-name' }
  | { readonly type: 'always'; readonly because: 'ports'; readonly ports: readonly HeldPort[] }
  /** A rule for what the workload knows sends calls there. */
  | { readonly type: 'route'; readonly of: ObjectRef }
  /** Another host, which the workload knows, stands for it. */
  | { readonly type: 'alias'; readonly host: string }
  /** Calls of hosts that are no service go there. */
  | { readonly type: 'egress-proxy'; readonly of: ObjectRef };

/** A host as it was called. */
export interface AskedHost {
  readonly host: string;
  /** Of the listener that took the call. */
  readonly port?: number;
  /** The last time that a proxy asked, in UTC (RFC 3339), if that is known. */
  readonly askedAt?: string;
  /** Since when it is found out whether anybody still calls it. */
  readonly onTrialSince?: string;
}
