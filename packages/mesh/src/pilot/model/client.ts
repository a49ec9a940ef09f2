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
  readonly capture: OutboundCapture;
  /** Whether virtual hosts come on their own where they can, or all of them in their tables. */
  readonly hosts: 'apart' | 'in-tables';
  /**
   * `NAMESPACE/NAME` of its workload, if what that calls is found out by its proxies' asking, and not all that its namespace
   * sees is given to it.
   */
  readonly workload?: string;
  /** `NAMESPACE/NAME` of the Gateway that it is a proxy of, if that shows a certificate of its own to backends. */
  readonly gateway?: string;
}

/**
 * How calls of applications come to their proxy: to ports that they are told of (`explicit`), redirected by the kernel, or
 * to the called port on the loopback address. Gateways have no application.
 */
export type OutboundCapture =
  | { readonly type: 'explicit' | 'gateway' }
  | { readonly type: 'redirect' | 'loopback'; readonly family: 4 | 6 };

/**
 * @param askedLabels label keys by which configuration tells clients apart (`sourceLabels`, a `workloadSelector`)
 * @param takesHosts whether the proxy can be given virtual hosts on their own
 * @param onDemand whether what it calls is found out by its asking, where hosts come on their own
 * @param gateway as in the class
 */
export function clientClassOf(
  instance: Pick<WorkloadInstance, 'role' | 'namespace' | 'workload' | 'labels' | 'capture' | 'address'>,
  askedLabels: Iterable<string>,
  { takesHosts, onDemand }: { readonly takesHosts: boolean; readonly onDemand: boolean },
  gateway?: string,
): ClientClass {
  const { role, namespace, labels } = instance;
  const capture = captureOf(instance);
  const hosts = takesHosts && 'family' in capture ? 'apart' : 'in-tables';
  const workload = onDemand && hosts === 'apart' ? `${namespace}/${instance.workload}` : undefined;
  const known = [...askedLabels].sort().flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const ofGateway = gateway === undefined ? [] : [`gateway ${gateway}`];
  const how = 'family' in capture ? [`${capture.type}${capture.family}`, ...(hosts === 'apart' ? ['apart'] : [])] : [];
  const ofWorkload = workload === undefined ? [] : [`workload ${workload}`];
  const ofLabels = known.map(([key, value]) => `${key}=${value}`);
  return {
    key: [role, ...how, namespace, ...ofLabels, ...ofWorkload, ...ofGateway].join('|'),
    role,
    namespace,
    labels: Object.fromEntries(known),
    capture,
    hosts,
    ...(workload === undefined ? {} : { workload }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

function captureOf({ capture, address }: Pick<WorkloadInstance, 'capture' | 'address'>): OutboundCapture {
  if (capture.mode !== 'redirect') return { type: capture.mode };
  // TPROXY is for inbound connections; outbound ones are redirected all the same.
  return { type: capture.interception === 'none' ? 'loopback' : 'redirect', family: address.includes(':') ? 6 : 4 };
}
