/** What the proxies of one workload have asked for. */
export interface LearntHosts {
  readonly hosts: readonly LearntHost[];
  /** Another one whenever hosts were taken away, so that proxies ask for them again: below a billion. */
  readonly epoch: number;
}

/** A host that was called, without its port. */
export interface LearntHost {
  /** The route table behind the listener that took the call. */
  readonly table: string;
  /** In lower case; IPv6 addresses in brackets. */
  readonly host: string;
  /** Nobody gets its virtual host until somebody asks again: that tells whether it is still called. */
  readonly isOnTrial?: true;
}
