// The clients, in a process of their own: what they cost is not counted as the control plane's.
import type { NetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Catalog, types } from './catalog.ts';
import { type Change, ChangeLog, type Convergence, nowMs } from './change-log.ts';
import { Disturbances } from './disturbances.ts';
import { type EnvoyEvents, SimulatedEnvoy } from './simulated-envoy.ts';

export interface LoadOptions {
  readonly to: NetConnectOpts;
  readonly proxies: number;
  /** The number in the name of the first; default 0. */
  readonly firstProxy?: number;
  /** Kinds of objects that may change, and how many there are of each: see `ChangeLog`. */
  readonly kinds: number;
  readonly objectsOfKind: number;
}

export interface SyncReport {
  readonly synced: number;
  /** From the first connection attempt until the last client was synced. */
  readonly wallMs: number;
  /** Of each client, from its own. */
  readonly syncMs: readonly number[];
}

export interface Traffic {
  /** Of each client: all messages to it, without HTTP/2's and gRPC's frames. */
  readonly receivedBytes: readonly number[];
  /** And those from it, with the frames. */
  readonly sentBytes: readonly number[];
  /** Of the first client: bytes of messages, by type. */
  readonly bytesByType: Readonly<Record<string, number>>;
  /** All responses to all clients. */
  readonly responses: number;
  readonly warmTimeouts: number;
  /** Streams that the server ended, by what was seen of it. */
  readonly ended: Readonly<Record<string, number>>;
}

export interface ChaosReport {
  /** By kind of object. */
  readonly convergence: readonly Convergence[];
  readonly pauses: number;
  readonly reconnects: number;
  readonly refusals: number;
}

/** Nothing has come for so long: nothing more is on its way. */
const QUIET_MS = 150;

class Load {
  readonly #envoys: SimulatedEnvoy[];
  readonly #changes: ChangeLog;
  readonly #ended: Record<string, number> = {};
  #disturbances: Disturbances | undefined;
  #onSynced: ((envoy: SimulatedEnvoy) => void) | undefined;

  constructor({ to, proxies, firstProxy = 0, kinds, objectsOfKind }: LoadOptions) {
    const catalog = new Catalog();
    this.#changes = new ChangeLog(proxies, kinds, objectsOfKind);
    const events: EnvoyEvents = {
      onSynced: (envoy) => this.#onSynced?.(envoy),
      onAcknowledged: (envoy, revisions) => this.#changes.acknowledged(envoy.index, revisions),
      onEnded: (_, why) => {
        this.#ended[why] = (this.#ended[why] ?? 0) + 1;
      },
      objectTo: (_, { revisions }) => {
        const [first] = revisions;
        if (first === undefined || !this.#disturbances?.refuses()) return undefined;
        return `${catalog.name(first.type, first.name)}: refused at random`;
      },
    };
    this.#envoys = Array.from(
      { length: proxies },
      (_, index) => new SimulatedEnvoy(index, nodeIdOf(firstProxy + index), to, catalog, events),
    );
  }

  /** All at once. Resolves when all are synced, or after `timeoutMs`. */
  async connect(timeoutMs: number): Promise<SyncReport> {
    const startedAt = performance.now();
    const syncMs: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSynced = (envoy) => {
      syncMs.push(performance.now() - envoy.connectedAtMs);
      if (syncMs.length === this.#envoys.length) resolve();
    };
    for (const envoy of this.#envoys) envoy.connect();
    const timer = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(timer);
    return { synced: syncMs.length, wallMs: performance.now() - startedAt, syncMs };
  }

  disconnect(): void {
    for (const envoy of this.#envoys) envoy.disconnect();
  }

  /** With what each still holds. Gives the moment. */
  reconnect(): number {
    const atMs = nowMs();
    for (const envoy of this.#envoys) envoy.connect();
    return atMs;
  }

  announce(change: Change, isWatched: boolean): void {
    this.#changes.announce(change, isWatched);
  }

  latencies(number: number, timeoutMs: number): Promise<number[]> {
    return this.#changes.latencies(number, timeoutMs);
  }

  /** Waits until nothing comes any more, for `timeoutMs` at most; false if something still did. */
  async quiet(timeoutMs: number): Promise<boolean> {
    const end = performance.now() + timeoutMs;
    let before = -1;
    let quietSince = performance.now();
    while (performance.now() < end) {
      const received = this.#envoys.reduce((sum, envoy) => sum + envoy.receivedBytes, 0);
      if (received !== before) quietSince = performance.now();
      else if (performance.now() - quietSince >= QUIET_MS) return true;
      before = received;
      await delay(10);
    }
    return false;
  }

  traffic(): Traffic {
    const [first] = this.#envoys;
    return {
      receivedBytes: this.#envoys.map((envoy) => types.reduce((sum, type) => sum + envoy.received(type).bytes, 0)),
      sentBytes: this.#envoys.map(({ sentBytes }) => sentBytes),
      bytesByType: Object.fromEntries(types.map((type) => [type, first?.received(type).bytes ?? 0])),
      responses: this.#envoys.reduce(
        (sum, envoy) => sum + types.reduce((each, type) => each + envoy.received(type).responses, 0),
        0,
      ),
      warmTimeouts: this.#envoys.reduce((sum, envoy) => sum + envoy.warmTimeouts, 0),
      ended: this.#ended,
    };
  }

  disturb(seed: number): void {
    this.#changes.restart();
    this.#disturbances = new Disturbances(this.#envoys, seed);
  }

  calm(): ChaosReport {
    const counts = this.#disturbances?.counts;
    this.#disturbances?.stop(this.#envoys);
    this.#disturbances = undefined;
    return { convergence: this.#changes.convergence(), pauses: 0, reconnects: 0, refusals: 0, ...counts };
  }

  digests(): string[] {
    return this.#envoys.map((envoy) => envoy.digest());
  }

  versions(index: number): Record<string, string> {
    return this.#envoys[index]?.versions() ?? {};
  }

  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
}

export type LoadMethods = Pick<
  Load,
  | 'connect'
  | 'disconnect'
  | 'reconnect'
  | 'announce'
  | 'latencies'
  | 'quiet'
  | 'traffic'
  | 'disturb'
  | 'calm'
  | 'digests'
  | 'versions'
  | 'cpuMs'
>;

export interface LoadRequest {
  readonly id: number;
  readonly method: keyof LoadMethods;
  readonly parameters: readonly unknown[];
}

export type LoadReply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

/** In the form that Pilot places without being told of workloads before. */
function nodeIdOf(index: number): string {
  return `sidecar~10.200.${Math.floor(index / 250)}.${(index % 250) + 1}~app-${index}.default~default.svc.cluster.local`;
}

const load = new Load(JSON.parse(process.argv[2] ?? '{}') as LoadOptions);
process.on('message', async ({ id, method, parameters }: LoadRequest) => {
  try {
    const call = load[method] as (...given: unknown[]) => unknown;
    reply({ id, result: await call.apply(load, [...parameters]) });
  } catch (error) {
    reply({ id, error: String((error as Error).stack ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));

function reply(message: LoadReply): void {
  process.send?.(message);
}
