import type { ClusterVerdict } from '@lateen/api/verdict.ts';
import type { Cluster } from '@lateen/envoy-api/envoy/config/cluster/v3/cluster_pb.js';
import type { ClusterLoadAssignment } from '@lateen/envoy-api/envoy/config/endpoint/v3/endpoint_pb.js';
import type { Filter } from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import type { Secret } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { missingCluster, PreparedCluster } from './cluster/cluster.ts';
import { type PreparedManager, prepareManager } from './http/connection-manager.ts';
import { type PreparedListener, prepareListener } from './listener/listener.ts';
import { PreparedTable } from './route/route-table.ts';
import type { RouteTableSource } from './route/table-source.ts';

/** The configuration of one proxy. What is asked for by name is only looked up when a call needs it. */
export interface ProxyConfiguration {
  readonly listeners: readonly Listener[];
  readonly route: (name: string) => RouteTableSource | undefined;
  readonly cluster: (name: string) => Cluster | undefined;
  /** By the cluster's name, or its `service_name` for EDS. */
  readonly endpoints: (name: string) => ClusterLoadAssignment | undefined;
  /** What comes by SDS from the control plane, and not from the agent. Absent: everything that is asked for is there. */
  readonly secret?: (name: string) => Secret | undefined;
}

/** A proxy's configuration, made ready to be asked often: indexes are built once, when they are first needed. */
export class PreparedProxy {
  readonly listeners: readonly PreparedListener[];
  readonly #configuration: ProxyConfiguration;
  readonly #tables = new Map<string, PreparedTable | undefined>();
  readonly #clusters = new Map<string, PreparedCluster | undefined>();
  readonly #managers = new Map<Filter, PreparedManager>();

  constructor(configuration: ProxyConfiguration) {
    this.#configuration = configuration;
    this.listeners = configuration.listeners.map(prepareListener);
  }

  manager(filter: Filter, config: Uint8Array): PreparedManager {
    let manager = this.#managers.get(filter);
    if (manager === undefined) {
      manager = prepareManager(config);
      this.#managers.set(filter, manager);
    }
    return manager;
  }

  /** Whether a secret that the control plane is asked for is there; undefined: it is in files, of which nothing is known. */
  hasSecret(name: string): boolean | undefined {
    const { secret } = this.#configuration;
    if (secret === undefined) return true;
    const found = secret(name);
    if (found === undefined) return false;
    const data = found.type.case === 'tlsCertificate' ? found.type.value.certificateChain : trustedCaOf(found);
    return data?.specifier.case === 'filename' ? undefined : true;
  }

  /** The table behind a connection manager; undefined if the proxy does not hold it. */
  table(manager: PreparedManager): PreparedTable | undefined {
    if (manager.inlineTable !== undefined) return manager.inlineTable;
    const name = manager.tableName;
    if (!this.#tables.has(name)) {
      const found = this.#configuration.route(name);
      this.#tables.set(name, found === undefined ? undefined : new PreparedTable(found));
    }
    return this.#tables.get(name);
  }

  cluster(name: string): PreparedCluster | undefined {
    if (!this.#clusters.has(name)) {
      const found = this.#configuration.cluster(name);
      const assignment = found?.edsClusterConfig?.serviceName || name;
      this.#clusters.set(
        name,
        found === undefined ? undefined : new PreparedCluster(found, this.#configuration.endpoints(assignment)),
      );
    }
    return this.#clusters.get(name);
  }

  /** What `use` makes of the cluster, or that there is none. */
  clusterVerdict(name: string, use: (cluster: PreparedCluster) => ClusterVerdict): ClusterVerdict {
    const cluster = this.cluster(name);
    return cluster === undefined ? missingCluster(name) : use(cluster);
  }
}

function trustedCaOf({ type }: Secret) {
  return type.case === 'validationContext' ? type.value.trustedCa : undefined;
}
