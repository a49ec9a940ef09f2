import { createHash } from 'node:crypto';
import { CONNECTIONS_OF_CHANGE } from './mesh-files.ts';
import { FieldReader, fieldOf, LENGTH_DELIMITED, messageIn, messagesIn, numberIn, textIn } from './protobuf.ts';

/** In the order in which an Envoy asks for them. */
export const types = ['cluster', 'endpoint', 'listener', 'route', 'virtualHost'] as const;
export type Type = (typeof types)[number];

const PREFIX = 'type.googleapis.com/envoy.config.';
export const typeUrlOf: Readonly<Record<Type, string>> = {
  cluster: `${PREFIX}cluster.v3.Cluster`,
  endpoint: `${PREFIX}endpoint.v3.ClusterLoadAssignment`,
  listener: `${PREFIX}listener.v3.Listener`,
  route: `${PREFIX}route.v3.RouteConfiguration`,
  virtualHost: `${PREFIX}route.v3.VirtualHost`,
};
const typeOfUrl = new Map(types.map((type) => [typeUrlOf[type], type]));

/** One version of one resource: known once, however many clients get it. */
export interface Revision {
  readonly id: number;
  readonly type: Type;
  readonly name: number;
  readonly version: string;
  /** Numbers of the changes that show in it. */
  readonly marks: readonly number[];
  /** Of a cluster: whose endpoints it needs, by number of the name; -1 for none. */
  readonly endpoints: number;
  /** Of a listener: which route tables it needs, by number of the name. */
  readonly routes: readonly number[];
  /** Of a route table: it gets its virtual hosts by VHDS. */
  readonly hasVirtualHosts: boolean;
  /** 48 bits of a hash of type, name and version: what a client holds in sum. */
  readonly hash: number;
}

export interface ParsedResponse {
  readonly type: Type;
  /** As it came, to be sent back. */
  readonly nonce: Buffer;
  readonly revisions: readonly Revision[];
  readonly removed: readonly string[];
}

interface SeenResources {
  readonly bytes: Buffer;
  readonly revisions: readonly Revision[];
}

const SEEN_AT_ONCE = 24;
const RESOURCES = 2;
const TYPE_URL = 4;
const NONCE = 5;
const REMOVED = 6;
const RESOURCES_TAG = (RESOURCES << 3) | LENGTH_DELIMITED;

/**
 * All that was sent to any of the clients. The clients of one mesh get the same resources at the same time, so what was
 * parsed for one is recognized for the others by a comparison of bytes.
 */
export class Catalog {
  readonly #names = new Map<Type, Map<string, number>>(types.map((type) => [type, new Map()]));
  readonly #nameTexts = new Map<Type, string[]>(types.map((type) => [type, []]));
  readonly #nameFields = new Map<Type, Map<number, Buffer>>(types.map((type) => [type, new Map()]));
  readonly #entryFields: Buffer[] = [];
  readonly #byKey = new Map<string, Revision>();
  readonly #byId: Revision[] = [];
  /** Groups of resources that came lately in one response, the last one first. */
  #seen: SeenResources[] = [];

  /** A number for a name, from 0, densely for each type. */
  number(type: Type, name: string): number {
    const numbers = this.#names.get(type) as Map<string, number>;
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, numbers.size);
    this.#nameTexts.get(type)?.push(name);
    return numbers.size - 1;
  }

  name(type: Type, number: number): string {
    return this.#nameTexts.get(type)?.[number] ?? '';
  }

  revision(id: number): Revision {
    const revision = this.#byId[id];
    if (revision === undefined) throw new Error(`there is no revision ${id}`);
    return revision;
  }

  /** The name as a field of a request. */
  nameField(type: Type, number: number, field: number): Buffer {
    const known = this.#nameFields.get(type) as Map<number, Buffer>;
    // The number of a field is below 16.
    const key = number * 16 + field;
    const bytes = known.get(key) ?? fieldOf(field, this.name(type, number));
    known.set(key, bytes);
    return bytes;
  }

  /** Name and version as an entry of a map in a request. */
  entryField(revision: Revision, field: number): Buffer {
    const { id, type, name, version } = revision;
    this.#entryFields[id] ??= fieldOf(field, Buffer.concat([fieldOf(1, this.name(type, name)), fieldOf(2, version)]));
    return this.#entryFields[id];
  }

  /** A `DeltaDiscoveryResponse`, of which nothing is kept; undefined for a type that nobody asked for. */
  parse(message: Buffer): ParsedResponse | undefined {
    const reader = new FieldReader(message);
    let type: Type | undefined;
    let nonce: Buffer = Buffer.alloc(0);
    let resources: Buffer | undefined;
    let recognized: readonly Revision[] | undefined;
    const removed: string[] = [];
    for (let before = 0; ; before = reader.position) {
      if (message[before] === RESOURCES_TAG && resources === undefined && recognized === undefined) {
        const seen = this.#recognize(message, before);
        if (seen !== undefined) {
          recognized = seen.revisions;
          reader.position = before + seen.bytes.length;
          continue;
        }
      }
      if (!reader.next()) break;
      switch (reader.field) {
        case RESOURCES:
          // They stand together.
          resources = message.subarray(
            resources?.byteOffset === undefined ? before : resources.byteOffset - message.byteOffset,
            reader.position,
          );
          break;
        case TYPE_URL:
          type = typeOfUrl.get(reader.text());
          break;
        case NONCE:
          nonce = Buffer.from(message.subarray(reader.start, reader.stop));
          break;
        case REMOVED:
          removed.push(reader.text());
          break;
      }
    }
    if (type === undefined) return undefined;
    const revisions = recognized ?? (resources === undefined ? [] : this.#read(type, resources));
    return { type, nonce, revisions, removed };
  }

  #recognize(message: Buffer, at: number): SeenResources | undefined {
    for (let index = 0; index < this.#seen.length; index++) {
      const seen = this.#seen[index] as SeenResources;
      const end = at + seen.bytes.length;
      if (end > message.length || message[end] === RESOURCES_TAG) continue;
      if (seen.bytes.compare(message, at, end) !== 0) continue;
      if (index > 0) {
        this.#seen.splice(index, 1);
        this.#seen.unshift(seen);
      }
      return seen;
    }
    return undefined;
  }

  #read(type: Type, resources: Buffer): readonly Revision[] {
    const revisions = [...messagesIn(new FieldReader(resources), RESOURCES)].map((each) => this.#readOne(type, each));
    this.#seen.unshift({ bytes: Buffer.from(resources), revisions });
    this.#seen = this.#seen.slice(0, SEEN_AT_ONCE);
    return revisions;
  }

  /** `Resource`: version 1, resource (an Any) 2, name 3. */
  #readOne(type: Type, reader: FieldReader): Revision {
    let version = '';
    let name = '';
    let body: FieldReader | undefined;
    while (reader.next()) {
      if (reader.field === 1) version = reader.text();
      else if (reader.field === 2) body = messageIn(reader.inner(), 2);
      else if (reader.field === 3) name = reader.text();
    }
    const key = `${type}\0${name}\0${version}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const bytes = body === undefined ? Buffer.alloc(0) : body.bytes.subarray(body.position, body.end);
    const revision: Revision = {
      // 0 is for none.
      id: this.#byId.length === 0 ? 1 : this.#byId.length,
      type,
      name: this.number(type, name),
      version,
      marks: marksIn(type, bytes),
      endpoints: type === 'cluster' ? this.#endpointsOf(bytes, name) : -1,
      routes: type === 'listener' ? routesOf(bytes).map((each) => this.number('route', each)) : [],
      hasVirtualHosts: type === 'route' && messageIn(new FieldReader(bytes), 9) !== undefined,
      hash: createHash('sha256').update(key).digest().readUIntBE(0, 6),
    };
    this.#byKey.set(key, revision);
    this.#byId[revision.id] = revision;
    return revision;
  }

  /** `Cluster`: type 2, of which EDS is 3; eds_cluster_config 3, in which service_name is 2. */
  #endpointsOf(bytes: Buffer, name: string): number {
    if (numberIn(new FieldReader(bytes), 2) !== 3) return -1;
    const serviceName = textIn(messageIn(new FieldReader(bytes), 3), 2);
    return this.number('endpoint', serviceName === '' ? name : serviceName);
  }
}

const HTTP_CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/**
 * `Listener`: filter_chains 3 and default_filter_chain 25, in which filters are 3, in which typed_config is 4; there, in
 * an `HttpConnectionManager`, rds is 3, in which route_config_name is 2.
 */
function routesOf(listener: Buffer): string[] {
  const names = new Set<string>();
  for (const field of [3, 25]) {
    for (const chain of messagesIn(new FieldReader(listener), field)) {
      for (const filter of messagesIn(chain, 3)) {
        const any = messageIn(filter, 4);
        if (any === undefined) continue;
        const { bytes, position, end } = any;
        if (textIn(any, 1) !== HTTP_CONNECTION_MANAGER) continue;
        const manager = messageIn(new FieldReader(bytes, position, end), 2);
        const name = textIn(messageIn(manager, 3), 2);
        if (name !== '') names.add(name);
      }
    }
  }
  return [...names];
}

/** The changes that show in a resource, as `mesh-files.ts` marks them. */
function marksIn(type: Type, bytes: Buffer): number[] {
  if (type === 'route' || type === 'virtualHost') {
    if (!bytes.includes('mark-')) return [];
    return Array.from(bytes.toString('latin1').matchAll(/mark-(\d+)-/g), (match) => Number(match[1]));
  }
  if (type === 'endpoint') {
    if (!bytes.includes('10.99.')) return [];
    const found = bytes.toString('latin1').matchAll(/10\.99\.(\d+)\.(\d+)/g);
    return Array.from(found, (match) => Number(match[1]) * 256 + Number(match[2]));
  }
  if (type === 'cluster') {
    // circuit_breakers 10, thresholds 1, max_connections 2, a UInt32Value.
    const thresholds = messageIn(messageIn(new FieldReader(bytes), 10), 1);
    const connections = numberIn(messageIn(thresholds, 2), 1);
    return connections >= CONNECTIONS_OF_CHANGE ? [connections - CONNECTIONS_OF_CHANGE] : [];
  }
  return [];
}
