/** The workloads whose proxies are gateways: Envoys without an application, at the edge of the mesh. */

/** A gateway that Lateen runs by itself on a laptop. */
export interface BuiltInGateway {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As those of a pod: some say how its proxy runs. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
}

/** Named and labelled as Istio's, so that Gateways written for it select this one. Every mesh has it. */
export const INGRESS_GATEWAY: BuiltInGateway = {
  name: 'istio-ingressgateway',
  namespace: 'istio-system',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  serviceAccount: 'istio-ingressgateway-service-account',
};

/** The same for traffic that leaves the mesh. It runs while some Gateway wants it (`wantsEgressGateway`). */
export const EGRESS_GATEWAY: BuiltInGateway = {
  name: 'istio-egressgateway',
  namespace: 'istio-system',
  labels: { app: 'istio-egressgateway', istio: 'egressgateway' },
  serviceAccount: 'istio-egressgateway-service-account',
};

export const BUILT_IN_GATEWAYS: readonly BuiltInGateway[] = [INGRESS_GATEWAY, EGRESS_GATEWAY];

/** Istio's name of the annotation or label of a pod template that says which templates it is completed with. */
export const INJECTION_TEMPLATES = 'inject.istio.io/templates';

interface PodTemplate {
  readonly metadata?:
    | {
        readonly labels?: Readonly<Record<string, string>> | undefined;
        readonly annotations?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
}

/** Whether the pods of a template are gateways (Istio's gateway injection). */
export function isGatewayPod({ metadata }: PodTemplate): boolean {
  const templates = metadata?.annotations?.[INJECTION_TEMPLATES] ?? metadata?.labels?.[INJECTION_TEMPLATES] ?? '';
  return templates.split(',').some((template) => template.trim() === 'gateway');
}

/** Whether a workload with these labels is one that a Gateway's `selector` means. */
export function isSelected(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** What one Gateway wants opened, and by whom. */
export interface GatewayPorts {
  readonly selector: Readonly<Record<string, string>>;
  /** Only by workloads of this namespace; absent: of any. */
  readonly namespace?: string;
  readonly ports: readonly number[];
}

/** The ports of all Gateways that mean a workload, sorted. */
export function portsFor(
  workload: { readonly labels: Readonly<Record<string, string>>; readonly namespace: string },
  gateways: readonly GatewayPorts[],
): number[] {
  const selecting = gateways.filter(
    ({ selector, namespace }) =>
      (namespace === undefined || namespace === workload.namespace) && isSelected(workload.labels, selector),
  );
  return [...new Set(selecting.flatMap(({ ports }) => ports))].sort((a, b) => a - b);
}

/**
 * Whether the built-in egress gateway is needed: some Gateway names its labels, and no gateway of the user's has them.
 * A Gateway without a selector is for every gateway there is, and asks for none.
 */
export function wantsEgressGateway(
  selectors: readonly Readonly<Record<string, string>>[],
  ownGatewayLabels: readonly Readonly<Record<string, string>>[],
): boolean {
  return selectors.some(
    (selector) =>
      Object.keys(selector).length > 0 &&
      isSelected(EGRESS_GATEWAY.labels, selector) &&
      !ownGatewayLabels.some((labels) => isSelected(labels, selector)),
  );
}

/** Ports below 1024 need privileges on most systems. */
const UNPRIVILEGED_OFFSET = 8000;
const USUAL_HOST_PORTS: Readonly<Record<number, number>> = { 80: 8080, 443: 8443 };

/** The port of the machine that the ingress gateway opens for one of a Gateway server, where nobody has taken it. */
export function usualHostPort(port: number): number {
  return USUAL_HOST_PORTS[port] ?? (port < 1024 ? port + UNPRIVILEGED_OFFSET : port);
}
