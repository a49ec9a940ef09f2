import { setTimeout as delay } from 'node:timers/promises';
import { type Diagnostic, type DiagnosticCode, diagnostic } from '@lateen/api/diagnostic.ts';
import { messageOf } from '@lateen/api/lateen-error.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { type ExplicitCapture, instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ProxyState as ControlPlaneView } from '#pilot/registry/processes/link.ts';
import { BackOff, infrastructureBackOff } from './back-off.ts';
import { Container } from './container.ts';
import type { MeshContext } from './context.ts';
import { awaitIdle } from './idle.ts';
import { whyUnreachable } from './listening.ts';
import { logPath } from './logs.ts';
import {
  type ContainerSpec,
  containerPortsOf,
  gracePeriodMs,
  type PodTemplate,
  planContainer,
  serviceAccountOf,
} from './pod.ts';
import { ProxyProcess } from './proxy-process.ts';
import { type ReplicaStatus, summarize } from './replica-status.ts';
import { portsMentioned } from './taken-ports.ts';

export interface ReplicaOptions {
  readonly context: MeshContext;
  readonly deployment: string;
  readonly namespace: string;
  readonly ordinal: number;
  readonly template: PodTemplate;
  /** See `podHash`. */
  readonly hash: string;
  readonly baseDir: string;
  readonly proxy: ProxySettings;
  /** Its readiness changed, or it is gone. */
  readonly onChange: () => void;
}

type ReplicaState =
  | { readonly kind: 'waiting-for-ports' }
  | { readonly kind: 'up'; readonly body: Body }
  | { readonly kind: 'gone' };

/** What exists once there are ports. */
interface Body {
  readonly instance: WorkloadInstance & { readonly capture: ExplicitCapture };
  readonly adminPort: number;
  readonly proxy: ProxyProcess;
}

/** How long the requests under way may take to finish after the endpoint was withdrawn, where nothing says it. */
const TERMINATION_DRAIN_MS = 5000;

/**
 * One replica of a Deployment: ports, then the Envoy with its identity, then, when that has its configuration, the
 * containers; and on the way down the endpoint is withdrawn before anything is stopped.
 */
export class Replica {
  readonly name: string;
  readonly ordinal: number;
  readonly hash: string;
  readonly #options: ReplicaOptions;
  readonly #containers: readonly Container[];
  readonly #backOff = new BackOff(infrastructureBackOff);
  readonly #stopping = new AbortController();
  #state: ReplicaState = { kind: 'waiting-for-ports' };
  #everReady = false;
  #lastShown = '';
  #portProblem: string | undefined;
  /** Getting ports, or other ports. */
  #work: Promise<void> = Promise.resolve();
  #services: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  constructor(options: ReplicaOptions) {
    const { context, deployment, namespace, ordinal, template } = options;
    this.#options = options;
    this.name = `${deployment}-${ordinal}`;
    this.ordinal = ordinal;
    this.hash = options.hash;
    const specs = template.spec.containers;
    this.#containers = specs.map((spec, index) => {
      const path = logPath(context.stateDir, {
        namespace,
        replica: this.name,
        ...(specs.length > 1 ? { container: spec.name } : {}),
      });
      context.logs.watch(path);
      return new Container({
        title: specs.length > 1 ? `${this.name}, container ${spec.name},` : this.name,
        logPath: path,
        table: context.table,
        graceMs: gracePeriodMs(template),
        plan: () => planContainer(spec, index, this.#podContext()),
        onChange: () => this.#changed(),
        hint: (pid) => this.#whyUnreachable(spec, pid),
      });
    });
  }

  get ready(): boolean {
    return this.#status().health === 'ready';
  }

  get stopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get gone(): boolean {
    return this.#state.kind === 'gone';
  }

  /** `NAME.NAMESPACE` */
  get key(): string {
    return instanceKey({ name: this.name, namespace: this.#options.namespace });
  }

  start(): void {
    this.#work = this.#getPorts();
    this.#show();
  }

  /** What the control plane says of the proxy. */
  tell(view: ControlPlaneView | undefined): void {
    if (this.#state.kind !== 'up') return;
    const { proxy, instance } = this.#state.body;
    proxy.tell(view);
    const taken = portsMentioned(view?.rejected);
    if (portsOf(instance).some((port) => taken.has(port))) this.#changePorts();
  }

  /** There are other services now, so listeners for them are needed. */
  manifestsChanged(): void {
    this.#services = this.#services.then(() => this.#updateServicePorts());
  }

  problems(): Diagnostic[] {
    const { namespace, deployment } = this.#options;
    const object = { kind: 'Deployment', namespace, name: deployment };
    const found: { code: DiagnosticCode; message: string; path?: string }[] = [];
    if (this.#portProblem !== undefined) found.push({ code: 'LAT0331', message: this.#portProblem });
    if (this.#state.kind === 'up') {
      const { problem, bootstrapProblem } = this.#state.body.proxy;
      found.push(...[problem, bootstrapProblem].filter((each) => each !== undefined));
    }
    for (const container of this.#containers) if (container.problem !== undefined) found.push(container.problem);
    return found.map(({ code, message, path }) =>
      diagnostic(code, message, path === undefined ? { object } : { object, path }),
    );
  }

  /** Withdraws the endpoint, lets requests finish, ends the containers and then the Envoy. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Ends everything at once and for good. */
  kill(): void {
    this.#stopping.abort();
    for (const container of this.#containers) container.kill();
    if (this.#state.kind === 'up') this.#state.body.proxy.kill();
    this.#state = { kind: 'gone' };
  }

  async #stop(): Promise<void> {
    const { context, template, proxy: settings } = this.#options;
    this.#stopping.abort();
    this.#changed();
    await this.#work;
    await this.#services;
    const body = this.#state.kind === 'up' ? this.#state.body : undefined;
    if (body !== undefined && this.#everReady) {
      await context.settled();
      const drainMs = settings.terminationDrainMs ?? TERMINATION_DRAIN_MS;
      await awaitIdle(body.proxy.admin, Math.min(drainMs, gracePeriodMs(template)));
    }
    await Promise.all(this.#containers.map((container) => container.stop()));
    await body?.proxy.stop();
    if (body !== undefined) context.ports.release([...portsOf(body.instance), body.adminPort]);
    this.#state = { kind: 'gone' };
    context.instances.delete(this.key);
    this.#show();
  }

  async #getPorts(): Promise<void> {
    const { context, namespace, deployment, template } = this.#options;
    const { signal } = this.#stopping;
    const containerPorts = containerPortsOf(template);
    const datagramPorts = containerPortsOf(template, 'UDP');
    while (!signal.aborted) {
      const keys = serviceKeys(context, namespace);
      let ports: number[];
      try {
        ports = await context.ports.allocate(2 + 2 * containerPorts.length + datagramPorts.length + keys.length);
      } catch (error) {
        this.#portProblem = messageOf(error);
        this.#changed();
        await delay(this.#backOff.failed(0), undefined, { signal }).catch(() => {});
        continue;
      }
      this.#portProblem = undefined;
      if (signal.aborted) {
        context.ports.release(ports);
        return;
      }
      const next = () => ports.shift() ?? 0;
      const adminPort = next();
      const instance: Body['instance'] = {
        name: this.name,
        namespace,
        role: 'sidecar',
        workload: deployment,
        labels: template.metadata?.labels ?? {},
        serviceAccount: serviceAccountOf(template),
        address: '127.0.0.1',
        ports: containerPorts.map((port) => ({ ...port, inboundPort: next(), appPort: next() })),
        ...(datagramPorts.length === 0
          ? {}
          : { datagramPorts: datagramPorts.map((port) => ({ ...port, appPort: next() })) }),
        health: 'starting',
        capture: {
          mode: 'explicit',
          httpProxyPort: next(),
          servicePorts: Object.fromEntries(keys.map((key) => [key, next()])),
        },
      };
      const proxy = new ProxyProcess({
        context,
        instance,
        adminPort,
        settings: this.#options.proxy,
        onChange: () => this.#changed(),
        onPortTaken: () => this.#changePorts(),
      });
      this.#state = { kind: 'up', body: { instance, adminPort, proxy } };
      this.#changed();
      proxy.start();
      this.manifestsChanged();
      return;
    }
  }

  /** Somebody took one of the ports before Envoy could. The containers know theirs, so they start again as well. */
  #changePorts(): void {
    if (this.#state.kind !== 'up' || this.stopping) return;
    const { context } = this.#options;
    const { signal } = this.#stopping;
    const { instance, adminPort, proxy } = this.#state.body;
    this.#state = { kind: 'waiting-for-ports' };
    // It comes back with its new ports.
    context.instances.delete(this.key);
    this.#work = (async () => {
      await Promise.all([proxy.stop(), ...this.#containers.map((container) => container.rewind())]);
      context.ports.release([...portsOf(instance), adminPort]);
      await delay(this.#backOff.failed(0), undefined, { signal }).catch(() => {});
      await this.#getPorts();
    })();
  }

  async #updateServicePorts(): Promise<void> {
    if (this.#state.kind !== 'up' || this.stopping) return;
    const { context } = this.#options;
    const wanted = new Set(serviceKeys(context, this.#options.namespace));
    const before = this.#state.body.instance.capture.servicePorts;
    const missing = [...wanted].filter((key) => before[key] === undefined);
    const obsolete = Object.keys(before).filter((key) => !wanted.has(key));
    if (missing.length === 0 && obsolete.length === 0) return;
    let ports: number[];
    try {
      ports = await context.ports.allocate(missing.length);
    } catch (error) {
      this.#portProblem = messageOf(error);
      this.#changed();
      return;
    }
    this.#portProblem = undefined;
    // It may have got other ports meanwhile, and then also those for the new services.
    const state = this.#state;
    if (state.kind !== 'up' || state.body.instance.capture.servicePorts !== before) {
      context.ports.release(ports);
      return;
    }
    const kept = Object.entries(before).filter(([key]) => wanted.has(key));
    const added = missing.map((key, index) => [key, ports[index] ?? 0] as const);
    const { instance } = state.body;
    const servicePorts = Object.fromEntries([...kept, ...added]);
    this.#state = {
      kind: 'up',
      body: { ...state.body, instance: { ...instance, capture: { ...instance.capture, servicePorts } } },
    };
    context.ports.release(obsolete.flatMap((key) => before[key] ?? []));
    this.#changed();
  }

  #podContext() {
    const { context, namespace, template, baseDir } = this.#options;
    if (this.#state.kind !== 'up') throw new Error(`${this.name} has no ports`);
    const { ports, datagramPorts = [], capture } = this.#state.body.instance;
    return {
      replica: this.name,
      namespace,
      template,
      baseDir,
      ports,
      datagramPorts,
      capture,
      services: context.services(),
      configMaps: context.configMaps(),
      inherited: context.inherited,
    };
  }

  #status(): ReplicaStatus {
    return summarize({
      name: this.name,
      stopping: this.stopping,
      everReady: this.#everReady,
      proxy: this.#state.kind === 'up' ? this.#state.body.proxy.state : undefined,
      containers: this.#containers.map((container) => container.state),
    });
  }

  #changed(): void {
    if (this.gone) return;
    const { holdsApplication = true } = this.#options.proxy;
    if (
      this.#state.kind === 'up' &&
      !this.stopping &&
      (!holdsApplication || this.#state.body.proxy.state.kind === 'live')
    ) {
      for (const container of this.#containers) if (container.state.kind === 'waiting') container.start();
    }
    this.#show();
  }

  /** Tells the control plane, the display and the Deployment. */
  #show(): void {
    const { context, namespace, deployment, template, onChange } = this.#options;
    const status = this.#status();
    if (status.health === 'ready') this.#everReady = true;
    if (this.#state.kind === 'up') {
      const { instance, proxy } = this.#state.body;
      context.instances.set({
        instance: { ...instance, health: status.health },
        process: {
          pid: this.#containers[0]?.pid ?? null,
          containers: template.spec.containers.map(({ name }, i) => ({ name, pid: this.#containers[i]?.pid ?? null })),
          envoyPid: proxy.pid,
          envoyAdmin: proxy.admin,
          phase: status.phase,
          restarts: this.#containers.reduce((sum, container) => sum + container.restarts, 0),
          ...(status.message === undefined ? {} : { message: status.message }),
        },
      });
    }
    const phase = this.gone ? 'gone' : status.phase;
    const shown = `${phase} ${status.health} ${status.message}`;
    if (shown !== this.#lastShown) {
      this.#lastShown = shown;
      context.onInstance({
        name: this.name,
        namespace,
        role: 'sidecar',
        workload: deployment,
        phase,
        ready: status.health === 'ready',
        ...(status.message === undefined ? {} : { message: status.message }),
      });
      onChange();
    }
    context.onChange();
  }

  /** Helps with the most usual mistake: an application that listens on its container port and not on PORT. */
  async #whyUnreachable(spec: ContainerSpec, pid: number): Promise<string | undefined> {
    const containerPort = spec.ports?.[0]?.containerPort;
    if (this.#state.kind !== 'up') return undefined;
    const port = this.#state.body.instance.ports.find((each) => each.containerPort === containerPort);
    if (port === undefined) return undefined;
    return whyUnreachable(pid, { ...port, variable: portVariable(spec, port.containerPort) });
  }
}

/** Service ports that a namespace sees: for each, its sidecars have a listener. */
function serviceKeys(context: MeshContext, namespace: string): string[] {
  const visible = context.services().filter(({ visibleIn }) => visibleIn?.includes(namespace) ?? true);
  return [...new Set(visible.map(({ hostname, port }) => `${hostname}:${port}`))];
}

/** All but the one of Envoy's admin server. */
function portsOf({ ports, datagramPorts = [], capture }: Body['instance']): number[] {
  return [
    ...datagramPorts.map(({ appPort }) => appPort),
    ...ports.flatMap(({ inboundPort, appPort }) => [inboundPort, appPort]),
    capture.httpProxyPort,
    ...Object.values(capture.servicePorts),
  ];
}

/** A manifest can use PORT for something else, but not the variable with the port's number. */
function portVariable(spec: ContainerSpec, containerPort: number): string {
  const own = spec.env?.find(({ name }) => name === 'PORT');
  return own === undefined || own.value === String(containerPort) ? 'PORT' : `PORT_${containerPort}`;
}
