import type { ServerCredentials } from '@grpc/grpc-js';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { Overlay } from '#pilot/config/overlay.ts';
import { ConfigStore, type StoreChange } from '#pilot/config/store.ts';
import { allDiagnostics } from '#pilot/model/gateway-api/diagnostics.ts';
import { DEFAULT_SETTINGS, type MeshSettings } from '#pilot/model/settings.ts';
import { createPilot, type Pilot } from '#pilot/pilot.ts';
import { FileRegistry } from '#pilot/registry/files/file-registry.ts';
import { LearntFile } from '#pilot/registry/learnt/learnt-file.ts';
import { LearntRegistry } from '#pilot/registry/learnt/learnt-registry.ts';
import { NodeRegistry } from '#pilot/registry/nodes/node-registry.ts';
import { PilotDirectory } from '#pilot/xds/directory.ts';
import { verifyWorkloadIdentity } from '#pilot/xds/server/peer.ts';
import { AdsServer } from '#pilot/xds/server/server.ts';
import type { ReadOnlyAdmin } from './admin/server.ts';
import { Refusals } from './refusals.ts';
import { ScheduleClock } from './schedule-clock.ts';

export interface PilotServerOptions {
  /** Absolute files and folders with configuration. */
  readonly roots: readonly string[];
  /** `HOST:PORT`, port 0 for a free one, or `unix:/path`. */
  readonly address: string;
  /** With TLS; clients then have to show the certificate of their service account. Absent: plaintext. */
  readonly credentials?: ServerCredentials;
  /** What proxies hold of the mesh. */
  readonly scoping: MeshSettings['scoping'];
  /** How long nobody need ask for a host until it is found out whether anybody still calls it. Default: an hour. */
  readonly forgetAfterMs?: number;
  /** The file that keeps what workloads call across restarts. Absent: only their proxies remember. */
  readonly learntFile?: string;
  /** Where to show what there is, as `startReadOnlyAdmin` takes it. Absent: nowhere. */
  readonly adminAddress?: string;
  /** Something happened that an operator wants to see. */
  readonly onNotice: (text: string) => void;
  /** What is wrong with the configuration, all of it, at the start and whenever that may have changed. */
  readonly onDiagnostics: (diagnostics: readonly Diagnostic[]) => void;
  readonly onChanges?: (changes: readonly StoreChange[]) => void;
}

/** Looking for what is wrong takes a look at everything, so that is done once for many changes, and after them. */
const DIAGNOSE_AFTER_MS = 250;

/** Pilot by itself: serves a folder of configuration to the proxies that connect, and nothing else. */
export class PilotServer {
  readonly store: ConfigStore;
  readonly #options: PilotServerOptions;
  readonly #pilot: Pilot;
  readonly #nodes: NodeRegistry;
  readonly #learnt: LearntRegistry;
  readonly #learntFile: LearntFile | undefined;
  readonly #ads: AdsServer;
  readonly #files: FileRegistry;
  readonly #refusals: Refusals;
  readonly #scheduleClock: ScheduleClock;
  #diagnosing: NodeJS.Timeout | undefined;
  #noting: NodeJS.Immediate | undefined;
  #admin: ReadOnlyAdmin | undefined;

  constructor(options: PilotServerOptions) {
    this.#options = options;
    const { onNotice, roots, scoping } = options;
    const settings = { ...DEFAULT_SETTINGS, scoping };
    this.#pilot = createPilot(settings, (error, where) => {
      console.error(`internal error while deriving ${where}; its last value stays in force:`, error);
    });
    const { graph, objects, instances } = this.#pilot;
    this.store = new ConfigStore(graph, objects, new Overlay(undefined), settings.clusterDomain);
    this.#refusals = new Refusals(this.#pilot, this.store);
    this.#scheduleClock = new ScheduleClock(this.#pilot);
    this.#nodes = new NodeRegistry(instances);
    this.#learnt = new LearntRegistry(this.#pilot.learnt, {
      ...(options.forgetAfterMs === undefined ? {} : { trustMs: options.forgetAfterMs }),
      onChange: () => this.#learntFile?.noteChange(),
    });
    this.#learntFile =
      options.learntFile === undefined
        ? undefined
        : new LearntFile(options.learntFile, () => this.#learnt.entries(), onNotice);
    this.#ads = new AdsServer({
      directory: new PilotDirectory(this.#pilot, this.#nodes, this.#learnt),
      ...(options.credentials === undefined ? {} : { verifyPeer: verifyWorkloadIdentity(settings.trustDomain) }),
    });
    this.#files = new FileRegistry({
      roots,
      defaultNamespace: 'default',
      cwd: process.cwd(),
      onResults: (results) => {
        const startMs = performance.now();
        this.store.setFiles(results);
        this.#ads.noteStage('admit', performance.now() - startMs);
      },
      onUnwatched: (folder, reason) => onNotice(`${folder} cannot be watched, so edits in it are seen late: ${reason}`),
      loses: (file, result) => this.store.loses(file, result),
    });
  }

  /**
   * Reads everything, then listens. Resolves with the address, which has the real port.
   * @throws LateenError LAT0241, LAT0761 when an address cannot be listened on
   */
  async start(): Promise<string> {
    const { address, credentials, onNotice, onChanges } = this.#options;
    if (this.#learntFile !== undefined) this.#learnt.restore(this.#learntFile.read());
    this.#learnt.start();
    const { skipped } = this.#files.start();
    for (const folder of skipped) onNotice(`${folder} is not read; name it with --config to read it`);
    this.#options.onDiagnostics(this.#diagnostics());
    this.store.onChange((changes) => {
      onChanges?.(changes);
      this.#diagnosing ??= setTimeout(() => {
        this.#diagnosing = undefined;
        this.#options.onDiagnostics(this.#diagnostics());
      }, DIAGNOSE_AFTER_MS);
    });
    this.#ads.onEvent((event) => {
      if (event.kind === 'disconnected' && event.error !== undefined) {
        onNotice(`a proxy was refused: ${event.error.message}`);
      }
      // Not within the event: what is taken back changes the stream that the event came from.
      queueMicrotask(() => {
        if (event.kind !== 'changed') return;
        if (event.rejected.length > 0) this.#refusals.onRejected(event.nodeId, event.rejected);
        this.#noting ??= setImmediate(() => {
          this.#noting = undefined;
          this.#noteAccepted();
        });
      });
    });
    await this.#startAdmin();
    return this.#ads.start(address, credentials);
  }

  /** Of the admin API, if there is one. */
  get adminAddress(): string | undefined {
    return this.#admin?.address;
  }

  async #startAdmin(): Promise<void> {
    const { adminAddress } = this.#options;
    if (adminAddress === undefined) return;
    // Few ask for it, so nobody else waits for it at the start.
    const [{ startReadOnlyAdmin }, { adminHandlers }, { PilotAdmin }] = await Promise.all([
      import('./admin/server.ts'),
      import('./admin-handlers.ts'),
      import('./pilot-admin.ts'),
    ]);
    const plane = new PilotAdmin({
      pilot: this.#pilot,
      store: this.store,
      ads: this.#ads,
      learnt: this.#learnt,
      address: () => this.#admin?.address ?? adminAddress,
      diagnostics: () => this.#diagnostics(),
    });
    const onFault = (error: unknown) => console.error('admin API:', error);
    this.#admin = await startReadOnlyAdmin({ address: adminAddress, handlers: adminHandlers(plane), onFault });
  }

  /** Which gateways there are no file says: they are whoever connects. */
  #diagnostics(): readonly Diagnostic[] {
    const ofModel = allDiagnostics(this.#pilot.model.diagnostics)
      .filter(({ severity }) => severity !== 'info')
      .map((each) => this.store.locate(each));
    return [...this.store.diagnostics().filter(({ code }) => code !== 'LAT0595'), ...ofModel];
  }

  #noteAccepted(): void {
    if (this.#ads.allAccepted) this.#refusals.allAccepted();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#diagnosing);
    this.#files.close();
    this.#scheduleClock.stop();
    this.#nodes.close();
    this.#learnt.close();
    this.#learntFile?.close();
    await Promise.all([this.#ads.stop(), this.#admin?.close()]);
  }
}
