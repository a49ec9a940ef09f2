/** The endpoints of one service cluster. */
export interface EndpointsIr {
  /** The cluster's name. */
  readonly clusterName: string;
  /** In order of priority, then of locality. */
  readonly groups: readonly EndpointGroupIr[];
}

/** Endpoints of one locality and priority. */
export interface EndpointGroupIr {
  readonly locality?: LocalityIr;
  /** 0 is tried first; the next when too few of it are healthy. */
  readonly priority: number;
  /** Share of the group among those of its priority; absent where localities are not weighted. */
  readonly weight?: number;
  /** Sorted by address and port. */
  readonly endpoints: readonly EndpointIr[];
}

/** What is not known is left out; a zone without region does not occur. */
export interface LocalityIr {
  readonly region: string;
  readonly zone?: string;
  readonly subzone?: string;
}

export interface EndpointIr {
  /** An IP address, a name where those are looked up, or `unix://` and the path of a socket. */
  readonly address: string;
  /** 0 for a socket. */
  readonly port: number;
  /** Share of the traffic; absent for 1. */
  readonly weight?: number;
  /** The instance accepts the mesh's mutual TLS on this port. */
  readonly meshTls: boolean;
  /** `NAME.NAMESPACE` of the workload instance; absent where only the address is known. */
  readonly instance?: string;
}
