import { expect } from 'vitest';
import { type Protocol, type Resource, type ResourceType, typeUrls } from '../../resource.ts';
import { createStreamState, type Response, resourceType, typeOrder } from '../state.ts';
import { rejections } from '../status.ts';
import { step } from '../stream.ts';
import { StaticDirectory } from './static-directory.ts';

/**
 * A conversation with the machine in which the test says each line of the client. Resources are written as
 * `cluster a@1`, with `a` as its endpoints' name if the type is followed by `+eds`: `cluster+eds a@1`.
 */
export class Conversation {
  readonly directory = new StaticDirectory();
  readonly state;
  nowMs = 0;
  wakeAtMs: number | undefined;
  readonly #view;
  readonly #protocol: Protocol;
  #sent: Response[] = [];
  #last = new Map<string, Response>();

  constructor(protocol: Protocol = 'delta') {
    this.#protocol = protocol;
    this.state = createStreamState(protocol);
    this.#view = this.directory.connect({ id: 'test', cluster: '', metadata: {} });
    this.#view.onChange((change) => this.#step({ kind: 'change', change }));
  }

  want(...resources: string[]): void {
    this.directory.set(resources.map(parseResource));
  }

  /** The client asks; `held` is `name@version` of what it has already. */
  subscribe(type: ResourceType | string, names: readonly string[] = [], held: readonly string[] = []): void {
    this.#ask(type, {
      subscribe: names,
      initialVersions: new Map(held.map((text) => text.split('@') as [string, string])),
    });
  }

  unsubscribe(type: ResourceType, names: readonly string[]): void {
    this.#ask(type, { unsubscribe: names });
  }

  /** State of the world: the client's whole subscription, and what it accepted last. */
  request(type: ResourceType, names: readonly string[] = [], version = '', nonce?: string): void {
    const last = this.#last.get(typeUrls[type]);
    this.#step({
      kind: 'request',
      request: { protocol: 'sotw', typeUrl: typeUrls[type], nonce: nonce ?? last?.nonce ?? '', version, names },
    });
  }

  ack(type: ResourceType, names: readonly string[] = []): void {
    this.#answer(type, undefined, names);
  }

  nack(type: ResourceType, error: string, names: readonly string[] = []): void {
    this.#answer(type, error, names);
  }

  lastResponse(type: ResourceType): Response | undefined {
    return this.#last.get(typeUrls[type]);
  }

  elapse(ms: number): void {
    this.nowMs += ms;
    if (this.wakeAtMs !== undefined && this.wakeAtMs <= this.nowMs) this.#step({ kind: 'wake' });
  }

  /** What was sent since the last call, such as `cluster a@1 -b`. */
  expectSent(...responses: string[]): void {
    const sent = this.#sent.map(describeResponse);
    this.#sent = [];
    expect(sent).toEqual(responses);
  }

  rejected(): string[] {
    return rejections('test', this.state).map(({ type, names, message }) => `${type} ${names}: ${message}`);
  }

  #ask(
    type: ResourceType | string,
    part: Partial<{ subscribe: readonly string[]; unsubscribe: readonly string[] }> & {
      initialVersions?: ReadonlyMap<string, string>;
    },
  ): void {
    const typeUrl = (typeOrder as readonly string[]).includes(type) ? typeUrls[type as ResourceType] : type;
    const request = { subscribe: [], unsubscribe: [], initialVersions: new Map<string, string>(), ...part };
    this.#step({ kind: 'request', request: { protocol: 'delta', typeUrl, nonce: '', ...request } });
  }

  #answer(type: ResourceType, error: string | undefined, names: readonly string[]): void {
    const typeUrl = typeUrls[type];
    const last = this.#last.get(typeUrl);
    if (last === undefined) throw new Error(`nothing to answer for ${type}`);
    const base = { typeUrl, nonce: last.nonce, ...(error !== undefined && { error }) };
    this.#step({
      kind: 'request',
      request:
        this.#protocol === 'delta'
          ? { protocol: 'delta', ...base, subscribe: [], unsubscribe: [], initialVersions: new Map() }
          : { protocol: 'sotw', ...base, version: error === undefined ? last.version : '', names },
    });
  }

  #step(input: Parameters<typeof step>[2]): void {
    const output = step(this.state, this.#view, input, this.nowMs);
    this.wakeAtMs = output.wakeAtMs;
    for (const response of output.responses) {
      this.#sent.push(response);
      this.#last.set(response.typeUrl, response);
    }
  }
}

const encoder = new TextEncoder();

function parseResource(text: string): Resource {
  const [, type, eds, name, version] = /^(\w+)(\+eds)? ([^@]+)@(.+)$/.exec(text) ?? [];
  if (type === undefined || name === undefined || version === undefined) throw new Error(`cannot read "${text}"`);
  const bytes = encoder.encode(version);
  return { type: type as ResourceType, name, version, bytes, ...(eds !== undefined && { edsName: name }) };
}

function describeResponse(response: Response): string {
  const type = resourceType(response.typeUrl) ?? response.typeUrl;
  const resources = response.resources.map(({ name, version }) => `${name}@${version}`);
  return [type, ...resources, ...response.removed.map((name) => `-${name}`)].join(' ');
}
