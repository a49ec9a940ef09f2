import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { portsFor } from '@lateen/api/gateway-workload.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import type { ProxyState as ControlPlaneView, GatewayRef } from '#pilot/registry/processes/link.ts';
import type { MeshContext } from './context.ts';
import { Gateway } from './gateway.ts';
import { containerPortsOf, type PodTemplate, serviceAccountOf } from './pod.ts';

export interface GatewayReplicaOptions {
  readonly context: MeshContext;
  readonly deployment: string;
  readonly namespace: string;
  readonly ordinal: number;
  readonly template: PodTemplate;
  readonly hash: string;
  readonly proxy: ProxySettings;
  /** Its readiness changed, or it is gone. */
  readonly onChange: () => void;
}

/** Istio's name of the container that gateway injection completes, and the image that it replaces. */
const PROXY_CONTAINER = 'istio-proxy';
const PROXY_IMAGE = 'auto';

/** One replica of a Deployment whose pods are gateways: an Envoy with the Deployment's labels and identity. */
export class GatewayReplica {
  readonly name: string;
  readonly ordinal: number;
  readonly hash: string;
  readonly #options: GatewayReplicaOptions;
  readonly #gateway: Gateway;

  constructor(options: GatewayReplicaOptions) {
    const { context, deployment, namespace, ordinal, template, hash, proxy, onChange } = options;
    this.#options = options;
    this.name = `${deployment}-${ordinal}`;
    this.ordinal = ordinal;
    this.hash = hash;
    this.#gateway = new Gateway({
      context,
      gateway: {
        name: this.name,
        namespace,
        labels: template.metadata?.labels ?? {},
        serviceAccount: serviceAccountOf(template),
        deployment,
        portNames: Object.fromEntries(
          containerPortsOf(template).flatMap(({ name, containerPort }) =>
            name === undefined ? [] : [[name, containerPort] as const],
          ),
        ),
      },
      proxy,
      hostPorts: 'any',
      onNotice: () => {},
      onChange,
    });
  }

  get key(): string {
    return this.#gateway.key;
  }

  get ready(): boolean {
    return this.#gateway.ready;
  }

  get stopping(): boolean {
    return this.#gateway.stopping;
  }

  get gone(): boolean {
    return this.#gateway.gone;
  }

  start(): void {
    void this.#gateway.start();
  }

  tell(view: ControlPlaneView | undefined): void {
    this.#gateway.tell(view);
  }

  /** Opens the ports that the Gateways which select it ask for. */
  manifestsChanged(gateways: readonly GatewayRef[]): void {
    const labels = this.#options.template.metadata?.labels ?? {};
    this.#gateway.serve(portsFor({ labels, namespace: this.#options.namespace }, gateways));
  }

  problems(): Diagnostic[] {
    return [...this.#gateway.problems(), ...this.#uselessSettings()];
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }

  drain(): Promise<void> {
    return this.#gateway.drain();
  }

  kill(): void {
    this.#gateway.kill();
  }

  /** What a manifest says about processes that are not there: the Envoy is all that runs in a gateway's pod. */
  #uselessSettings(): Diagnostic[] {
    const { namespace, deployment, template } = this.#options;
    const object = { kind: 'Deployment', namespace, name: deployment };
    return template.spec.containers.flatMap((container, index) => {
      const path = `spec.template.spec.containers[${index}]`;
      if (container.name !== PROXY_CONTAINER && container.image !== PROXY_IMAGE) {
        const message = `the container ${container.name} does not run: a gateway's pod is its Envoy alone`;
        return [diagnostic('LAT0590', message, { object, path })];
      }
      const set = PROCESS_SETTINGS.filter((field) => container[field] !== undefined);
      if (set.length === 0) return [];
      const message = `${set.join(', ')} of the container ${container.name} has no effect: it is an Envoy that Lateen configures`;
      return [diagnostic('LAT0590', message, { object, path: `${path}.${set[0]}` })];
    });
  }
}

const PROCESS_SETTINGS = ['command', 'args', 'env', 'envFrom', 'workingDir'] as const;
