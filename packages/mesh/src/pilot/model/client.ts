import type { WorkloadInstance } from '@lateen/api/workload-instance.ts';

/**
 * All that decides what a proxy sees of the mesh, but for its own sockets and application. Proxies of one class hold the
 * same clusters and routes, made once.
 */
export interface ClientClass {
  /** Equal classes have equal keys. */
  readonly key: string;
  readonly role: WorkloadInstance['role'];
  readonly namespace: string;
  /** Of the labels of the workload, those that some configuration asks for. */
  readonly labels: Readonly<Record<string, string>>;
}

/** @param askedLabels label keys by which configuration tells clients apart (`sourceLabels`, a `workloadSelector`) */
export function clientClassOf(
  { role, namespace, labels }: Pick<WorkloadInstance, 'role' | 'namespace' | 'labels'>,
  askedLabels: Iterable<string>,
): ClientClass {
  const known = [...askedLabels].sort().flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    key: [role, namespace, ...known.map(([key, value]) => `${key}=${value}`)].join('|'),
    role,
    namespace,
    labels: Object.fromEntries(known),
  };
}
