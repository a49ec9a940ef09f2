import type { Protocol, Resource } from '../resource.ts';
import type { Response } from './state.ts';

/**
 * A `DeltaDiscoveryResponse` or `DiscoveryResponse` as the pieces that it consists of, most of which it shares with
 * other responses. gRPC copies a message once anyhow, to put its length in front: so the pieces are put together there.
 */
export class EncodedResponse {
  readonly #parts: readonly Uint8Array[];
  readonly byteLength: number;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    this.byteLength = bytes;
  }

  /** As `Buffer.copy`, which is what gRPC calls: writes everything into `target` at `start`. */
  copy(target: Uint8Array, start: number): number {
    let at = start;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.length;
    }
    return this.byteLength;
  }
}

/**
 * Puts a response around resources that are encoded already, whatever stream it is for: what stands around a resource
 * is made once as well. The generated code would first build and measure a tree of messages.
 */
export function encodeResponse(protocol: Protocol, response: Response): EncodedResponse {
  return new EncodedResponse(protocol === 'delta' ? deltaParts(response) : sotwParts(response));
}

/** `DeltaDiscoveryResponse`: system_version_info 1, resources 2, type_url 4, nonce 5, removed_resources 6. */
function deltaParts(response: Response): Uint8Array[] {
  const parts = [stringField(1, response.version)];
  const { resources } = withoutAliases(response);
  encoded += response.resources.length;
  for (let at = 0; at < resources.length; at += RUN) pushRun(parts, resources.slice(at, at + RUN), response.typeUrl);
  parts.push(...answers(response));
  parts.push(stringField(4, response.typeUrl), stringField(5, response.nonce));
  for (const name of response.removed) parts.push(stringField(6, name));
  return parts;
}

/** What goes to this client as it goes to all others. */
function withoutAliases({ aliases, resources }: Response): Pick<Response, 'resources'> {
  return { resources: aliases === undefined ? resources : resources.filter(({ name }) => !aliases.has(name)) };
}

/** Resources that this client asked for by other names, and names for which there is nothing: version 1, resource 2, name 3, aliases 4. */
function answers({ aliases, absent = [], resources, typeUrl }: Response): Uint8Array[] {
  const asked = resources.flatMap((resource) => {
    const names = aliases?.get(resource.name);
    if (names === undefined) return [];
    const any = Buffer.concat([anyHead(2, stringField(1, typeUrl), resource), resource.bytes]);
    const { name, version } = resource;
    return [
      message(2, [stringField(3, name), stringField(1, version), ...names.map((each) => stringField(4, each)), any]),
    ];
  });
  return [...asked, ...absent.map((name) => message(2, [stringField(3, name), stringField(4, name)]))];
}

function message(field: number, fields: readonly Uint8Array[]): Uint8Array {
  const length = fields.reduce((sum, each) => sum + each.length, 0);
  return Buffer.concat([tag(field, length), ...fields]);
}

/** `DiscoveryResponse`: version_info 1, resources (of Any) 2, type_url 4, nonce 5. */
function sotwParts(response: Response): Uint8Array[] {
  const parts = [stringField(1, response.version)];
  const typeUrl = stringField(1, response.typeUrl);
  for (const resource of response.resources) parts.push(anyHead(2, typeUrl, resource), resource.bytes);
  parts.push(stringField(4, response.typeUrl), stringField(5, response.nonce));
  return parts;
}

/** Resources that follow each other in a response are put together in runs of this many. */
const RUN = 64;

interface Run {
  readonly resources: readonly Resource[];
  /** Only made for the second stream that wants it. */
  bytes: Uint8Array | undefined;
}

/** By the first resource of each run, for as long as that lives. */
const runs = new WeakMap<Resource, Run>();

/**
 * Proxies with equal needs get equal lists, but for a few resources of their own at the end. To copy a run costs a
 * tenth of what copying its resources costs.
 */
function pushRun(parts: Uint8Array[], resources: readonly Resource[], typeUrl: string): void {
  const [first] = resources;
  if (first === undefined || resources.length < RUN) {
    for (const resource of resources) parts.push(headOf(resource, typeUrl), resource.bytes);
    return;
  }
  const known = runs.get(first);
  if (known === undefined || known.resources.some((resource, at) => resource !== resources[at])) {
    runs.set(first, { resources, bytes: undefined });
    for (const resource of resources) parts.push(headOf(resource, typeUrl), resource.bytes);
    return;
  }
  known.bytes ??= Buffer.concat(resources.flatMap((resource) => [headOf(resource, typeUrl), resource.bytes]));
  parts.push(known.bytes);
}

/** Of each resource that was sent incrementally, for as long as it lives: what stands before its bytes. */
const heads = new WeakMap<Resource, Uint8Array>();
let headsMade = 0;
let encoded = 0;

/** How many resources were put into incremental responses. */
export function resourcesEncoded(): number {
  return encoded;
}

/** For how many of these the frame was made; for all others it was there already. */
export function resourceHeadsMade(): number {
  return headsMade;
}

function headOf(resource: Resource, typeUrl: string): Uint8Array {
  const known = heads.get(resource);
  if (known !== undefined) return known;
  // Resource: version 1, resource (an Any) 2, name 3.
  const name = stringField(3, resource.name);
  const version = stringField(1, resource.version);
  const any = anyHead(2, stringField(1, typeUrl), resource);
  const length = name.length + version.length + any.length + resource.bytes.length;
  const head = Buffer.concat([tag(2, length), name, version, any]);
  heads.set(resource, head);
  headsMade++;
  return head;
}

/** All of a field with an Any (type_url 1, value 2) in it, up to the value's bytes. */
function anyHead(field: number, typeUrl: Uint8Array, resource: Resource): Uint8Array {
  const value = tag(2, resource.bytes.length);
  const start = tag(field, typeUrl.length + value.length + resource.bytes.length);
  return Buffer.concat([start, typeUrl, value]);
}

function stringField(field: number, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([tag(field, bytes.length), bytes]);
}

const LENGTH_DELIMITED = 2;

/** The tag and the length of a length-delimited field; `field` is below 16. */
function tag(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | LENGTH_DELIMITED];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
