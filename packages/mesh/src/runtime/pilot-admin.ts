import type { AnalysisResponse, ExplainRequest, MeshStatus, ProxyReport } from '@lateen/api/admin.ts';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import type { Journey } from '@lateen/api/verdict.ts';
import type { ConfigStore } from '#pilot/config/store.ts';
import { allDiagnostics } from '#pilot/model/gateway-api/diagnostics.ts';
import type { Pilot } from '#pilot/pilot.ts';
import type { LearntRegistry } from '#pilot/registry/learnt/learnt-registry.ts';
import type { InstanceReport, ProxyState } from '#pilot/registry/processes/link.ts';
import { countMatches } from '#pilot/xds/patch-matches.ts';
import { printProxyConfig } from '#pilot/xds/print-proxy-config.ts';
import type { AdsServer } from '#pilot/xds/server/server.ts';
import type { Administered } from './admin-handlers.ts';
import { BackgroundAnalysis } from './background-analysis.ts';
import { refusalsOf } from './blame.ts';
import { ConditionTimes } from './condition-times.ts';
import { meshStatus } from './mesh-status.ts';
import { objectStatus } from './object-status.ts';
import { proxyReports, proxyStates } from './proxy-states.ts';

export interface PilotAdminOptions {
  readonly pilot: Pilot;
  readonly store: ConfigStore;
  readonly ads: AdsServer;
  readonly learnt: LearntRegistry;
  /** Of the admin API, as clients name it. */
  readonly address: () => string;
  /** Those that an operator is told of anyway. */
  readonly diagnostics: () => readonly Diagnostic[];
}

/** What a Pilot that runs by itself shows in its admin API: the mesh is the proxies that are connected. */
export class PilotAdmin implements Administered {
  readonly store: ConfigStore;
  readonly #options: PilotAdminOptions;
  readonly #analysis: BackgroundAnalysis;
  readonly #conditionTimes: ConditionTimes;

  constructor(options: PilotAdminOptions) {
    this.#options = options;
    const { pilot, store } = options;
    this.store = store;
    const instances = () => [...pilot.instances.entries()].map(([, instance]) => instance);
    this.#analysis = new BackgroundAnalysis(store, pilot.model.settings, instances, () => {});
    this.#conditionTimes = new ConditionTimes(pilot.model.statuses);
  }

  async settled(timeoutMs: number): Promise<void> {
    await this.#options.ads.settled(timeoutMs).catch((error: unknown) => console.error((error as Error).message));
  }

  status(): MeshStatus {
    const { pilot, address } = this.#options;
    const states = this.#proxyStates();
    const reports = [...pilot.instances.entries()].map(
      ([name, instance]): InstanceReport => ({
        instance,
        process: {
          pid: null,
          containers: [],
          envoyPid: null,
          envoyAdmin: '',
          phase: states[name] === undefined ? 'disconnected' : 'connected',
          restarts: 0,
        },
      }),
    );
    const status = meshStatus({
      mesh: 'pilot',
      admin: address(),
      supervisorPid: process.pid,
      reports,
      proxies: states,
      model: pilot.model,
      wantedReplicas: new Map(),
      patchMatches: countMatches(pilot),
      diagnostics: this.diagnostics(),
    });
    // Which proxies there should be it does not know.
    return { ...status, ready: true };
  }

  diagnostics(): readonly Diagnostic[] {
    return this.#options.diagnostics();
  }

  analysis(): AnalysisResponse {
    const ofModel = allDiagnostics(this.#options.pilot.model.diagnostics).map((each) => this.store.locate(each));
    return {
      diagnostics: [...this.store.diagnostics(), ...ofModel, ...this.#analysis.all()],
      objects: this.store.objects.size,
    };
  }

  async explain(request: ExplainRequest): Promise<Journey> {
    const { explain } = await import('#pilot/explain/explain.ts');
    return explain(this.#options.pilot, request, (key) => this.store.origin(key));
  }

  proxyReports(): ProxyReport[] {
    const instances = [...this.#options.pilot.instances.entries()].map(([, instance]) => instance);
    return proxyReports(instances, this.#proxyStates());
  }

  #proxyStates(): Record<string, ProxyState> {
    return proxyStates(this.#options.ads.proxies());
  }

  proxyConfig(name: string) {
    return printProxyConfig(name, this.#options.pilot, (key) => this.store.origin(key));
  }

  async proxyScope(name: string): Promise<ProxyScope | undefined> {
    const { explainProxyScope } = await import('#pilot/explain/proxy-scope.ts');
    const { pilot, learnt } = this.#options;
    return explainProxyScope(name, pilot, (workload, host) => learnt.find(workload, host));
  }

  metrics(): string {
    return this.#options.ads.metrics.print();
  }

  refusalsOf(key: ObjectKey): string[] {
    return refusalsOf(this.#options.pilot, this.#options.ads.proxies(), key);
  }

  delivered(timeoutMs: number): Promise<void> {
    return this.#options.ads.settled(timeoutMs);
  }

  objectStatus(object: ConfigObject): Readonly<Record<string, unknown>> | undefined {
    return objectStatus(object, this.#options.pilot.model, this.#conditionTimes);
  }
}
