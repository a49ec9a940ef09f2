import { constants, type ServerHttp2Stream } from 'node:http2';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { formatError, isLateenError, LateenError } from '@lateen/api/lateen-error.ts';
import {
  type Protocol,
  type ProxyDirectory,
  type ProxyNode,
  type ProxyView,
  type ResourceChange,
  type ResourceType,
  typeUrls,
} from '../resource.ts';
import type { Clock } from './clock.ts';
import { type EncodedResponse, encodeResponse } from './encode-response.ts';
import { isSynced, oldestOutstanding } from './order.ts';
import { spiffeIdIn, type VerifyPeer } from './peer.ts';
import { createStreamState, type Request, type Response, typeOrder } from './state.ts';
import { type ProxyStatus, proxyStatus } from './status.ts';
import { type Input, step } from './stream.ts';
import type { Turns } from './turns.ts';
import { type DecodedRequest, decodeRequest } from './wire.ts';
import type { WriteGate } from './write-gate.ts';

/** Writes of at least this size wait for a place at the gate. */
const LARGE_WRITE_BYTES = 64 * 1024;
/** Names that one stream may subscribe to, for each type. */
const MAX_SUBSCRIBED_NAMES = 200_000;
/** How long a client may hold a stream open without saying who it is. */
export const FIRST_REQUEST_MS = 10_000;

export type AdsCall = ServerDuplexStream<Buffer, EncodedResponse>;

export interface AdsStreamOptions {
  readonly streamId: number;
  readonly call: AdsCall;
  readonly protocol: Protocol;
  readonly directory: ProxyDirectory;
  readonly verifyPeer: VerifyPeer | undefined;
  readonly gate: WriteGate;
  readonly turns: Turns;
  /** How long a client may take nothing of what was written to it, in milliseconds. */
  readonly stallMs: number;
  readonly clock: Clock;
  /** The proxy has named itself and was accepted. */
  readonly onConnected: (stream: AdsStream) => void;
  /** What the proxy should hold is not what it was. */
  readonly onChanged: (stream: AdsStream) => void;
  readonly onSent: (response: Response, bytes: number) => void;
  readonly onRejected: (typeUrl: string) => void;
  /** Something was sent, or the client said something (`isAnswer`). */
  readonly onProgress: (stream: AdsStream, isAnswer: boolean) => void;
  /** Called once; after `onConnected` only if that was called. */
  readonly onClosed: (stream: AdsStream, error: Error | undefined) => void;
}

/** One ADS stream: carries messages between the gRPC call and the state machine in `stream.ts`. */
export class AdsStream {
  readonly streamId: number;
  readonly connectedAtMs: number;
  everSynced = false;
  readonly #options: AdsStreamOptions;
  readonly #state;
  #node: ProxyNode | undefined;
  #view: ProxyView | undefined;
  /** The one timer of this stream: for the first request, then for what the state machine waits for. */
  #cancelWake: (() => void) | undefined;
  #isClosed = false;
  /** Responses behind one that waits for its place at the gate; undefined when none waits. At most one for each type. */
  #waiting: Response[] | undefined;
  /** Changes of the wanted state that have not been looked at, all in one. */
  #unseen: Map<ResourceType, Set<string>> | undefined;
  #hasAskedForTurn = false;
  /** Responses that the client has not taken in full. */
  #untaken = 0;
  #cancelStall: (() => void) | undefined;

  constructor(options: AdsStreamOptions) {
    this.#options = options;
    this.streamId = options.streamId;
    this.connectedAtMs = options.clock.nowMs();
    this.#state = createStreamState(options.protocol);
    const { call, clock } = options;
    const giveUp = () => this.end(status.DEADLINE_EXCEEDED, 'No first request came.');
    this.#cancelWake = clock.setTimer(FIRST_REQUEST_MS, giveUp);
    call.on('data', (bytes: Buffer) => this.#guard(() => this.#receive(bytes)));
    call.on('end', () => {
      call.end();
      this.#close(undefined);
    });
    call.on('cancelled', () => this.#close(undefined));
    call.on('close', () => this.#close(undefined));
    // A reset connection is reported by `cancelled` as well; without a listener it would end the process.
    call.on('error', () => this.#close(undefined));
  }

  get nodeId(): string {
    return this.#node?.id ?? '';
  }

  get isSynced(): boolean {
    return this.#unseen === undefined && isSynced(this.#state);
  }

  /** Grows whenever the set of rejected resources changes. */
  get refusalRevision(): number {
    return this.#state.refusalRevision;
  }

  /** A mark for `hasAnswered`: everything that is pending now is older. */
  get sequence(): number {
    return this.#state.sequence + (this.#unseen === undefined ? 0 : 1);
  }

  /** Whether everything that was pending at the mark was acknowledged or rejected since. */
  hasAnswered(sequence: number): boolean {
    if (this.#isClosed) return true;
    // The next step is the one that sees the changes which were not looked at.
    if (this.#unseen !== undefined && this.#state.sequence + 1 <= sequence) return false;
    return oldestOutstanding(this.#state) > sequence;
  }

  status(): ProxyStatus {
    const { streamId, nodeId, connectedAtMs, everSynced } = this;
    return proxyStatus({ streamId, nodeId, connectedAtMs, everSynced, synced: this.isSynced }, this.#state);
  }

  /** Ends the stream from our side. */
  end(code: status, details: string, error?: Error): void {
    if (this.#isClosed) return;
    this.#close(error);
    this.#options.call.emit('error', { code, details });
  }

  /** A mistake of ours in handling one stream must not take the others down. */
  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.end(status.INTERNAL, 'The control plane failed on this stream.', toError(error));
    }
  }

  #receive(bytes: Buffer): void {
    if (this.#isClosed) return;
    const decoded = this.#decode(bytes);
    if (decoded === undefined) return;
    if (decoded.request.typeUrl === '') {
      this.end(status.INVALID_ARGUMENT, 'An aggregated discovery request must name a type_url.');
      return;
    }
    if (this.#view === undefined) this.#arrive(decoded);
    else this.#handle(decoded.request);
  }

  #handle(request: Request): void {
    const asksForHosts = request.protocol === 'delta' && request.typeUrl === typeUrls.virtualHost;
    // What a client holds it has asked for once: a control plane that has just started may not know it yet.
    if (asksForHosts) this.#ask([...request.initialVersions.keys()]);
    if (request.error !== undefined) this.#options.onRejected(request.typeUrl);
    this.#apply({ kind: 'request', request });
    const { types } = this.#state;
    if (typeOrder.some((type) => types[type].names.size > MAX_SUBSCRIBED_NAMES)) {
      this.end(status.RESOURCE_EXHAUSTED, `A stream can subscribe to ${MAX_SUBSCRIBED_NAMES} names of a type.`);
    }
    if (!asksForHosts || this.#state.asked.size === 0) return;
    this.#ask(request.subscribe.filter((name) => this.#state.asked.has(name)));
    this.#apply({ kind: 'asked' });
  }

  /** What there is for hosts is made known as a change, before this ends. */
  #ask(names: readonly string[]): void {
    const view = this.#view;
    const unknown = names.filter((name) => view?.hostFor(name) === undefined);
    if (unknown.length > 0) view?.ask(unknown);
  }

  #decode(bytes: Buffer): DecodedRequest | undefined {
    try {
      return decodeRequest(this.#options.protocol, bytes);
    } catch (error) {
      this.end(status.INVALID_ARGUMENT, `This is no discovery request: ${toError(error).message}`);
      return undefined;
    }
  }

  /** Nothing more is read until the proxy is connected, so that its requests stay in order. */
  #arrive({ node, request }: DecodedRequest): void {
    if (node === undefined || node.id === '') {
      this.end(status.INVALID_ARGUMENT, 'The first request of a stream must name the node (node.id).');
      return;
    }
    if (!this.#verify(node)) return;
    const { call, turns } = this.#options;
    call.pause();
    turns.connect(() => {
      this.#guard(() => this.#connect(node));
      // When the mesh has taken in all that connected together.
      turns.ask(() => {
        this.#guard(() => {
          if (this.#isClosed) return;
          this.#options.onConnected(this);
          this.#handle(request);
          call.resume();
        });
      });
    });
  }

  #connect(node: ProxyNode): void {
    if (this.#isClosed) return;
    try {
      this.#view = this.#options.directory.connect(node, this.#options.protocol);
    } catch (error) {
      if (!isLateenError(error)) throw error;
      this.end(status.NOT_FOUND, formatError(error), error);
      return;
    }
    this.#node = node;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#view.onChange((change) => this.#notice(change));
  }

  /** Whatever changes until it is this stream's turn is one change. */
  #notice(change: ResourceChange): void {
    if (this.#isClosed) return;
    this.#unseen ??= new Map();
    for (const [type, names] of change) {
      const unseen = this.#unseen.get(type);
      if (unseen === undefined) this.#unseen.set(type, new Set(names));
      else for (const name of names) unseen.add(name);
    }
    this.#options.onChanged(this);
    if (this.#hasAskedForTurn || this.#mustAnswerFirst(this.#unseen)) return;
    this.#hasAskedForTurn = true;
    this.#options.turns.ask(() => {
      this.#hasAskedForTurn = false;
      if (this.#unseen !== undefined && !this.#isClosed) this.#guard(() => this.#apply(undefined));
    });
  }

  /** Nothing can be sent before the proxy has answered: what changes until then is looked at when it has. */
  #mustAnswerFirst(change: ResourceChange): boolean {
    const { types } = this.#state;
    for (const type of change.keys()) if (types[type].inFlight === undefined) return false;
    return true;
  }

  #verify(node: ProxyNode): boolean {
    const { verifyPeer, call } = this.#options;
    if (verifyPeer === undefined) return true;
    const spiffeId = spiffeIdIn(call.getAuthContext().sslPeerCertificate);
    if (spiffeId === undefined) {
      this.end(status.UNAUTHENTICATED, 'A client certificate with one SPIFFE ID is required.');
      return false;
    }
    try {
      verifyPeer(spiffeId, node);
      return true;
    } catch (error) {
      if (!isLateenError(error)) throw error;
      this.end(status.PERMISSION_DENIED, formatError(error), error);
      return false;
    }
  }

  /** Takes in what changed since the last time and then `input`, if there is any. */
  #apply(input: Input | undefined): void {
    if (this.#isClosed || this.#view === undefined) return;
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const change = this.#unseen;
    this.#unseen = undefined;
    const inputs: Input[] = [];
    if (change !== undefined) inputs.push({ kind: 'change', change });
    if (input !== undefined) inputs.push(input);
    let wakeAtMs: number | undefined;
    for (const each of inputs) {
      const output = step(this.#state, this.#view, each, nowMs);
      wakeAtMs = output.wakeAtMs;
      for (const response of output.responses) this.#send(response);
    }
    this.#cancelWake?.();
    this.#cancelWake =
      wakeAtMs === undefined
        ? undefined
        : clock.setTimer(wakeAtMs - nowMs, () => this.#guard(() => this.#apply({ kind: 'wake' })));
    if (this.isSynced) this.everSynced = true;
    this.#options.onProgress(this, input?.kind === 'request');
  }

  /** Keeps the order of responses: a small one behind a large one that waits for its place waits as well. */
  #send(response: Response): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(response);
      return;
    }
    const { call, gate, protocol, onSent } = this.#options;
    const encoded = encodeResponse(protocol, response);
    onSent(response, encoded.byteLength);
    if (encoded.byteLength < LARGE_WRITE_BYTES) {
      this.#write(encoded, () => {});
      return;
    }
    this.#waiting = [];
    gate.enter((done) => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      if (this.#isClosed) {
        done();
        return;
      }
      call.once('close', done);
      this.#write(encoded, () => {
        call.off('close', done);
        done();
      });
      for (const next of waiting) this.#send(next);
    });
  }

  #write(encoded: EncodedResponse, onTaken: () => void): void {
    this.#untaken++;
    if (this.#untaken === 1) this.#watchStall();
    this.#options.call.write(encoded, () => {
      this.#untaken--;
      this.#watchStall();
      onTaken();
    });
  }

  /** A client that takes nothing any more would keep what was written to it in memory for as long as it likes. */
  #watchStall(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    if (this.#untaken === 0 || this.#isClosed) return;
    const { clock, stallMs } = this.#options;
    this.#cancelStall = clock.setTimer(stallMs, () => {
      this.end(status.DEADLINE_EXCEEDED, 'The client does not read.', stalled(this.nodeId, stallMs));
      reset(this.#options.call);
    });
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelWake?.();
    this.#cancelStall?.();
    const view = this.#view;
    if (view !== undefined) this.#options.turns.close(() => view.close());
    this.#options.onClosed(this, error);
  }
}

/** The end of a gRPC stream comes behind what was written before, which nobody reads: so HTTP/2 has to end it. */
function reset(call: AdsCall): void {
  // gRPC has no word for that; within the call is that of the interceptors, and within that the stream.
  const { stream } = (call as unknown as { readonly call: { readonly stream?: ServerHttp2Stream } }).call;
  stream?.close(constants.NGHTTP2_CANCEL);
}

function stalled(nodeId: string, stallMs: number): LateenError {
  return new LateenError(
    'LAT0734',
    `The proxy ${nodeId} has taken nothing of what was sent to it for ${stallMs / 1000} s, so its stream was ended.`,
    'Look whether it is suspended, or the network between it and the control plane is overloaded.',
  );
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
