import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { INGRESS_GATEWAY, usualHostPort } from '@lateen/api/gateway-workload.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import type {
  ProxyState as ControlPlaneView,
  ManifestsMessage,
  StartedGateway,
} from '#pilot/registry/processes/link.ts';
import type { MeshContext } from './context.ts';
import { Gateway, type HostPorts } from './gateway.ts';
import { GatewayPortMemory } from './gateway-port-memory.ts';

export interface BuiltInGatewaysOptions {
  readonly context: MeshContext;
  /** Wanted ports of this machine by port of a Gateway server, of the ingress gateway. Others as is usual. */
  readonly hostPorts: Readonly<Record<number, number>>;
  readonly onNotice: (text: string) => void;
  /** Something is wrong with a file that is only a convenience. */
  readonly onFileProblem: (error: unknown) => void;
}

interface Running {
  readonly gateway: Gateway;
  /** What only one that is started anew can take over. */
  readonly identity: string;
  readonly hostPorts: StartedGateway['hostPorts'];
}

const INGRESS_KEY = instanceKey(INGRESS_GATEWAY);

/** The gateways that run without a Deployment: the ingress gateway always, others while the configuration asks for them. */
export class BuiltInGateways {
  readonly #options: BuiltInGatewaysOptions;
  readonly #memory: GatewayPortMemory;
  /** By `instanceKey`. */
  readonly #running = new Map<string, Running>();
  /** Those on their way down, by the same. */
  readonly #ending = new Map<string, Promise<void>>();
  #proxies: Readonly<Record<string, ControlPlaneView>> = {};
  #stopped = false;

  constructor(options: BuiltInGatewaysOptions) {
    this.#options = options;
    this.#memory = new GatewayPortMemory(options.context.stateDir, options.onFileProblem);
  }

  /** Resolves when the ingress gateway is known to `context.instances`. */
  start(): Promise<void> {
    return this.#start({ ...INGRESS_GATEWAY, proxy: {}, ports: [], hostPorts: 'usual' });
  }

  get ready(): boolean {
    return this.#all().every((gateway) => gateway.ready);
  }

  /** The whole wanted state. */
  apply({ startedGateways }: Pick<ManifestsMessage, 'startedGateways'>): void {
    if (this.#stopped) return;
    const wanted = new Map(startedGateways.map((each) => [instanceKey(each), each]));
    for (const [key, { identity }] of this.#running) {
      const still = wanted.get(key);
      if (key !== INGRESS_KEY && (still === undefined || identityOf(still) !== identity)) this.#end(key);
    }
    this.#memory.keepOnly(new Set(wanted.keys()));
    for (const [key, started] of wanted) {
      if (!this.#running.has(key)) void this.#start(started);
      const { gateway } = this.#running.get(key) as Running;
      gateway.configure(started.proxy);
      gateway.serve(started.ports);
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
  async drain(): Promise<void> {
    const entrances = [...this.#running.values()].filter(({ hostPorts }) => hostPorts === 'usual');
    await Promise.all(entrances.map(({ gateway }) => gateway.drain()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#all().map((gateway) => gateway.stop()), ...this.#ending.values()]);
  }

  kill(): void {
    this.#stopped = true;
    for (const gateway of this.#all()) gateway.kill();
  }

  #all(): Gateway[] {
    return [...this.#running.values()].map(({ gateway }) => gateway);
  }

  async #start(started: StartedGateway): Promise<void> {
    const { context, onNotice } = this.#options;
    const { proxy, hostPorts } = started;
    const key = instanceKey(started);
    const gateway = new Gateway({
      context,
      gateway: started,
      proxy,
      hostPorts: hostPorts === 'any' ? 'any' : key === INGRESS_KEY ? this.#ingressPorts() : this.#rememberedPorts(key),
      onNotice,
      // One of the same name that is about to end has to be gone first.
      after: this.#ending.get(key) ?? Promise.resolve(),
    });
    this.#running.set(key, { gateway, identity: identityOf(started), hostPorts });
    await gateway.start();
    gateway.tell(this.#proxies[key]);
  }

  #ingressPorts(): HostPorts {
    const { hostPorts } = this.#options;
    return {
      wanted: (port) => hostPorts[port] ?? usualHostPort(port),
      isOfAnother: (hostPort) => this.#memory.isOfAnother(INGRESS_KEY, hostPort),
      reserved: [80],
    };
  }

  #rememberedPorts(key: string): HostPorts {
    return {
      wanted: (port) => this.#memory.of(key, port) ?? usualHostPort(port),
      isOfAnother: (hostPort) => this.#memory.isOfAnother(key, hostPort),
      reserved: [],
      onFound: (port, hostPort) => this.#memory.remember(key, port, hostPort),
    };
  }

  #end(key: string): void {
    const { gateway } = this.#running.get(key) as Running;
    this.#running.delete(key);
    const ending = gateway.stop().finally(() => {
      if (this.#ending.get(key) === ending) this.#ending.delete(key);
    });
    this.#ending.set(key, ending);
  }
}

function identityOf({ labels, serviceAccount, proxy, hostPorts }: StartedGateway): string {
  return JSON.stringify([labels, serviceAccount, proxy.gatewayTopology, hostPorts]);
}
