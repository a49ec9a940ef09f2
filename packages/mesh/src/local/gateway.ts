import { setTimeout as delay } from 'node:timers/promises';
import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { INGRESS_GATEWAY } from '@lateen/api/gateway-workload.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { type GatewayCapture, instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ProxyState as ControlPlaneView } from '#pilot/registry/processes/link.ts';
import { BackOff, infrastructureBackOff } from './back-off.ts';
import type { MeshContext } from './context.ts';
import type { Phase } from './events.ts';
import { awaitIdle } from './idle.ts';
import { isPortFree } from './ports.ts';
import { ProxyProcess } from './proxy-process.ts';
import { portsMentioned } from './taken-ports.ts';

/** How long requests under way may take to finish, where nothing says it. */
const TERMINATION_DRAIN_MS = 3000;

export interface GatewayIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The Deployment that it is a replica of; absent for a gateway that Lateen runs by itself. */
  readonly deployment?: string;
  /** Numbers of the named container ports. */
  readonly portNames?: Readonly<Record<string, number>>;
}

/** The ports of a gateway that is called from outside. */
export interface HostPorts {
  /** The wanted one, by port of the Gateway server; if it is taken, one of those behind it. */
  readonly wanted: (port: number) => number;
  /** Those of other gateways are only taken where they are wanted. */
  readonly isOfAnother: (hostPort: number) => boolean;
  /** Ports of Gateway servers for which one is held before any Gateway asks. */
  readonly reserved: readonly number[];
  readonly onFound?: (port: number, hostPort: number) => void;
}

export interface GatewayOptions {
  readonly context: MeshContext;
  readonly gateway: GatewayIdentity;
  readonly proxy: ProxySettings;
  /** Which ports of this machine it takes. `any`: whichever are free. */
  readonly hostPorts: HostPorts | 'any';
  /** It does nothing before. */
  readonly after?: Promise<void>;
  readonly onNotice: (text: string) => void;
  /** Its readiness changed, or it is gone. */
  readonly onChange?: () => void;
}

type GatewayInstance = WorkloadInstance & { readonly capture: GatewayCapture };

/** An Envoy on ports of this machine, without an application. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #backOff = new BackOff(infrastructureBackOff);
  readonly #stopping = new AbortController();
  #instance: GatewayInstance;
  #settings: ProxySettings;
  #proxy: ProxyProcess | undefined;
  #adminPort = 0;
  #asked: readonly number[] = [];
  /** Ports that Envoy has listened on, so that a listener found there may be our own. */
  readonly #opened = new Set<number>();
  #everReady = false;
  #gone = false;
  #drained = false;
  #problem: string | undefined;
  #lastShown = '';
  /** Changes of ports, one after the other. */
  #work: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    const { name, namespace, labels, serviceAccount, deployment = name, portNames } = options.gateway;
    const { gatewayTopology } = options.proxy;
    this.#options = options;
    this.#work = options.after ?? Promise.resolve();
    this.#settings = options.proxy;
    this.#instance = {
      name,
      namespace,
      role: 'router',
      workload: deployment,
      labels,
      serviceAccount,
      address: '127.0.0.1',
      ports: [],
      health: 'starting',
      capture: { mode: 'gateway', hostPorts: {}, ...(portNames === undefined ? {} : { portNames }) },
      ...(gatewayTopology === undefined ? {} : { gatewayTopology }),
    };
  }

  get ready(): boolean {
    return this.#proxy?.state.kind === 'live' && !this.#stopping.signal.aborted;
  }

  get key(): string {
    return instanceKey(this.#instance);
  }

  get name(): string {
    return this.#instance.name;
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Where a browser finds it; undefined while it has no port. */
  get url(): string | undefined {
    const { hostPorts } = this.#instance.capture;
    const port = this.#asked.length === 0 || this.#asked.includes(80) ? 80 : (this.#asked[0] ?? 80);
    const hostPort = hostPorts[port];
    return hostPort === undefined ? undefined : `${port === 443 ? 'https' : 'http'}://localhost:${hostPort}`;
  }

  /** Reserves ports and starts Envoy. Resolves when the gateway is known to `context.instances`. */
  async start(): Promise<void> {
    const { hostPorts } = this.#options;
    for (const port of hostPorts === 'any' ? [] : hostPorts.reserved) {
      this.#work = this.#work.then(() => this.#assign(port));
    }
    await this.#work;
    await this.#startProxy();
  }

  /** The ports that Gateway servers ask for now. New ones are opened while it runs. */
  serve(ports: readonly number[]): void {
    const added = ports.filter((port) => !this.#asked.includes(port));
    this.#asked = [...ports].sort((a, b) => a - b);
    this.#work = this.#work.then(async () => {
      for (const port of added) await this.#open(port);
      this.#changed();
    });
  }

  /** An Envoy that runs keeps what only one that starts can take over. */
  configure(settings: ProxySettings): void {
    this.#settings = settings;
    this.#proxy?.configure(settings);
  }

  tell(view: ControlPlaneView | undefined): void {
    this.#proxy?.tell(view);
    const taken = portsMentioned(view?.rejected);
    const lost = Object.entries(this.#instance.capture.hostPorts).filter(([, hostPort]) => taken.has(hostPort));
    if (lost.length === 0) return;
    this.#work = this.#work.then(async () => {
      for (const [port, hostPort] of lost) {
        // Nothing to do if it was moved since.
        if (this.#instance.capture.hostPorts[Number(port)] === hostPort) await this.#assign(Number(port));
      }
      this.#changed();
    });
  }

  problems(): Diagnostic[] {
    const found: Diagnostic[] = [];
    const { name, namespace, deployment } = this.#options.gateway;
    const details = deployment === undefined ? {} : { object: { kind: 'Deployment', namespace, name: deployment } };
    if (this.#problem !== undefined) {
      found.push(diagnostic('LAT0331', `${name} has no port. ${this.#problem}`, details));
    }
    const proxy = this.#proxy?.problem;
    if (proxy !== undefined) found.push(diagnostic(proxy.code, proxy.message, details));
    const bootstrap = this.#proxy?.bootstrapProblem;
    if (bootstrap !== undefined) found.push(diagnostic(bootstrap.code, bootstrap.message, details));
    return found;
  }

  /** Asks clients to go elsewhere, lets requests finish, and ends the Envoy. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Resolves when no request is under way any more. The Envoy still runs: `stop` ends it. */
  async drain(): Promise<void> {
    this.#drained = true;
    this.#stopping.abort();
    this.#changed();
    const proxy = this.#proxy;
    if (proxy?.state.kind !== 'live') return;
    await proxy.drain();
    await awaitIdle(proxy.admin, this.#settings.terminationDrainMs ?? TERMINATION_DRAIN_MS);
  }

  kill(): void {
    this.#stopping.abort();
    this.#proxy?.kill();
    this.#gone = true;
  }

  async #stop(): Promise<void> {
    const { context } = this.#options;
    this.#stopping.abort();
    this.#changed();
    await this.#work;
    // Services may lead to it: nobody is sent here any more before it ends.
    if (this.#everReady && !this.#drained) {
      await context.settled();
      await this.drain();
    }
    await this.#proxy?.stop();
    context.ports.release([...Object.values(this.#instance.capture.hostPorts), this.#adminPort]);
    context.instances.delete(this.key);
    this.#gone = true;
    this.#tellPhase('gone', false);
  }

  async #startProxy(): Promise<void> {
    const { context } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        [this.#adminPort = 0] = await context.ports.allocate(1);
      } catch (error) {
        this.#problem = messageOf(error);
        this.#changed();
        await delay(this.#backOff.failed(0), undefined, { signal }).catch(() => {});
        continue;
      }
      if (signal.aborted) return;
      this.#problem = undefined;
      this.#proxy = new ProxyProcess({
        context,
        instance: this.#instance,
        adminPort: this.#adminPort,
        settings: this.#settings,
        onChange: () => this.#changed(),
        onPortTaken: () => this.#replaceProxy(),
      });
      this.#changed();
      this.#proxy.start();
      return;
    }
  }

  /** The port of Envoy's admin server was taken by somebody else. */
  #replaceProxy(): void {
    const proxy = this.#proxy;
    this.#proxy = undefined;
    this.#work = this.#work.then(async () => {
      await proxy?.stop();
      this.#options.context.ports.release([this.#adminPort]);
      await this.#startProxy();
    });
  }

  /** A port that was reserved long ago can have been taken since, as long as Envoy did not listen on it. */
  async #open(port: number): Promise<void> {
    const reserved = this.#instance.capture.hostPorts[port];
    const wasOpened = this.#opened.has(port);
    this.#opened.add(port);
    if (reserved === undefined || (!wasOpened && !(await isPortFree(reserved)))) await this.#assign(port);
  }

  async #assign(port: number): Promise<void> {
    const { context } = this.#options;
    const { capture } = this.#instance;
    try {
      // The old one stays claimed until there is a new one, so that it is not chosen again.
      const found = await this.#findPort(port);
      const before = capture.hostPorts[port];
      if (before !== undefined) context.ports.release([before]);
      this.#problem = undefined;
      this.#instance = {
        ...this.#instance,
        capture: { ...capture, hostPorts: { ...capture.hostPorts, [port]: found } },
      };
    } catch (error) {
      this.#problem = messageOf(error);
    }
  }

  async #findPort(port: number): Promise<number> {
    const { context, gateway, hostPorts, onNotice } = this.#options;
    if (hostPorts === 'any') return (await context.ports.allocate(1))[0] ?? 0;
    const wanted = hostPorts.wanted(port);
    const found = await context.ports.claim(wanted, hostPorts.isOfAnother);
    hostPorts.onFound?.(port, found);
    if (found !== wanted) {
      const name = gateway.name === INGRESS_GATEWAY.name ? 'the ingress gateway' : gateway.name;
      const forPort = port === 80 ? '' : ` for port ${port}`;
      onNotice(`port ${wanted} is taken; ${name} listens on ${found}${forPort}`);
    }
    return found;
  }

  #changed(): void {
    const { context } = this.#options;
    const proxy = this.#proxy;
    if (proxy === undefined && this.#problem === undefined) return;
    const { ready } = this;
    this.#everReady ||= ready;
    const stopping = this.#stopping.signal.aborted;
    const notReady = this.#everReady ? 'unready' : 'starting';
    const phase = stopping
      ? 'stopping'
      : ready
        ? 'running'
        : proxy?.state.kind === 'back-off'
          ? 'back-off'
          : 'starting';
    const message = proxy?.state.kind === 'back-off' ? proxy.state.reason : this.#problem;
    context.instances.set({
      instance: { ...this.#instance, health: stopping ? 'draining' : ready ? 'ready' : notReady },
      process: {
        pid: null,
        containers: [],
        envoyPid: proxy?.pid ?? null,
        envoyAdmin: `http://127.0.0.1:${this.#adminPort}`,
        phase,
        restarts: proxy?.restarts ?? 0,
        ...(this.url === undefined ? {} : { url: this.url }),
        ...(message === undefined ? {} : { message }),
      },
    });
    this.#tellPhase(phase, ready, message);
    context.onChange();
  }

  #tellPhase(phase: Phase, ready: boolean, message?: string): void {
    const shown = `${phase} ${ready} ${message}`;
    if (shown === this.#lastShown) return;
    this.#lastShown = shown;
    const { context, onChange, gateway } = this.#options;
    const { name, namespace, deployment = name } = gateway;
    context.onInstance({
      name,
      namespace,
      role: 'router',
      workload: deployment,
      phase,
      ready,
      ...(message === undefined ? {} : { message }),
    });
    onChange?.();
  }
}
