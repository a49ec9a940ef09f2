/** The endpoints of one service cluster. */
export interface EndpointsIr {
  /** The cluster's name. */
  readonly clusterName: string;
  /** Sorted by address and port. */
  readonly endpoints: readonly EndpointIr[];
}

export interface EndpointIr {
  readonly address: string;
  readonly port: number;
  /** The instance accepts the mesh's mutual TLS on this port. */
  readonly meshTls: boolean;
  /** `NAME.NAMESPACE` of the workload instance. */
  readonly instance: string;
}
