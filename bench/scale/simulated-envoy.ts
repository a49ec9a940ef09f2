import type { NetConnectOpts } from 'node:net';
import { type Catalog, type ParsedResponse, type Revision, type Type, types, typeUrlOf } from './catalog.ts';
import { GrpcCall } from './grpc-call.ts';
import { fieldOf } from './protobuf.ts';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
/** How long Envoy lets a cluster wait for its endpoints (`initial_fetch_timeout`). */
const WARM_MS = 15_000;
/** The client tries again this long after the server ended the stream. */
const RETRY_MS = 200;

/** Fields of `DeltaDiscoveryRequest`. */
const NODE = 1;
const TYPE_URL = 2;
const SUBSCRIBE = 3;
const UNSUBSCRIBE = 4;
const INITIAL_VERSIONS = 5;
const RESPONSE_NONCE = 6;
const ERROR_DETAIL = 7;
const typeFields = new Map(types.map((type) => [type, fieldOf(TYPE_URL, typeUrlOf[type])]));

export interface EnvoyEvents {
  /** The first complete configuration has been acknowledged. */
  onSynced(envoy: SimulatedEnvoy): void;
  /** A response was acknowledged, just now, in which these are. */
  onAcknowledged(envoy: SimulatedEnvoy, revisions: readonly Revision[]): void;
  onEnded(envoy: SimulatedEnvoy, why: string): void;
  /** What to answer instead of an acknowledgement, if anything. */
  objectTo(envoy: SimulatedEnvoy, response: ParsedResponse): string | undefined;
}

/** What one client knows of one type. */
class Held {
  /** By number of the name: the revision, or 0. */
  revisions = new Int32Array(64);
  /** By number of the name: how many want it; only of endpoints and route tables. */
  wanted = new Int32Array(64);
  /** By number of the name: 1 if the server has said what it is, or that there is none. */
  answered = new Uint8Array(64);
  isRequested = false;
  responses = 0;
  bytes = 0;
  /** Names that were asked for and are not answered yet. */
  missing = 0;

  reserve(number: number): void {
    if (number < this.revisions.length) return;
    const length = Math.max(number + 1, this.revisions.length * 2);
    this.revisions = enlarged(this.revisions, new Int32Array(length));
    this.wanted = enlarged(this.wanted, new Int32Array(length));
    this.answered = enlarged(this.answered, new Uint8Array(length));
  }
}

function enlarged<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

/**
 * An Envoy as the control plane sees it: an incremental ADS stream on a connection of its own, which asks for clusters,
 * their endpoints, listeners, their route tables, and the virtual hosts of those, in Envoy 1.40's order, and answers
 * everything. It holds of each resource only which revision it has.
 */
export class SimulatedEnvoy {
  readonly index: number;
  readonly #node: Buffer;
  readonly #to: NetConnectOpts;
  readonly #catalog: Catalog;
  readonly #events: EnvoyEvents;
  readonly #held = new Map<Type, Held>(types.map((type) => [type, new Held()]));
  #call: GrpcCall | undefined;
  #isNodeSent = false;
  isSynced = false;
  connectedAtMs = 0;
  /** Acknowledgements of clusters wait until the endpoints have come, as they do in Envoy. */
  readonly #warming = new Set<number>();
  #clustersToAnswer: ParsedResponse | undefined;
  #warmTimer: NodeJS.Timeout | undefined;
  /** Route tables with VHDS of which no virtual host has come yet. */
  readonly #withoutHosts = new Set<string>();
  #retryTimer: NodeJS.Timeout | undefined;
  #resumeTimer: NodeJS.Timeout | undefined;
  /** Of former connections. */
  #receivedBefore = 0;
  #sentBefore = 0;
  /** How often clusters were taken over without their endpoints, because they did not come in time. */
  warmTimeouts = 0;

  constructor(index: number, nodeId: string, to: NetConnectOpts, catalog: Catalog, events: EnvoyEvents) {
    this.index = index;
    // `Node`: id 1, cluster 2.
    this.#node = fieldOf(NODE, Buffer.concat([fieldOf(1, nodeId), fieldOf(2, 'bench')]));
    this.#to = to;
    this.#catalog = catalog;
    this.#events = events;
  }

  get receivedBytes(): number {
    return this.#receivedBefore + (this.#call?.receivedBytes ?? 0);
  }

  get sentBytes(): number {
    return this.#sentBefore + (this.#call?.sentBytes ?? 0);
  }

  /** Bytes of responses of a type, and how many there were, on all connections. */
  received(type: Type): { readonly responses: number; readonly bytes: number } {
    const { responses, bytes } = this.#of(type);
    return { responses, bytes };
  }

  /** Opens the stream; what is held from before is told to the server, as Envoy does. */
  connect(): void {
    clearTimeout(this.#retryTimer);
    this.connectedAtMs = performance.now();
    this.#isNodeSent = false;
    this.#call = new GrpcCall({
      to: this.#to,
      path: METHOD,
      onMessage: (message) => this.#receive(message),
      onEnd: (why) => {
        this.disconnect();
        this.#events.onEnded(this, why);
        this.#retryTimer = setTimeout(() => this.connect(), RETRY_MS);
      },
    });
    this.#request('cluster');
    for (const type of types) if (type !== 'cluster' && this.#of(type).isRequested) this.#request(type);
  }

  disconnect(): void {
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#resumeTimer);
    this.#receivedBefore = this.receivedBytes;
    this.#sentBefore = this.sentBytes;
    this.#call?.close();
    this.#call = undefined;
    this.#stopWarming();
    this.#clustersToAnswer = undefined;
  }

  get isConnected(): boolean {
    return this.#call !== undefined;
  }

  /** Reads nothing for a while. */
  pause(forMs: number): void {
    const call = this.#call;
    call?.pause();
    clearTimeout(this.#resumeTimer);
    this.#resumeTimer = setTimeout(() => call?.resume(), forMs);
  }

  resume(): void {
    clearTimeout(this.#resumeTimer);
    this.#call?.resume();
  }

  /** Adds up to the same for clients that hold the same. */
  digest(): string {
    let sum = 0;
    let count = 0;
    for (const revision of this.#heldRevisions()) {
      sum = (sum + revision.hash) % 2 ** 48;
      count++;
    }
    return `${count} resources, ${sum.toString(16)}`;
  }

  /** Version by type and name. */
  versions(): Record<string, string> {
    const entries = Array.from(this.#heldRevisions(), (each): [string, string] => [
      `${each.type} ${this.#catalog.name(each.type, each.name)}`,
      each.version,
    ]);
    return Object.fromEntries(entries);
  }

  *#heldRevisions(): Generator<Revision> {
    for (const type of types) {
      for (const id of this.#of(type).revisions) if (id !== 0) yield this.#catalog.revision(id);
    }
  }

  #of(type: Type): Held {
    return this.#held.get(type) as Held;
  }

  #receive(message: Buffer): void {
    const response = this.#catalog.parse(message);
    if (response === undefined) throw new Error('a response of a type that nobody asked for');
    const held = this.#of(response.type);
    held.responses++;
    held.bytes += message.length;
    const objection = this.#events.objectTo(this, response);
    if (objection !== undefined) {
      // `google.rpc.Status`: message 2.
      this.#answer(response, fieldOf(ERROR_DETAIL, fieldOf(2, objection)));
      if (response.type === 'endpoint') this.#warm(response);
      return;
    }
    this.#take(response);
  }

  #take(response: ParsedResponse): void {
    switch (response.type) {
      case 'cluster': {
        this.#replace(response, 'endpoint', ({ endpoints }) => (endpoints < 0 ? [] : [endpoints]));
        for (const { endpoints } of response.revisions) if (endpoints >= 0) this.#warming.add(endpoints);
        this.#clustersToAnswer = response;
        if (this.#warming.size === 0) this.#finishClusters();
        else {
          this.#warmTimer = setTimeout(() => {
            this.warmTimeouts++;
            this.#finishClusters();
          }, WARM_MS);
        }
        return;
      }
      case 'endpoint':
        this.#store(response);
        this.#acknowledge(response);
        this.#warm(response);
        this.#checkSynced();
        return;
      case 'listener':
        this.#replace(response, 'route', ({ routes }) => routes);
        break;
      case 'route':
        this.#store(response);
        this.#askForHosts(response);
        break;
      case 'virtualHost':
        this.#store(response);
        for (const { name } of response.revisions) this.#hasHosts(this.#catalog.name('virtualHost', name));
        for (const name of response.removed) this.#hasHosts(name);
        break;
    }
    this.#acknowledge(response);
    this.#checkSynced();
  }

  /** These endpoints have come, or were refused: either way their cluster does not wait any longer. */
  #warm({ revisions, removed }: ParsedResponse): void {
    for (const { name } of revisions) this.#warming.delete(name);
    for (const name of removed) this.#warming.delete(this.#catalog.number('endpoint', name));
    if (this.#warming.size === 0 && this.#clustersToAnswer !== undefined) this.#finishClusters();
  }

  #finishClusters(): void {
    const response = this.#clustersToAnswer;
    this.#stopWarming();
    this.#clustersToAnswer = undefined;
    if (response === undefined) return;
    this.#acknowledge(response);
    if (!this.#of('listener').isRequested) this.#request('listener');
    this.#checkSynced();
  }

  #stopWarming(): void {
    clearTimeout(this.#warmTimer);
    this.#warming.clear();
  }

  #askForHosts({ revisions }: ParsedResponse): void {
    const hosts = this.#of('virtualHost');
    let isFirst = false;
    for (const { hasVirtualHosts, name } of revisions) {
      if (!hasVirtualHosts) continue;
      if (!this.isSynced) this.#withoutHosts.add(this.#catalog.name('route', name));
      isFirst ||= !hosts.isRequested;
    }
    // One subscription for all tables, without a name.
    if (isFirst) this.#request('virtualHost');
  }

  #hasHosts(name: string): void {
    if (this.#withoutHosts.size === 0) return;
    const slash = name.lastIndexOf('/');
    this.#withoutHosts.delete(slash < 0 ? name : name.slice(0, slash));
  }

  #checkSynced(): void {
    if (this.isSynced) return;
    const missing = this.#of('endpoint').missing + this.#of('route').missing + this.#withoutHosts.size;
    const isAnswered = this.#of('listener').responses > 0 && this.#clustersToAnswer === undefined;
    if (!isAnswered || missing > 0) return;
    this.isSynced = true;
    this.#events.onSynced(this);
  }

  #store({ type, revisions, removed }: ParsedResponse): void {
    const held = this.#of(type);
    for (const { name, id } of revisions) {
      this.#settle(held, name);
      held.revisions[name] = id;
    }
    for (const text of removed) {
      const name = this.#catalog.number(type, text);
      this.#settle(held, name);
      held.revisions[name] = 0;
    }
  }

  #settle(held: Held, name: number): void {
    held.reserve(name);
    if (held.answered[name] === 0 && (held.wanted[name] ?? 0) > 0) held.missing--;
    held.answered[name] = 1;
  }

  /** Stores resources that ask for others, and says which of those are wanted now, and which no longer. */
  #replace(response: ParsedResponse, what: Type, needs: (revision: Revision) => readonly number[]): void {
    const held = this.#of(response.type);
    const needed = this.#of(what);
    const touched = new Map<number, number>();
    const count = (number: number, by: number) => {
      needed.reserve(number);
      if (!touched.has(number)) touched.set(number, needed.wanted[number] ?? 0);
      needed.wanted[number] = (needed.wanted[number] ?? 0) + by;
    };
    const drop = (name: number) => {
      const id = held.revisions[name] ?? 0;
      if (id !== 0) for (const number of needs(this.#catalog.revision(id))) count(number, -1);
    };
    for (const revision of response.revisions) {
      held.reserve(revision.name);
      drop(revision.name);
      for (const number of needs(revision)) count(number, 1);
    }
    for (const name of response.removed) {
      const number = this.#catalog.number(response.type, name);
      held.reserve(number);
      drop(number);
    }
    this.#store(response);
    const fields: Buffer[] = [];
    for (const [number, before] of touched) {
      const now = needed.wanted[number] ?? 0;
      if (before === 0 && now > 0) {
        fields.push(this.#catalog.nameField(what, number, SUBSCRIBE));
        needed.missing++;
      } else if (before > 0 && now === 0) {
        fields.push(this.#catalog.nameField(what, number, UNSUBSCRIBE));
        if (needed.answered[number] === 0) needed.missing--;
        needed.revisions[number] = 0;
        needed.answered[number] = 0;
      }
    }
    if (fields.length === 0) return;
    needed.isRequested = true;
    this.#send([typeFields.get(what) as Buffer, ...fields]);
  }

  /** The first request of a type on a connection: all names that are wanted, and the versions that are held. */
  #request(type: Type): void {
    const held = this.#of(type);
    held.isRequested = true;
    const fields: Buffer[] = [typeFields.get(type) as Buffer];
    for (const [number, count] of held.wanted.entries()) {
      if (count > 0) fields.push(this.#catalog.nameField(type, number, SUBSCRIBE));
    }
    for (const id of held.revisions) {
      if (id !== 0) fields.push(this.#catalog.entryField(this.#catalog.revision(id), INITIAL_VERSIONS));
    }
    this.#send(fields);
  }

  #acknowledge(response: ParsedResponse): void {
    this.#answer(response);
    this.#events.onAcknowledged(this, response.revisions);
  }

  #answer({ type, nonce }: ParsedResponse, ...more: readonly Buffer[]): void {
    this.#send([typeFields.get(type) as Buffer, fieldOf(RESPONSE_NONCE, nonce), ...more]);
  }

  #send(fields: readonly Buffer[]): void {
    const message = Buffer.concat(this.#isNodeSent ? fields : [this.#node, ...fields]);
    this.#isNodeSent = true;
    this.#call?.send(message);
  }
}
