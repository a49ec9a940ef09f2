import { setTimeout as delay } from 'node:timers/promises';
import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { type GatewayCapture, instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ProxyState as ControlPlaneView } from '#pilot/registry/processes/link.ts';
import { BackOff, infrastructureBackOff } from './back-off.ts';
import type { MeshContext } from './context.ts';
import type { Phase } from './events.ts';
import { awaitIdle } from './idle.ts';
import { isPortFree } from './ports.ts';
import { ProxyProcess } from './proxy-process.ts';
import { portsMentioned } from './taken-ports.ts';

/** Named and labelled as Istio's, so that Gateways written for it select this one. */
const INGRESS = {
  name: 'istio-ingressgateway',
  namespace: 'istio-system',
  labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' },
  serviceAccount: 'istio-ingressgateway-service-account',
} as const;

/** Ports below 1024 need privileges on most systems. */
const UNPRIVILEGED_OFFSET = 8000;
const DEFAULT_HOST_PORTS: Readonly<Record<number, number>> = { 80: 8080, 443: 8443 };
const MAX_IDLE_WAIT_MS = 3000;

export interface GatewayOptions {
  readonly context: MeshContext;
  /** Wanted ports of this machine by port of the Gateway server; the defaults are 80: 8080 and 443: 8443. */
  readonly hostPorts?: Readonly<Record<number, number>>;
  readonly onNotice: (text: string) => void;
}

type GatewayInstance = WorkloadInstance & { readonly capture: GatewayCapture };

/** The ingress gateway that every mesh has: an Envoy on ports of this machine, without an application. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #backOff = new BackOff(infrastructureBackOff);
  readonly #stopping = new AbortController();
  #instance: GatewayInstance;
  #proxy: ProxyProcess | undefined;
  #adminPort = 0;
  #asked: readonly number[] = [];
  /** Ports that Envoy has listened on, so that a listener found there may be our own. */
  readonly #opened = new Set<number>();
  #everReady = false;
  #problem: string | undefined;
  #lastShown = '';
  /** Changes of ports, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#instance = {
      ...INGRESS,
      role: 'router',
      workload: INGRESS.name,
      address: '127.0.0.1',
      ports: [],
      health: 'starting',
      capture: { mode: 'gateway', hostPorts: {} },
    };
  }

  get ready(): boolean {
    return this.#proxy?.state.kind === 'live' && !this.#stopping.signal.aborted;
  }

  get key(): string {
    return instanceKey(this.#instance);
  }

  /** Where a browser finds it. */
  get url(): string {
    const { hostPorts } = this.#instance.capture;
    const port = this.#asked.length === 0 || this.#asked.includes(80) ? 80 : (this.#asked[0] ?? 80);
    return `${port === 443 ? 'https' : 'http'}://localhost:${hostPorts[port]}`;
  }

  /** Reserves the port for HTTP, and starts Envoy. Resolves when the gateway is known to `context.instances`. */
  async start(): Promise<void> {
    this.#work = this.#work.then(() => this.#assign(80));
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
    if (this.#problem !== undefined) found.push(diagnostic('LAT0331', `${INGRESS.name} has no port. ${this.#problem}`));
    const proxy = this.#proxy?.problem;
    if (proxy !== undefined) found.push(diagnostic(proxy.code, proxy.message));
    return found;
  }

  /** Asks clients to go elsewhere, lets requests finish, and ends the Envoy. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Resolves when no request is under way any more. The Envoy still runs: `stop` ends it. */
  async drain(): Promise<void> {
    this.#stopping.abort();
    this.#changed();
    const proxy = this.#proxy;
    if (proxy?.state.kind !== 'live') return;
    await proxy.drain();
    await awaitIdle(proxy.admin, MAX_IDLE_WAIT_MS);
  }

  kill(): void {
    this.#stopping.abort();
    this.#proxy?.kill();
  }

  async #stop(): Promise<void> {
    const { context } = this.#options;
    this.#stopping.abort();
    await this.#work;
    await this.#proxy?.stop();
    context.ports.release([...Object.values(this.#instance.capture.hostPorts), this.#adminPort]);
    context.instances.delete(this.key);
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
    const { context, hostPorts: wantedPorts = {}, onNotice } = this.#options;
    const { hostPorts } = this.#instance.capture;
    const wanted = wantedPorts[port] ?? DEFAULT_HOST_PORTS[port] ?? (port < 1024 ? port + UNPRIVILEGED_OFFSET : port);
    try {
      // The old one stays claimed until there is a new one, so that it is not chosen again.
      const found = await context.ports.claim(wanted);
      const before = hostPorts[port];
      if (before !== undefined) context.ports.release([before]);
      this.#problem = undefined;
      this.#instance = {
        ...this.#instance,
        capture: { mode: 'gateway', hostPorts: { ...hostPorts, [port]: found } },
      };
      if (found !== wanted) {
        const forPort = port === 80 ? '' : ` for port ${port}`;
        onNotice(`port ${wanted} is taken; the ingress gateway listens on ${found}${forPort}`);
      }
    } catch (error) {
      this.#problem = messageOf(error);
    }
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
        url: this.url,
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
    const { name, namespace } = INGRESS;
    this.#options.context.onInstance({
      name,
      namespace,
      role: 'router',
      workload: name,
      phase,
      ready,
      ...(message === undefined ? {} : { message }),
    });
  }
}
