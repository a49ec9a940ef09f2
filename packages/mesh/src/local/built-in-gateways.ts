import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import {
  EGRESS_GATEWAY,
  INGRESS_GATEWAY,
  isGatewayPod,
  portsFor,
  wantsEgressGateway,
} from '@lateen/api/gateway-workload.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import type { ProxyState as ControlPlaneView, ManifestsMessage } from '#pilot/registry/processes/link.ts';
import type { MeshContext } from './context.ts';
import { Gateway } from './gateway.ts';

export interface BuiltInGatewaysOptions {
  readonly context: MeshContext;
  /** Of the ingress gateway; see `GatewayOptions`. */
  readonly hostPorts: Readonly<Record<number, number>>;
  readonly onNotice: (text: string) => void;
}

/** The ingress gateway that every mesh has, and the egress gateway while some Gateway asks for it. */
export class BuiltInGateways {
  readonly #options: BuiltInGatewaysOptions;
  readonly #ingress: Gateway;
  #egress: Gateway | undefined;
  /** Egress gateways on their way down. */
  readonly #ending = new Set<Promise<void>>();
  #proxies: Readonly<Record<string, ControlPlaneView>> = {};
  #stopped = false;

  constructor(options: BuiltInGatewaysOptions) {
    const { context, hostPorts, onNotice } = options;
    this.#options = options;
    this.#ingress = new Gateway({ context, gateway: INGRESS_GATEWAY, proxy: {}, hostPorts, onNotice });
  }

  /** Resolves when the ingress gateway is known to `context.instances`. */
  start(): Promise<void> {
    return this.#ingress.start();
  }

  get ready(): boolean {
    return this.#all().every((gateway) => gateway.ready);
  }

  /** The whole wanted state. */
  apply({ gateways, deployments, builtInProxies }: ManifestsMessage): void {
    if (this.#stopped) return;
    this.#ingress.serve(portsFor(INGRESS_GATEWAY, gateways));
    for (const gateway of this.#all()) gateway.configure(builtInProxies[gateway.name] ?? {});
    const wanted = wantsEgressGateway(
      gateways.map(({ selector }) => selector),
      deployments
        .map(({ deployment }) => deployment.spec.template)
        .filter(isGatewayPod)
        .map(({ metadata }) => metadata?.labels ?? {}),
    );
    if (wanted) {
      this.#egress ??= this.#startEgress(builtInProxies[EGRESS_GATEWAY.name] ?? {});
      this.#egress.serve(portsFor(EGRESS_GATEWAY, gateways));
    } else if (this.#egress !== undefined) {
      this.#end(this.#egress);
      this.#egress = undefined;
    }
  }

  tell(proxies: Readonly<Record<string, ControlPlaneView>>): void {
    this.#proxies = proxies;
    for (const gateway of this.#all()) gateway.tell(proxies[gateway.key]);
  }

  problems(): Diagnostic[] {
    return this.#all().flatMap((gateway) => gateway.problems());
  }

  /** Lets the requests from outside finish, and takes no new ones. */
  drain(): Promise<void> {
    return this.#ingress.drain();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#all().map((gateway) => gateway.stop()), ...this.#ending]);
  }

  kill(): void {
    this.#stopped = true;
    for (const gateway of this.#all()) gateway.kill();
  }

  #all(): Gateway[] {
    return this.#egress === undefined ? [this.#ingress] : [this.#ingress, this.#egress];
  }

  #startEgress(proxy: ProxySettings): Gateway {
    const { context, onNotice } = this.#options;
    const gateway = new Gateway({ context, gateway: EGRESS_GATEWAY, proxy, hostPorts: 'any', onNotice });
    // One of the same name that is about to end has to be gone first.
    void Promise.all(this.#ending).then(async () => {
      if (gateway.stopping) return;
      await gateway.start();
      gateway.tell(this.#proxies[gateway.key]);
    });
    return gateway;
  }

  #end(gateway: Gateway): void {
    const ending = gateway.stop().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}
