import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, diagnostic } from '@lateen/api/diagnostic.ts';
import { isLateenError, messageOf } from '@lateen/api/lateen-error.ts';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { createTokenIssuer, type TokenIssuer } from '#citadel/tokens/issuer.ts';
import type { ManifestsMessage, ProxyState } from '#pilot/registry/processes/link.ts';
import { BootstrapPatches } from './bootstrap-patches.ts';
import type { BuiltInGateways } from './built-in-gateways.ts';
import type { MeshContext } from './context.ts';
import { ControlPlane, type ControlPlaneState } from './control-plane.ts';
import type { Deployments } from './deployments.ts';
import type { SupervisorEvent, SupervisorState } from './events.ts';
import { Instances } from './instances.ts';
import { controlPlaneLogPath, LogRotation } from './logs.ts';
import { removeMeshFile, writeMeshFile } from './mesh-file.ts';
import { lockMesh, type MeshLock } from './mesh-lock.ts';
import { Ports } from './ports.ts';
import { processStartTime } from './process-identity.ts';
import { cleanUpLeftovers, ProcessTable } from './process-table.ts';
import { prepareMeshDirectories } from './state-paths.ts';

export interface SupervisorOptions {
  /** The mesh's name; see `meshPaths` for what it may be, and for the directories below. */
  readonly mesh: string;
  /** Manifests: a folder or a file, absolute. */
  readonly dir: string;
  /** More files and folders, absolute. */
  readonly files: readonly string[];
  readonly stateDir: string;
  readonly runDir: string;
  /** If it is taken, the next free one. Default 19000. */
  readonly adminPort?: number;
  /** Wanted ports of this machine by port of a Gateway server. Default: 80 on 8080, 443 on 8443. */
  readonly gatewayHostPorts?: Readonly<Record<number, number>>;
  readonly envoyPath: string;
  /** The module to fork as the control plane. */
  readonly controlPlaneModule: string;
  readonly lateenVersion: string;
  /** What applications inherit. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly onEvent: (event: SupervisorEvent) => void;
}

export interface Supervisor {
  state(): SupervisorState;
  /** Stops everything in order: gateways, applications, proxies, control plane. Leaves no process behind. */
  stop(): Promise<void>;
  /** Ends everything at once, without waiting; for a second Ctrl-C, and just before the process exits. */
  kill(): void;
}

const DEFAULT_ADMIN_PORT = 19_000;
/** The control plane says itself after 5 s that a proxy is too slow. */
const SETTLE_TIMEOUT_MS = 6000;
const CONTROL_PLANE_GRACE_MS = 3000;

/**
 * Starts a mesh on this machine: the control plane, the ingress gateway, and what the manifests want. Resolves when all
 * of that was set going; `ready` comes as an event.
 *
 * @throws LateenError LAT0301 (runs already), LAT0302 and LAT0303 (state directory), LAT0331 (no port), LAT04nn (tokens)
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const startedAt = performance.now();
  const { mesh, stateDir, runDir, onEvent } = options;
  prepareMeshDirectories({ stateDir, runDir });
  const lock = lockMesh(mesh, stateDir);
  try {
    const { ended } = await cleanUpLeftovers(runDir);
    if (ended > 0) {
      const what = ended === 1 ? 'a process' : `${ended} processes`;
      onEvent({ type: 'notice', text: `ended ${what} that an earlier run left behind` });
    }
    rmSync(runDir, { recursive: true, force: true });
    prepareMeshDirectories({ stateDir, runDir });
    // The control plane only reads the key of the tokens, so it has to be there before.
    const tokens = await createTokenIssuer(stateDir);
    const ports = new Ports();
    const wanted = options.adminPort ?? DEFAULT_ADMIN_PORT;
    const adminPort = await ports.claim(wanted);
    if (adminPort !== wanted) {
      onEvent({ type: 'notice', text: `port ${wanted} is taken; the admin API listens on ${adminPort}` });
    }
    const supervisor = new LocalMesh(options, { startedAt, lock, tokens, ports, adminPort });
    try {
      await supervisor.start();
    } catch (error) {
      supervisor.kill();
      throw error;
    }
    return supervisor;
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Prepared {
  readonly startedAt: number;
  readonly lock: MeshLock;
  readonly tokens: TokenIssuer;
  readonly ports: Ports;
  readonly adminPort: number;
}

interface Parts {
  readonly gateways: BuiltInGateways;
  readonly deployments: Deployments;
}

class LocalMesh implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #prepared: Prepared;
  readonly #token = randomBytes(32).toString('hex');
  readonly #logs = new LogRotation();
  readonly #bootstrapPatches = new BootstrapPatches();
  readonly #table: ProcessTable;
  readonly #controlPlane: ControlPlane;
  readonly #instances: Instances;
  readonly #context: MeshContext;
  #parts: Parts | undefined;
  #manifests: ManifestsMessage | undefined;
  #proxies: Readonly<Record<string, ProxyState>> = {};
  #admin: string;
  #controlPlaneDiagnostics: readonly Diagnostic[] = [];
  #fileProblem: Diagnostic | undefined;
  #shownDiagnostics = '[]';
  #wasReady = false;
  #refreshing: NodeJS.Immediate | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions, prepared: Prepared) {
    const { mesh, stateDir, runDir, onEvent } = options;
    this.#options = options;
    this.#prepared = prepared;
    this.#admin = `http://localhost:${prepared.adminPort}`;
    this.#table = new ProcessTable(runDir, (problem) => this.#tellFileProblem(problem));
    const xdsSocket = join(runDir, 'xds.sock');
    const csrSocket = join(runDir, 'csr.sock');
    this.#controlPlane = new ControlPlane({
      module: options.controlPlaneModule,
      start: {
        mesh,
        dir: options.dir,
        files: options.files,
        stateDir,
        adminPort: prepared.adminPort,
        xdsSocket,
        csrSocket,
        adminToken: this.#token,
        supervisorPid: process.pid,
      },
      logPath: controlPlaneLogPath(stateDir),
      // Compiled modules: halves the time that the process takes to start.
      env: { NODE_COMPILE_CACHE: join(stateDir, 'compile-cache'), ...process.env },
      table: this.#table,
      onState: (state) => this.#controlPlaneChanged(state),
      onBootstrapPatches: (patches) => this.#bootstrapPatches.set(patches),
      onManifests: (message) => this.#applyManifests(message),
      onProxies: (proxies) => this.#tellProxies(proxies),
      onDiagnostics: ({ diagnostics }) => {
        this.#controlPlaneDiagnostics = diagnostics;
        this.#changed();
      },
      onSettled: () => this.#changed(),
      onNotice: (text) => onEvent({ type: 'notice', text }),
    });
    this.#logs.watch(controlPlaneLogPath(stateDir));
    this.#instances = new Instances((reports) => this.#controlPlane.report(reports));
    this.#context = {
      mesh,
      stateDir,
      runDir,
      xdsSocket,
      csrSocket,
      trustDomain: DEFAULT_TRUST_DOMAIN,
      envoyPath: options.envoyPath,
      ports: prepared.ports,
      table: this.#table,
      logs: this.#logs,
      tokens: prepared.tokens,
      instances: this.#instances,
      bootstrapPatches: this.#bootstrapPatches,
      inherited: options.env ?? process.env,
      services: () => this.#manifests?.services ?? [],
      configMaps: () => this.#manifests?.configMaps ?? [],
      settled: () => this.#controlPlane.settled(this.#instances.flush(), SETTLE_TIMEOUT_MS),
      onInstance: (event) => onEvent({ type: 'instance', ...event }),
      onChange: () => this.#changed(),
    };
  }

  async start(): Promise<void> {
    const { onEvent, gatewayHostPorts = {} } = this.#options;
    this.#writeMeshFile();
    this.#controlPlane.start();
    // While that process starts, which takes the longest: what is needed to run proxies.
    const [{ BuiltInGateways }, { Deployments }] = await Promise.all([
      import('./built-in-gateways.ts'),
      import('./deployments.ts'),
    ]);
    if (this.#stopped !== undefined) return;
    const context = this.#context;
    const gateways = new BuiltInGateways({
      context,
      hostPorts: gatewayHostPorts,
      onNotice: (text) => onEvent({ type: 'notice', text }),
      onFileProblem: (problem) => this.#tellFileProblem(problem),
    });
    this.#parts = { gateways, deployments: new Deployments(context) };
    // An Envoy keeps asking until the control plane answers.
    await gateways.start();
    if (this.#manifests !== undefined) this.#applyManifests(this.#manifests);
    this.#tellProxies(this.#proxies);
  }

  state(): SupervisorState {
    const all = this.#instances.all();
    return {
      mesh: this.#options.mesh,
      dir: this.#options.dir,
      admin: this.#admin,
      token: this.#token,
      ready: this.#ready,
      controlPlane: this.#controlPlane.state,
      gateways: all.filter(({ instance }) => instance.role === 'router'),
      workloads: all.filter(({ instance }) => instance.role === 'sidecar'),
      diagnostics: [...this.#controlPlaneDiagnostics, ...this.#problems()],
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  kill(): void {
    this.#stopped ??= Promise.resolve();
    this.#parts?.gateways.kill();
    this.#parts?.deployments.kill();
    this.#controlPlane.kill();
    this.#table.killAll();
    this.#removeFiles();
  }

  async #stop(): Promise<void> {
    const { onEvent } = this.#options;
    onEvent({ type: 'step', text: 'stopping: the gateway takes no more requests' });
    await Promise.all([this.#parts?.gateways.drain(), this.#parts?.deployments.drainGateways()]);
    onEvent({ type: 'step', text: 'stopping: withdrawing endpoints and ending applications' });
    await this.#parts?.deployments.stop();
    await this.#parts?.gateways.stop();
    onEvent({ type: 'step', text: 'stopping: ending the control plane' });
    await this.#controlPlane.stop(CONTROL_PLANE_GRACE_MS);
    this.#removeFiles();
  }

  #removeFiles(): void {
    const { stateDir, runDir } = this.#options;
    clearImmediate(this.#refreshing);
    this.#logs.close();
    try {
      removeMeshFile(stateDir);
      rmSync(runDir, { recursive: true, force: true });
    } finally {
      this.#prepared.lock.release();
    }
  }

  #writeMeshFile(): void {
    const { mesh, dir, stateDir, runDir, lateenVersion } = this.#options;
    writeMeshFile(stateDir, {
      mesh,
      dir,
      pid: process.pid,
      startTime: processStartTime(process.pid) ?? '',
      admin: this.#admin,
      token: this.#token,
      runDir,
      version: lateenVersion,
      startedAt: new Date(performance.timeOrigin + this.#prepared.startedAt).toISOString(),
    });
  }

  #controlPlaneChanged(state: ControlPlaneState): void {
    const { onEvent } = this.#options;
    onEvent({ type: 'control-plane', state });
    if (state.kind === 'failed') onEvent({ type: 'fatal', error: state.error });
    if (state.kind === 'running' && state.admin !== this.#admin) {
      this.#admin = state.admin;
      try {
        this.#writeMeshFile();
      } catch (error) {
        this.#tellFileProblem(error);
      }
    }
    this.#changed();
  }

  #applyManifests(message: ManifestsMessage): void {
    this.#manifests = message;
    this.#parts?.gateways.apply(message);
    this.#parts?.deployments.apply(message);
    this.#changed();
  }

  #tellProxies(proxies: Readonly<Record<string, ProxyState>>): void {
    this.#proxies = proxies;
    this.#parts?.gateways.tell(proxies);
    this.#parts?.deployments.tell(proxies);
  }

  /** Ready means that requests get through: the other proxies know of the ready replicas as well. */
  get #ready(): boolean {
    return (
      this.#manifests !== undefined &&
      this.#parts !== undefined &&
      this.#stopped === undefined &&
      this.#controlPlane.state.kind === 'running' &&
      this.#parts.gateways.ready &&
      this.#parts.deployments.ready &&
      this.#controlPlane.isSettled(this.#instances.flush())
    );
  }

  /** Of what runs here; the control plane has those of the configuration. */
  #problems(): Diagnostic[] {
    const { state } = this.#controlPlane;
    return [
      ...(state.kind === 'back-off' ? [diagnostic('LAT0340', state.message)] : []),
      ...(this.#parts?.gateways.problems() ?? []),
      ...(this.#parts?.deployments.problems() ?? []),
      ...(this.#fileProblem === undefined ? [] : [this.#fileProblem]),
    ];
  }

  #tellFileProblem(problem: unknown): void {
    this.#fileProblem =
      problem === undefined
        ? undefined
        : diagnostic(isLateenError(problem) && problem.code === 'LAT0303' ? 'LAT0303' : 'LAT0302', messageOf(problem));
    this.#changed();
  }

  /** Once for all changes of a turn of the event loop. */
  #changed(): void {
    if (this.#stopped !== undefined) return;
    this.#refreshing ??= setImmediate(() => this.#refresh());
  }

  #refresh(): void {
    const { onEvent } = this.#options;
    this.#refreshing = undefined;
    const problems = this.#problems();
    const diagnostics = [...this.#controlPlaneDiagnostics, ...problems];
    const text = JSON.stringify(diagnostics);
    if (text !== this.#shownDiagnostics) {
      this.#shownDiagnostics = text;
      this.#controlPlane.reportProblems(problems);
      onEvent({ type: 'diagnostics', diagnostics });
    }
    if (!this.#wasReady && this.#ready) {
      this.#wasReady = true;
      onEvent({ type: 'ready' });
    }
  }
}
