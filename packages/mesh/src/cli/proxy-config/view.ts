import type { EnvoyMessage } from '@lateen/api/admin.ts';

/** What one kind of configuration looks like: a table for people, plain data for machines. */
export interface View {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** For -o json and yaml: only what the rows are about. */
  readonly document: unknown;
}

export interface Filters {
  readonly name: string | undefined;
  readonly fqdn: string | undefined;
  readonly port: number | undefined;
  readonly subset: string | undefined;
  readonly direction: 'inbound' | 'outbound' | undefined;
}

/** Istio's cluster name, `outbound|9080|v1|reviews.default.svc.cluster.local`; other names are all that there is. */
export interface ClusterName {
  readonly direction: string;
  readonly port: string;
  readonly subset: string;
  readonly fqdn: string;
}

export function clusterNameOf(name: string): ClusterName {
  const [direction = '', port = '', subset = '', fqdn = '', ...more] = name.split('|');
  if (fqdn === '' && subset === '' && port === '') return { direction: '', port: '', subset: '', fqdn: name };
  return { direction, port, subset, fqdn: [fqdn, ...more].join('|') };
}

export function isWantedCluster(name: string, { name: wanted, fqdn, port, subset, direction }: Filters): boolean {
  const parts = clusterNameOf(name);
  return (
    (wanted === undefined || wanted === name) &&
    (fqdn === undefined || fqdn === parts.fqdn) &&
    (port === undefined || String(port) === parts.port) &&
    (subset === undefined || subset === parts.subset) &&
    (direction === undefined || direction === parts.direction)
  );
}

export type Messages = readonly EnvoyMessage[];
