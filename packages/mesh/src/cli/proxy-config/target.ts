import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';

/** What proxies are called. */
export interface NamedProxies {
  readonly workloads: readonly (Omit<Target, 'replicas'> & { readonly workload: string })[];
  readonly gateways: readonly Omit<Target, 'replicas'>[];
}

/** A proxy of a mesh. */
export interface Target {
  readonly name: string;
  readonly namespace: string;
  /** `http://127.0.0.1:PORT`; empty if it does not run. */
  readonly envoyAdmin: string;
  /** Replicas of the workload, if one was named. */
  readonly replicas: number;
}

/** The word for the ingress gateway. */
const GATEWAY = 'gateway';

/**
 * The proxy that is meant by the name of a replica, of a Deployment (its first replica), or `gateway`; each may have
 * `.NAMESPACE` behind it. Throws LAT0534.
 */
export function findTarget(status: NamedProxies, word: string, namespace: string | undefined): Target {
  const bare = word.replace(/^(pods?|deployments?|deploy)\//, '');
  const all = [...status.workloads, ...status.gateways.map((each) => ({ ...each, workload: each.name }))];
  // Others may run beside it: the egress gateway, and those of Deployments.
  const ingress = status.gateways.find(
    (each) => each.name === INGRESS_GATEWAY.name && each.namespace === INGRESS_GATEWAY.namespace,
  );
  if (bare === GATEWAY && ingress !== undefined && !all.some(({ workload }) => workload === GATEWAY)) {
    return { ...targetOf(ingress), replicas: 1 };
  }
  const readings = [{ name: bare, namespace: namespace ?? 'default' }, ...splitAtDot(bare, namespace)];
  for (const wanted of readings) {
    const inNamespace = all.filter((each) => each.namespace === wanted.namespace);
    const replica = inNamespace.find(({ name }) => name === wanted.name);
    if (replica !== undefined) return { ...targetOf(replica), replicas: 1 };
    const replicas = inNamespace.filter(({ workload }) => workload === wanted.name);
    const [first] = replicas.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (first !== undefined) return { ...targetOf(first), replicas: replicas.length };
  }
  const shown = (each: { name: string; namespace: string }) =>
    each.namespace === 'default' ? each.name : `${each.name}.${each.namespace}`;
  const known = [
    ...new Set(status.workloads.map(({ workload, namespace: of }) => shown({ name: workload, namespace: of }))),
    ...status.gateways.map(shown),
    GATEWAY,
  ];
  throw new LateenError(
    'LAT0534',
    `There is no workload ${JSON.stringify(word)}${didYouMean(bare, known).replace(/\?$/, '')}.`,
    `Workloads: ${known.join(', ')}`,
  );
}

/** Names may have dots themselves, so the last one is tried. */
function splitAtDot(word: string, namespace: string | undefined): { name: string; namespace: string }[] {
  const dot = word.lastIndexOf('.');
  if (dot < 0 || namespace !== undefined) return [];
  return [{ name: word.slice(0, dot), namespace: word.slice(dot + 1) }];
}

function targetOf({ name, namespace, envoyAdmin }: Omit<Target, 'replicas'>): Omit<Target, 'replicas'> {
  return { name, namespace, envoyAdmin };
}
