import { join, relative } from 'node:path';
import type {
  AnalysisResponse,
  ExplainRequest,
  MeshStatus,
  ProxyConfigResponse,
  ProxyReport,
} from '@lateen/api/admin.ts';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { type ConfigObject, type KindName, kinds } from '@lateen/api/kinds.ts';
import { type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import { instanceKey } from '@lateen/api/workload-instance.ts';
import { type Citadel, startCitadel } from '#citadel/start.ts';
import { LastGood } from '#pilot/config/last-good.ts';
import { Overlay } from '#pilot/config/overlay.ts';
import { ConfigStore, type StoreChange } from '#pilot/config/store.ts';
import { allDiagnostics } from '#pilot/model/gateway-api/diagnostics.ts';
import { DEFAULT_SETTINGS } from '#pilot/model/settings.ts';
import { createPilot, type Pilot } from '#pilot/pilot.ts';
import { FileRegistry } from '#pilot/registry/files/file-registry.ts';
import type {
  InstancesMessage,
  ManifestsMessage,
  ProblemsMessage,
  ProxyState,
  StartMessage,
  ToSupervisor,
} from '#pilot/registry/processes/link.ts';
import { PilotDirectory } from '#pilot/xds/directory.ts';
import { bootstrapPatches } from '#pilot/xds/patch/bootstrap.ts';
import { countMatches, type UnmatchedPatch, unmatchedPatches } from '#pilot/xds/patch-matches.ts';
import { printProxyConfig } from '#pilot/xds/print-proxy-config.ts';
import { AdsServer } from '#pilot/xds/server/server.ts';
import { type AdminServer, startAdminServer } from './admin/server.ts';
import { adminHandlers } from './admin-handlers.ts';
import { BackgroundAnalysis } from './background-analysis.ts';
import { refusalsOf } from './blame.ts';
import { ConditionTimes } from './condition-times.ts';
import { manifestsMessage } from './manifests.ts';
import { meshStatus } from './mesh-status.ts';
import { objectStatus } from './object-status.ts';
import { proxyReports, proxyStates } from './proxy-states.ts';
import { Refusals } from './refusals.ts';
import { ScheduleClock } from './schedule-clock.ts';

/** How long a proxy may take to acknowledge a change before the supervisor no longer waits for it. */
const SETTLE_TIMEOUT_MS = 5_000;
/** Changes of one moment that are told one by one. */
const MAX_NOTICES = 10;

/** The control plane of a laptop mesh: wires configuration, Pilot, Citadel and the admin API together. */
export class ControlPlane {
  readonly store: ConfigStore;
  readonly #options: StartMessage;
  readonly #send: (message: ToSupervisor) => void;
  readonly #pilot: Pilot;
  readonly #refusals: Refusals;
  readonly #ads: AdsServer;
  readonly #files: FileRegistry;
  readonly #analysis: BackgroundAnalysis;
  readonly #scheduleClock: ScheduleClock;
  readonly #conditionTimes: ConditionTimes;
  #citadel: Citadel | undefined;
  #admin: AdminServer | undefined;
  #reports: InstancesMessage['reports'] = [];
  #supervisorDiagnostics: readonly Diagnostic[] = [];
  readonly #announced: StoreChange[] = [];
  #telling: NodeJS.Immediate | undefined;
  #noting: NodeJS.Immediate | undefined;
  #instancesKnown = false;
  #serving = false;
  #unmatched: readonly UnmatchedPatch[] = [];
  #servicesChanged = false;
  readonly #lastSent = new Map<string, string>();

  /** @throws LateenError where the mesh's stored state cannot be used */
  constructor(options: StartMessage, send: (message: ToSupervisor) => void) {
    this.#options = options;
    this.#send = send;
    this.#pilot = createPilot(DEFAULT_SETTINGS, (error, where) => {
      console.error(`internal error while deriving ${where}; its last value stays in force:`, error);
    });
    const overlay = new Overlay(join(options.stateDir, 'applied', 'objects.json'));
    const lastGood = new LastGood(join(options.stateDir, 'applied', 'last-good.json'), console.error);
    const { graph, objects } = this.#pilot;
    this.store = new ConfigStore(graph, objects, overlay, DEFAULT_SETTINGS.clusterDomain, lastGood);
    this.#scheduleClock = new ScheduleClock(this.#pilot);
    this.#conditionTimes = new ConditionTimes(this.#pilot.model.statuses);
    this.#refusals = new Refusals(this.#pilot, this.store);
    this.#pilot.model.services.onChange(() => {
      this.#servicesChanged = true;
    });
    this.#ads = new AdsServer({ directory: new PilotDirectory(this.#pilot) });
    this.#analysis = new BackgroundAnalysis(
      this.store,
      DEFAULT_SETTINGS,
      () => this.#reports.map(({ instance }) => instance),
      () => this.#sendDiagnostics(),
    );
    this.#files = new FileRegistry({
      roots: [options.dir, ...options.files],
      defaultNamespace: 'default',
      cwd: process.cwd(),
      onResults: (results) => {
        const startMs = performance.now();
        this.store.setFiles(results);
        this.#ads.noteStage('admit', performance.now() - startMs);
      },
      onUnwatched: (folder, reason) => {
        const text = `${folder} cannot be watched, so edits in it are seen late: ${reason}`;
        console.error(text);
        this.#send({ type: 'notice', text });
      },
      loses: (file, result) => this.store.loses(file, result),
    });
  }

  /** Reads everything, opens Citadel and the admin API, and tells the supervisor what to run. */
  async start(): Promise<void> {
    const { stateDir, csrSocket, adminPort, adminToken } = this.#options;
    const { skipped } = this.#files.start();
    this.store.filesAreRead();
    for (const folder of skipped) {
      this.#send({
        type: 'notice',
        text: `${relative(process.cwd(), folder)}/ is not read; name it with -f to read it`,
      });
    }
    this.store.onChange((changes) => {
      this.#announced.push(...changes);
      // After the proxies: what they get must not wait for what people get to see.
      this.#telling ??= setImmediate(() => {
        this.#telling = undefined;
        this.#announce(this.#announced.splice(0));
        this.#configurationChanged();
      });
    });
    this.#ads.onEvent((event) => {
      // Not within the event: what is taken back changes the stream that the event came from.
      queueMicrotask(() => {
        if (event.kind === 'changed' && event.rejected.length > 0)
          this.#refusals.onRejected(event.nodeId, event.rejected);
        // Once for all that answer in one moment: it looks at every proxy.
        this.#noting ??= setImmediate(() => this.#proxiesChanged());
      });
    });
    const [citadel, admin] = await Promise.all([
      startCitadel({
        stateDir,
        socket: csrSocket,
        trustDomain: DEFAULT_SETTINGS.trustDomain,
        onError: (error) => console.error('citadel:', error),
      }),
      startAdminServer({
        port: adminPort,
        token: adminToken,
        handlers: adminHandlers(this),
        onFault: (error) => console.error('admin API:', error),
      }),
    ]);
    this.#citadel = citadel;
    this.#admin = admin;
    this.#configurationChanged();
    this.#send({ type: 'ready', admin: admin.url });
    await this.#serveIfReady();
  }

  /** Takes over what the supervisor says of the instances. */
  async setInstances({ seq, reports }: InstancesMessage): Promise<void> {
    const { graph, instances } = this.#pilot;
    const isNews =
      reports.length !== this.#reports.length ||
      reports.some(({ instance }) => instances.get(instanceKey(instance)) === undefined);
    this.#reports = reports;
    if (isNews) this.#analysis.changed();
    graph.transaction(() => {
      const present = new Set<string>();
      for (const { instance } of reports) {
        present.add(instanceKey(instance));
        instances.set(instanceKey(instance), instance);
      }
      for (const [key] of [...instances.entries()]) if (!present.has(key)) instances.delete(key);
    });
    this.#instancesKnown = true;
    // Gateways, and pods of headless Services, are services that come and go with their instances.
    if (this.#servicesChanged && this.#admin !== undefined) this.#tellManifests();
    await this.#serveIfReady();
    await this.settled(SETTLE_TIMEOUT_MS);
    this.#send({ type: 'settled', seq });
  }

  setProblems({ diagnostics }: ProblemsMessage): void {
    this.#supervisorDiagnostics = diagnostics;
  }

  /** Resolves when every connected proxy holds the configuration of now, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    await this.#ads.settled(timeoutMs).catch((error: unknown) => console.error((error as Error).message));
  }

  async stop(): Promise<void> {
    this.#files.close();
    this.#analysis.stop();
    this.#scheduleClock.stop();
    clearImmediate(this.#noting);
    await Promise.all([this.#ads.stop(), this.#citadel?.close(), this.#admin?.close()]);
  }

  status(): MeshStatus {
    const wantedReplicas = new Map(
      [...this.store.objects.values()].flatMap((object) =>
        object.kind === 'Deployment'
          ? [[`${object.metadata.namespace}/${object.metadata.name}`, object.spec.replicas ?? 1] as const]
          : [],
      ),
    );
    return meshStatus({
      mesh: this.#options.mesh,
      admin: this.#admin?.url ?? `http://localhost:${this.#options.adminPort}`,
      supervisorPid: this.#options.supervisorPid,
      reports: this.#reports,
      proxies: this.#proxyStates(),
      model: this.#pilot.model,
      wantedReplicas,
      patchMatches: countMatches(this.#pilot),
      diagnostics: this.diagnostics(),
    });
  }

  /** Those of the configuration, and the supervisor's about what it runs. */
  diagnostics(): Diagnostic[] {
    return [...this.#configurationDiagnostics(), ...this.#supervisorDiagnostics];
  }

  /** The same with what is only worth knowing. */
  analysis(): AnalysisResponse {
    const diagnostics = [
      ...this.#objectDiagnostics(),
      ...this.#modelDiagnostics(),
      ...this.#analysis.all(),
      ...this.#supervisorDiagnostics,
    ];
    return { diagnostics, objects: this.store.objects.size };
  }

  #configurationDiagnostics(): Diagnostic[] {
    return [...this.#objectDiagnostics(), ...this.#modelWarnings(), ...this.#analysis.warnings];
  }

  /** Those that are known at once, without a look at everything. */
  #objectDiagnostics(): Diagnostic[] {
    this.#unmatched = unmatchedPatches(this.#pilot, this.#unmatched);
    return [...this.store.diagnostics(), ...this.#unmatched.map((each) => this.store.locate(each.diagnostic))];
  }

  /** Those that the model finds, since it has to know. */
  #modelDiagnostics(): Diagnostic[] {
    return allDiagnostics(this.#pilot.model.diagnostics).map((each) => this.store.locate(each));
  }

  /** Without what is only worth knowing. */
  #modelWarnings(): Diagnostic[] {
    return this.#modelDiagnostics().filter(({ severity }) => severity !== 'info');
  }

  #sendDiagnostics(): void {
    const diagnostics = [...this.#objectDiagnostics(), ...this.#modelWarnings(), ...this.#analysis.known];
    this.#sendIfChanged({ type: 'diagnostics', diagnostics });
  }

  proxyReports(): ProxyReport[] {
    return proxyReports(
      this.#reports.map(({ instance }) => instance),
      this.#proxyStates(),
    );
  }

  /** In Prometheus' text format. */
  metrics(): string {
    return this.#ads.metrics.print();
  }

  /** What proxies say to the object now, where they refuse what it asks for. */
  refusalsOf(key: ObjectKey): string[] {
    return refusalsOf(this.#pilot, this.#ads.proxies(), key);
  }

  /** Resolves when every proxy that lacks something now has answered. Throws LAT0243 after `timeoutMs`. */
  delivered(timeoutMs: number): Promise<void> {
    return this.#ads.settled(timeoutMs);
  }

  async explain(request: ExplainRequest): Promise<Journey> {
    // Few ask, so nobody waits for it at the start.
    const { explain } = await import('#pilot/explain/explain.ts');
    return explain(this.#pilot, request, (key) => this.store.origin(key));
  }

  objectStatus(object: ConfigObject): Readonly<Record<string, unknown>> | undefined {
    return objectStatus(object, this.#pilot.model, this.#conditionTimes);
  }

  /** Everything that a proxy should hold, as Envoy's JSON, with where it came from. */
  proxyConfig(name: string): Promise<ProxyConfigResponse | undefined> {
    return printProxyConfig(name, this.#pilot, (key) => this.store.origin(key));
  }

  /** What a proxy holds of the mesh, and why. */
  async proxyScope(name: string): Promise<ProxyScope | undefined> {
    const { explainProxyScope } = await import('#pilot/explain/proxy-scope.ts');
    return explainProxyScope(name, this.#pilot);
  }

  /** Proxies that reconnect would lose their endpoints if they were answered before the instances are known. */
  async #serveIfReady(): Promise<void> {
    if (this.#serving || !this.#instancesKnown || this.#admin === undefined) return;
    this.#serving = true;
    await this.#ads.start(`unix:${this.#options.xdsSocket}`);
  }

  #configurationChanged(): void {
    this.#tellManifests();
    this.#analysis.changed();
    this.#sendDiagnostics();
    this.#proxiesChanged();
  }

  #tellManifests(): void {
    const { dir } = this.#options;
    this.#servicesChanged = false;
    const message: ManifestsMessage = manifestsMessage(this.store.objects, this.#pilot.model, (key) => {
      const origin = this.store.origin(key);
      return (origin === undefined ? undefined : this.#files.folderOf(origin.file)) ?? dir;
    });
    this.#sendBootstrapPatches();
    this.#sendIfChanged(message);
  }

  #sendBootstrapPatches(): void {
    const { sources, rootNamespace } = this.#pilot.resources.envoyFilters;
    const objectOf = (key: ObjectKey) => {
      const object = this.store.objects.get(key);
      return object?.kind === 'EnvoyFilter' ? object : undefined;
    };
    const all = [...sources.entries()].map(([, source]) => source);
    const patches = bootstrapPatches(all, objectOf, rootNamespace);
    // Hardly any mesh has some.
    if (patches.length === 0 && !this.#lastSent.has('bootstrap-patches')) return;
    this.#sendIfChanged({ type: 'bootstrap-patches', patches });
  }

  #announce(changes: readonly StoreChange[]): void {
    for (const { key, outcome } of changes.slice(0, MAX_NOTICES)) {
      const origin = this.store.origin(key);
      const where = origin === undefined ? '' : ` (${origin.file}:${origin.line})`;
      this.#send({ type: 'notice', text: `${qualifiedName(key)} ${outcome}${where}` });
    }
    const more = changes.length - MAX_NOTICES;
    if (more > 0) this.#send({ type: 'notice', text: `and ${more} more objects changed` });
  }

  #proxiesChanged(): void {
    clearImmediate(this.#noting);
    this.#noting = undefined;
    const proxies = this.#proxyStates();
    if (this.#ads.allAccepted) this.#refusals.allAccepted();
    this.#sendIfChanged({ type: 'proxies', proxies });
    // Only these depend on which proxies are connected.
    if (this.#pilot.resources.envoyFilters.sources.size > 0) {
      this.#sendDiagnostics();
    }
  }

  #proxyStates(): Record<string, ProxyState> {
    return proxyStates(this.#ads.proxies());
  }

  #sendIfChanged(message: ToSupervisor): void {
    const text = JSON.stringify(message);
    if (this.#lastSent.get(message.type) === text) return;
    this.#lastSent.set(message.type, text);
    this.#send(message);
  }
}

/** As kubectl names objects: `virtualservice.networking.istio.io/reviews`. */
function qualifiedName(key: ObjectKey): string {
  const { kind, name } = refOfKey(key);
  const { singular, group } = kinds[kind as KindName];
  return `${group === '' ? singular : `${singular}.${group}`}/${name}`;
}
