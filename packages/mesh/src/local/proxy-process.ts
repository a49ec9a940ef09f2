import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@lateen/api/lateen-error.ts';
import type { ProxySettings } from '@lateen/api/proxy-settings.ts';
import { stableJson } from '@lateen/api/stable-json.ts';
import { instanceKey, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { buildBootstrap, nodeMetadata } from '#agent/bootstrap.ts';
import { checkBootstrap } from '#agent/envoy/check.ts';
import { drain, type EnvoyProcess, runEnvoy, stopEnvoy, waitReady } from '#agent/envoy/run.ts';
import { WorkloadSecrets } from '#agent/secrets/workload-secrets.ts';
import type { BootstrapPatch, ProxyState as ControlPlaneView } from '#pilot/registry/processes/link.ts';
import { BackOff, infrastructureBackOff } from './back-off.ts';
import type { MeshContext } from './context.ts';
import { lastLinesOfRun, logPath, openLog, writeMarker } from './logs.ts';
import { describeExit, signalGroup } from './process-table.ts';

export type ProxyProcessState =
  | { readonly kind: 'stopped' }
  /** Envoy runs, or is about to, and does not have its first configuration and secrets yet. */
  | { readonly kind: 'starting'; readonly pid: number | null }
  | { readonly kind: 'live'; readonly pid: number }
  | { readonly kind: 'back-off'; readonly delayMs: number; readonly reason: string };

export interface ProxyProcessOptions {
  readonly context: MeshContext;
  readonly instance: WorkloadInstance;
  readonly adminPort: number;
  readonly settings: ProxySettings;
  readonly onChange: () => void;
  /** One of the ports was taken by somebody else between the test and Envoy's bind. */
  readonly onPortTaken: () => void;
}

/** After this time without configuration it is a problem worth telling (LAT0332). */
const SLOW_AFTER_MS = 10_000;
const SLOW_POLL_MS = 250;
const STOP_GRACE_MS = 2000;

let sockets = 0;

/**
 * The Envoy beside one replica, or of a gateway, and its identity. An Envoy that ends is started again at once with the
 * same ports and the same certificate.
 */
export class ProxyProcess {
  readonly #options: ProxyProcessOptions;
  readonly #backOff = new BackOff(infrastructureBackOff);
  readonly #dir: string;
  readonly #sdsSocket: string;
  readonly #logFile: string;
  readonly #drainToken = randomBytes(16).toString('hex');
  readonly #stopped = new AbortController();
  #secrets: WorkloadSecrets | undefined;
  #synced = false;
  #wake: (() => void) | undefined;
  #state: ProxyProcessState = { kind: 'stopped' };
  #problem: { readonly code: 'LAT0330' | 'LAT0332'; readonly message: string } | undefined;
  #envoy: EnvoyProcess | undefined;
  #settings: ProxySettings;
  /** The BOOTSTRAP patches and the settings that it was started with. */
  #startedWith: { readonly patches: string; readonly settings: string } = { patches: '[]', settings: '{}' };
  #bootstrapProblem: { readonly code: 'LAT0532' | 'LAT0533'; readonly message: string } | undefined;
  /** It was ended because it must start with another bootstrap. */
  #replacing = false;
  #unsubscribe = () => {};
  #restarts = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ProxyProcessOptions) {
    this.#options = options;
    const { context, instance, settings } = options;
    this.#settings = settings;
    this.#dir = join(context.runDir, 'proxies', instanceKey(instance));
    // The name would make the path of the socket too long.
    sockets += 1;
    this.#sdsSocket = join(context.runDir, 'sds', `${sockets}.sock`);
    this.#logFile = logPath(context.stateDir, {
      namespace: instance.namespace,
      replica: instance.name,
      envoy: true,
    });
  }

  get state(): ProxyProcessState {
    return this.#state;
  }

  get problem(): { readonly code: 'LAT0330' | 'LAT0332'; readonly message: string } | undefined {
    return this.#problem;
  }

  /** About its bootstrap. The Envoy runs. */
  get bootstrapProblem(): { readonly code: 'LAT0532' | 'LAT0533'; readonly message: string } | undefined {
    return this.#bootstrapProblem;
  }

  get pid(): number | null {
    return 'pid' in this.#state ? this.#state.pid : null;
  }

  get admin(): string {
    return `http://127.0.0.1:${this.#options.adminPort}`;
  }

  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#unsubscribe = this.#options.context.bootstrapPatches.onChange(() => this.#compareBootstrap());
    this.#become({ kind: 'starting', pid: null });
    this.#running = this.#run();
  }

  /** An Envoy that runs keeps those that it was started with. */
  configure(settings: ProxySettings): void {
    this.#settings = settings;
    this.#compareBootstrap();
  }

  /** What the control plane says of this proxy; undefined while it is not connected. */
  tell(state: ControlPlaneView | undefined): void {
    this.#synced = state?.everSynced ?? false;
    if (this.#synced) this.#wake?.();
  }

  /** Asks clients to go elsewhere. The Envoy still runs; one that does not answer has nothing to drain. */
  async drain(): Promise<void> {
    await drain(this.admin, this.#drainToken).catch(() => {});
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#unsubscribe();
    this.#stopped.abort();
    const envoy = this.#envoy;
    this.#become({ kind: 'stopped' });
    if (envoy !== undefined) await stopEnvoy(envoy, STOP_GRACE_MS);
    await this.#secrets?.close();
    // One that was just being started ends as well.
    await this.#running;
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Without waiting, and for good. */
  kill(): void {
    this.#unsubscribe();
    this.#stopped.abort();
    if (this.#envoy !== undefined) signalGroup(this.#envoy.pid, 'SIGKILL');
    this.#become({ kind: 'stopped' });
    void this.#secrets?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const startedAt = performance.now();
      let reason: string;
      try {
        // At the same time: Envoy needs a moment before it asks for its secrets. What has been started is known then.
        const [secrets, envoy] = await Promise.allSettled([this.#startSecrets(), this.#spawn()]);
        if (envoy.status === 'rejected') throw envoy.reason;
        if (secrets.status === 'rejected') throw secrets.reason;
        reason = await this.#supervise(envoy.value);
      } catch (error) {
        reason = `Envoy cannot be started: ${messageOf(error).replace(/\.$/, '')}`;
        if (this.#envoy !== undefined) await this.#discard(this.#envoy);
      }
      if (this.#replacing) {
        this.#replacing = false;
        if (!signal.aborted) this.#become({ kind: 'starting', pid: null });
        continue;
      }
      if (!signal.aborted) await this.#pauseAfter(performance.now() - startedAt, reason);
    }
  }

  /** Once for all Envoys that come after each other: a new one has the same identity. */
  async #startSecrets(): Promise<void> {
    if (this.#secrets !== undefined) return;
    const { context, instance } = this.#options;
    mkdirSync(dirname(this.#sdsSocket), { recursive: true, mode: 0o700 });
    const { trustDomain, csrSocket } = context;
    const { namespace, serviceAccount } = instance;
    const secrets = new WorkloadSecrets({
      identity: { trustDomain, namespace, serviceAccount },
      token: () => context.tokens.issue({ namespace, serviceAccount }),
      csrSocket,
      sdsSocket: this.#sdsSocket,
    });
    this.#secrets = secrets;
    try {
      await secrets.start();
    } catch (error) {
      this.#secrets = undefined;
      throw error;
    }
  }

  async #spawn(): Promise<EnvoyProcess> {
    const { context, instance, adminPort } = this.#options;
    const { environment = {}, concurrency, drainMs, logLevel, componentLogLevel } = this.#settings;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const log = openLog(this.#logFile);
    writeMarker(log, `Envoy of ${instance.name} starts`);
    closeSync(log);
    const bootstrap = buildBootstrap({
      instance,
      adminPort,
      xdsSocket: context.xdsSocket,
      sdsSocket: this.#sdsSocket,
      trustDomain: context.trustDomain,
      meshId: context.mesh,
      drainToken: this.#drainToken,
      environment,
    });
    const envoy = await runEnvoy({
      path: context.envoyPath,
      bootstrap: await this.#patchBootstrap(bootstrap),
      dir: this.#dir,
      logFile: this.#logFile,
      environment,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(drainMs === undefined ? {} : { drainTimeMs: drainMs }),
      ...(logLevel === undefined ? {} : { logLevel }),
      ...(componentLogLevel === undefined ? {} : { componentLogLevel }),
    });
    context.table.add(envoy.pid, 'envoy', instance.name);
    context.logs.watch(this.#logFile);
    this.#envoy = envoy;
    // Stopped while it was being started: nobody else knows of it.
    if (this.#stopped.signal.aborted) await this.#discard(envoy);
    else this.#become({ kind: 'starting', pid: envoy.pid });
    this.#compareBootstrap();
    return envoy;
  }

  #bootstrapPatches(): BootstrapPatch[] {
    const { context, instance } = this.#options;
    const { trustDomain, mesh: meshId } = context;
    const { environment = {} } = this.#settings;
    const metadata = nodeMetadata({ instance, trustDomain, meshId, environment });
    return context.bootstrapPatches.for(instance, metadata);
  }

  /** With the BOOTSTRAP patches for this proxy, if Envoy accepts that. */
  async #patchBootstrap(bootstrap: object): Promise<object> {
    const { context, instance } = this.#options;
    const patches = this.#bootstrapPatches();
    this.#startedWith = { patches: JSON.stringify(patches), settings: startSettings(this.#settings) };
    this.#bootstrapProblem = undefined;
    if (patches.length === 0) return bootstrap;
    // With the descriptions of Envoy's whole API, which nothing else here needs.
    const { patchBootstrap } = await import('#pilot/xds/patch/bootstrap.ts');
    const patched = patchBootstrap(
      bootstrap,
      patches.map(({ value }) => value),
    );
    const reason = await checkBootstrap(context.envoyPath, patched, this.#dir);
    if (reason === undefined) return patched;
    const message = `${instance.name} runs without the BOOTSTRAP patches of ${namesOf(patches)}. Envoy says: ${reason}`;
    this.#bootstrapProblem = { code: 'LAT0533', message };
    return bootstrap;
  }

  /**
   * Envoy reads its bootstrap only when it starts. One that is not live yet is replaced: the gateway's is started before
   * anything is known of the configuration. Another serves on.
   */
  #compareBootstrap(): void {
    const { instance, onChange } = this.#options;
    const patches = this.#bootstrapPatches();
    const hasPatches = JSON.stringify(patches) === this.#startedWith.patches;
    const isSame = hasPatches && startSettings(this.#settings) === this.#startedWith.settings;
    if (!isSame && this.#state.kind === 'starting' && this.#envoy !== undefined) {
      this.#replacing = true;
      signalGroup(this.#envoy.pid, 'SIGKILL');
    } else if (!isSame && this.#state.kind === 'live') {
      const what = hasPatches
        ? 'with other settings of its proxy'
        : patches.length === 0
          ? 'without BOOTSTRAP patches'
          : `with the BOOTSTRAP patches of ${namesOf(patches)}`;
      const message = `${instance.name} starts ${what} the next time: its Envoy (process ${this.#state.pid}) runs with those from before`;
      this.#bootstrapProblem = { code: 'LAT0532', message };
      onChange();
    } else if (isSame && this.#bootstrapProblem?.code === 'LAT0532') {
      this.#bootstrapProblem = undefined;
      onChange();
    }
  }

  async #discard(envoy: EnvoyProcess): Promise<void> {
    signalGroup(envoy.pid, 'SIGKILL');
    await envoy.exited;
    this.#ended(envoy);
  }

  #ended(envoy: EnvoyProcess): void {
    this.#options.context.table.remove(envoy.pid);
    if (this.#envoy === envoy) this.#envoy = undefined;
    this.#wake = undefined;
  }

  /** Resolves with the reason when this Envoy has ended. */
  async #supervise(envoy: EnvoyProcess): Promise<string> {
    void this.#awaitLive(envoy);
    const exit = await envoy.exited;
    this.#ended(envoy);
    return `Envoy ${describeExit(exit)}`;
  }

  /**
   * Waits until the control plane says that this Envoy has acknowledged everything, and then until Envoy itself says that
   * it is LIVE: listeners are up and secrets are there. In this order, since asking Envoy means to poll.
   */
  async #awaitLive(envoy: EnvoyProcess): Promise<void> {
    const { signal } = this.#stopped;
    const isCurrent = () => !signal.aborted && this.#envoy === envoy;
    const slow = setInterval(() => this.#tellSlow(), SLOW_AFTER_MS);
    signal.addEventListener('abort', () => clearInterval(slow), { once: true });
    void envoy.exited.then(() => clearInterval(slow));
    if (!this.#synced) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    for (let timeoutMs = SLOW_AFTER_MS; isCurrent(); timeoutMs = 0) {
      try {
        await waitReady(this.admin, { envoy, signal, timeoutMs });
        if (!isCurrent()) return;
        clearInterval(slow);
        this.#problem = undefined;
        this.#become({ kind: 'live', pid: envoy.pid });
        return;
      } catch {
        // Not yet; or it has ended, or was stopped, and then this is not the current one any more.
        await delay(SLOW_POLL_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  #tellSlow(): void {
    const { instance } = this.#options;
    const failure = this.#secrets?.status().lastError?.replace(/\.$/, '');
    const reason = failure ?? 'the control plane has not sent its first configuration yet';
    const message = `The proxy of ${instance.name} is not ready: ${reason}. Its log: ${this.#logFile}`;
    if (this.#problem?.message === message) return;
    this.#problem = { code: 'LAT0332', message };
    this.#options.onChange();
  }

  async #pauseAfter(ranMs: number, reason: string): Promise<void> {
    const { instance, onPortTaken } = this.#options;
    this.#restarts += 1;
    const said = lastLinesOfRun(this.#logFile, 5);
    // The admin port: without it Envoy does not start at all.
    if (said.some((line) => /address already in use/i.test(line))) {
      onPortTaken();
      if (this.#stopped.signal.aborted) return;
    }
    const delayMs = this.#backOff.failed(ranMs);
    this.#problem = {
      code: 'LAT0330',
      message: `${instance.name}: ${reason}.${said.length === 0 ? '' : ` Its last lines:\n${said.join('\n')}\n`} (log: ${this.#logFile})`,
    };
    this.#become({ kind: 'back-off', delayMs, reason });
    await delay(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
    if (!this.#stopped.signal.aborted) this.#become({ kind: 'starting', pid: null });
  }

  #become(state: ProxyProcessState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

/** What only an Envoy that starts takes over, to be compared. */
function startSettings({ concurrency, environment, drainMs, logLevel, componentLogLevel }: ProxySettings): string {
  return stableJson({ concurrency, environment, drainMs, logLevel, componentLogLevel });
}

function namesOf(patches: readonly BootstrapPatch[]): string {
  const names = patches.map(({ source }) => `EnvoyFilter ${source.namespace}/${source.name}`);
  return [...new Set(names)].join(', ');
}
