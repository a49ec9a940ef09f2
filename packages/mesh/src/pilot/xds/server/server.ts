import { type handleBidiStreamingCall, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { rawStreamMethod } from '#sockets/raw-method.ts';
import { type ListeningSocket, listenOnSocket } from '#sockets/unix-socket.ts';
import type { MetricsRegistry } from '../../metrics/registry.ts';
import type { Protocol, ProxyDirectory } from '../resource.ts';
import { type AdsCall, AdsStream } from './ads-stream.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Convergence, followConvergence } from './convergence.ts';
import type { EncodedResponse } from './encode-response.ts';
import type { VerifyPeer } from './peer.ts';
import { createServerMetrics, type ServerMetrics } from './server-metrics.ts';
import { resourceType } from './state.ts';
import type { AdsEvent, ProxyStatus } from './status.ts';
import { createTurns, type Turns } from './turns.ts';
import { createWriteGate, type WriteGate } from './write-gate.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

export interface AdsServerOptions {
  readonly directory: ProxyDirectory;
  /** With it, only clients whose certificate has a SPIFFE ID are served, and only what this allows. */
  readonly verifyPeer?: VerifyPeer;
  /** Streams at once; more are refused with RESOURCE_EXHAUSTED. Default 10,000. */
  readonly maxStreams?: number;
  /** The largest request, in bytes. A proxy that reconnects names everything it holds. Default 16 MiB. */
  readonly maxRequestBytes?: number;
  /** How often a silent connection is probed, in milliseconds. Default 30 s. */
  readonly keepaliveMs?: number;
  /** Large responses being written at once in this server. Default 16. */
  readonly largeWrites?: number;
  /** How long a proxy may take nothing of what is sent to it before its stream is ended. Default 60 s. */
  readonly stallMs?: number;
  readonly clock?: Clock;
}

/** What was last said of a stream. */
interface Known {
  readonly synced: boolean;
  readonly refusalRevision: number;
  readonly rejects: boolean;
}

const NEW_STREAM: Known = { synced: false, refusalRevision: 0, rejects: false };

interface SettledWaiter {
  readonly marks: Map<AdsStream, number>;
  readonly resolve: () => void;
}

/** How long one write may keep its place among the large ones, and how long a dead connection is probed. */
const WRITE_LEASE_MS = 5_000;
const STALL_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
const STREAMS_PER_CONNECTION = 100;

/**
 * Pilot's xDS server: `envoy.service.discovery.v3.AggregatedDiscoveryService`, incremental and state of the world, for
 * the resource types of `resource.ts`.
 */
export class AdsServer {
  readonly #options: AdsServerOptions;
  readonly #clock: Clock;
  readonly #gate: WriteGate;
  readonly #turns: Turns;
  readonly #metrics: ServerMetrics;
  readonly #convergence: Convergence;
  readonly #streams = new Set<AdsStream>();
  readonly #unnamed = new Set<AdsStream>();
  readonly #known = new Map<AdsStream, Known>();
  /** Connected proxies that lack something, or that refuse something. */
  #unsettled = 0;
  readonly #listeners = new Set<(event: AdsEvent) => void>();
  readonly #waiters = new Set<SettledWaiter>();
  #server: Server | undefined;
  #socket: ListeningSocket | undefined;
  #nextStreamId = 1;

  constructor(options: AdsServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#gate = createWriteGate({
      limit: options.largeWrites ?? 16,
      leaseMs: WRITE_LEASE_MS,
      clock: this.#clock,
    });
    const { directory } = options;
    this.#turns = createTurns({
      clock: this.#clock,
      together: (change) => directory.together(change),
      onSlice: (ms) => this.#metrics.stages.observe(ms / 1000, 'push'),
    });
    this.#metrics = createServerMetrics({
      connected: () => this.#streams.size,
      queue: () => ({ turn: this.#turns.waiting, gate: this.#gate.waiting, answer: this.#unsynced() }),
    });
    const { eachProxy, lastProxy } = this.#metrics;
    this.#convergence = followConvergence(this.#clock, eachProxy, lastProxy);
  }

  /**
   * Listens on `unix:/path` (mode 0600) or `HOST:PORT` (port 0: a free one). Without TLS credentials HOST must be a
   * loopback address. Resolves with the address, which has the real port. Throws LAT0241 when the address cannot be
   * listened on, LAT0431 when another server has the socket, and LAT0461 for a path that cannot be a socket.
   */
  async start(address: string, credentials: ServerCredentials = ServerCredentials.createInsecure()): Promise<string> {
    if (this.#server !== undefined) throw new Error('This server has been started before.');
    const server = new Server(this.#channelOptions());
    server.addService(
      {
        // `wire.ts` decodes requests, `encode-response.ts` encodes responses.
        DeltaAggregatedResources: rawStreamMethod(`${SERVICE}/DeltaAggregatedResources`),
        StreamAggregatedResources: rawStreamMethod(`${SERVICE}/StreamAggregatedResources`),
      },
      { DeltaAggregatedResources: this.#handler('delta'), StreamAggregatedResources: this.#handler('sotw') },
    );
    const bound = await this.#bind(server, address, credentials);
    this.#server = server;
    return bound;
  }

  /**
   * Ends all streams and stops listening. When `graceful`, the proxies are told to come back (UNAVAILABLE) and what is
   * being written is finished first; they keep what they have in any case.
   */
  async stop(graceful = true): Promise<void> {
    const server = this.#server;
    const socket = this.#socket;
    this.#server = undefined;
    this.#socket = undefined;
    if (server === undefined) return;
    await socket?.remove();
    for (const stream of [...this.#streams, ...this.#unnamed]) {
      stream.end(status.UNAVAILABLE, 'The control plane is shutting down.');
    }
    this.#turns.flush();
    if (graceful) await shutDown(server, this.#clock);
    server.forceShutdown();
  }

  /** The connected proxies, oldest first. */
  proxies(): ProxyStatus[] {
    return [...this.#streams].map((stream) => stream.status());
  }

  /** What this server tells of itself; whoever else has something to tell can add to it. */
  get metrics(): MetricsRegistry {
    return this.#metrics.registry;
  }

  /** Notes work of another stage on the way to the proxies. */
  noteStage(stage: 'admit', ms: number): void {
    this.#metrics.stages.observe(ms / 1000, stage);
  }

  #unsynced(): number {
    let count = 0;
    for (const { synced } of this.#known.values()) if (!synced) count++;
    return count;
  }

  /** Whether every connected proxy holds everything that it should, and refuses nothing. */
  get allAccepted(): boolean {
    return this.#unsettled === 0 && this.#turns.waiting === 0;
  }

  /** Calls `listener` on each event, synchronously. The result stops that. */
  onEvent(listener: (event: AdsEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when every proxy that is connected now has acknowledged or rejected everything that it lacks now; what
   * changes later does not count. A proxy that disconnects is no longer waited for. Throws LAT0243 after `timeoutMs`.
   */
  settled(timeoutMs: number): Promise<void> {
    const marks = new Map<AdsStream, number>();
    for (const stream of this.#streams) if (!stream.hasAnswered(stream.sequence)) marks.set(stream, stream.sequence);
    if (marks.size === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimer(timeoutMs, () => {
        this.#waiters.delete(waiter);
        reject(unsettled([...marks.keys()], timeoutMs));
      });
      const waiter: SettledWaiter = {
        marks,
        resolve() {
          cancel();
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #channelOptions() {
    return {
      'grpc.max_receive_message_length': this.#options.maxRequestBytes ?? 16 * 1024 * 1024,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
      'grpc.keepalive_time_ms': this.#options.keepaliveMs ?? 30_000,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.enable_channelz': 0,
    };
  }

  async #bind(server: Server, address: string, credentials: ServerCredentials): Promise<string> {
    if (address.startsWith('unix:')) {
      this.#socket = await listenOnSocket(server, address.slice('unix:'.length), credentials);
      return address;
    }
    const host = address.slice(0, address.lastIndexOf(':'));
    const isLoopback = /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(host);
    if (!credentials._isSecure() && !isLoopback) {
      throw new LateenError(
        'LAT0241',
        `Cannot serve xDS on ${address}: without TLS only a loopback address is allowed.`,
        'Listen on 127.0.0.1 or a Unix socket, or use TLS credentials.',
      );
    }
    return `${host}:${await listen(server, address, credentials)}`;
  }

  #handler(protocol: Protocol): handleBidiStreamingCall<Buffer, EncodedResponse> {
    return (call) => this.#accept(call, protocol);
  }

  #accept(call: AdsCall, protocol: Protocol): void {
    if (this.#streams.size + this.#unnamed.size >= (this.#options.maxStreams ?? 10_000)) {
      call.on('error', () => {});
      call.emit('error', {
        code: status.RESOURCE_EXHAUSTED,
        details: 'This control plane has all the streams it can hold.',
      });
      return;
    }
    const stream = new AdsStream({
      streamId: this.#nextStreamId++,
      call,
      protocol,
      directory: this.#options.directory,
      verifyPeer: this.#options.verifyPeer,
      gate: this.#gate,
      turns: this.#turns,
      stallMs: this.#options.stallMs ?? STALL_MS,
      clock: this.#clock,
      onConnected: (connected) => this.#add(connected),
      onChanged: (changed) => this.#convergence.changed(changed),
      onSent: (response, bytes) => this.#metrics.sent(response, bytes),
      onRejected: (typeUrl) => this.#metrics.rejects.add(1, resourceType(typeUrl) ?? 'other'),
      onProgress: (moved, isAnswer) => {
        this.#convergence.progressed(moved, isAnswer);
        this.#follow(moved);
      },
      onClosed: (closed, error) => this.#drop(closed, error),
    });
    this.#unnamed.add(stream);
  }

  #add(stream: AdsStream): void {
    this.#unnamed.delete(stream);
    this.#streams.add(stream);
    this.#know(stream, NEW_STREAM);
    this.#emit({ kind: 'connected', streamId: stream.streamId, nodeId: stream.nodeId });
  }

  #follow(stream: AdsStream): void {
    const before = this.#known.get(stream);
    const { isSynced: synced, refusalRevision } = stream;
    if (before !== undefined && (before.synced !== synced || before.refusalRevision !== refusalRevision)) {
      const { streamId, nodeId } = stream;
      const rejected = refusalRevision === 0 ? [] : stream.status().rejected;
      this.#know(stream, { synced, refusalRevision, rejects: rejected.length > 0 });
      this.#emit({ kind: 'changed', streamId, nodeId, synced, rejected });
    }
    this.#resolveWaiters(stream);
  }

  /** Keeps the count: asking every stream after each answer would cost the square of their number. */
  #know(stream: AdsStream, now: Known | undefined): void {
    const isUnsettled = (known: Known | undefined) => known !== undefined && (!known.synced || known.rejects);
    const before = this.#known.get(stream);
    this.#unsettled += Number(isUnsettled(now)) - Number(isUnsettled(before));
    if (now === undefined) this.#known.delete(stream);
    else this.#known.set(stream, now);
  }

  #drop(stream: AdsStream, error: Error | undefined): void {
    this.#unnamed.delete(stream);
    this.#know(stream, undefined);
    this.#convergence.closed(stream);
    if (error !== undefined) this.#metrics.ends.add();
    const wasNamed = this.#streams.delete(stream);
    this.#resolveWaiters(stream);
    const { streamId, nodeId } = stream;
    if (wasNamed || error !== undefined) {
      this.#emit({ kind: 'disconnected', streamId, nodeId, ...(error && { error }) });
    }
  }

  #resolveWaiters(stream: AdsStream): void {
    for (const waiter of this.#waiters) {
      const mark = waiter.marks.get(stream);
      if (mark === undefined || !stream.hasAnswered(mark)) continue;
      waiter.marks.delete(stream);
      if (waiter.marks.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #emit(event: AdsEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function listen(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else {
        reject(
          new LateenError(
            'LAT0241',
            `Cannot serve xDS on ${address}: ${error.message}`,
            'Stop what uses this address, or choose another one.',
            { cause: error },
          ),
        );
      }
    });
  });
}

/** How long clients have to take what is being written to them. */
const SHUTDOWN_MS = 1_000;

function shutDown(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(SHUTDOWN_MS, resolve);
    server.tryShutdown(() => {
      cancel();
      resolve();
    });
  });
}

function unsettled(streams: readonly AdsStream[], timeoutMs: number): LateenError {
  const shown = streams.slice(0, 5).map(({ nodeId }) => nodeId);
  const more = streams.length > shown.length ? ` and ${streams.length - shown.length} more` : '';
  return new LateenError(
    'LAT0243',
    `After ${timeoutMs} ms these proxies have not answered their last configuration: ${shown.join(', ')}${more}.`,
    'Look at their logs: a proxy that is suspended, or waits for a secret or for DNS, answers late.',
  );
}
