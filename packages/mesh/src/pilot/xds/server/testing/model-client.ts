import { type Protocol, type Resource, type ResourceType, typeUrls } from '../../resource.ts';
import { type Request, type Response, resourceType, typeOrder } from '../state.ts';

/** What the resources of the tests have instead of an Envoy message. */
export interface ModelContent {
  /** Of a listener. */
  readonly routes: readonly string[];
  readonly extensions: readonly string[];
  /** Of a listener. */
  readonly secrets: readonly string[];
  /** Of a listener or a route. */
  readonly clusters: readonly string[];
  /** Of a route: its virtual hosts come on their own, named `ROUTE/...`. */
  readonly hostsApart?: boolean;
  /** The client refuses it. */
  readonly isBad: boolean;
}

export interface ModelClientOptions {
  readonly protocol: Protocol;
  /** Whether a refusal names the bad resources. */
  readonly namesTheBad: boolean;
  /** Whether it asks for the endpoints of an altered cluster once more, or just waits for them. */
  readonly asksAgain: boolean;
}

interface Installed {
  readonly resource: Resource;
  /** The version that it would name when it reconnects; none when it was installed from a response it refused. */
  readonly confirmed: boolean;
}

interface Warming {
  readonly edsName: string;
}

/** Types of which a client asks for what others refer to, and not for all. */
type NamedType = 'secret' | 'endpoint' | 'extension' | 'route';

function isNamedType(type: ResourceType): type is NamedType {
  return type === 'secret' || type === 'endpoint' || type === 'extension' || type === 'route';
}

const decoder = new TextDecoder();

export function modelContent(resource: Resource): ModelContent {
  return JSON.parse(decoder.decode(resource.bytes)) as ModelContent;
}

/**
 * Behaves as Envoy does towards an ADS server: applies the good clusters and listeners of a response but all others only
 * up to the first bad one, asks for secrets, endpoints, extensions and routes as others refer to them, and for all virtual
 * hosts once there is a route that has them apart, and acknowledges clusters only when they are warm.
 */
export class ModelClient {
  readonly installed: Record<ResourceType, Map<string, Installed>> = {
    secret: new Map(),
    cluster: new Map(),
    endpoint: new Map(),
    extension: new Map(),
    listener: new Map(),
    route: new Map(),
    virtualHost: new Map(),
  };
  /** Clusters that took traffic at some time: an altered one stays in use until its successor is warm. */
  readonly activeClusters = new Set<string>();
  /** Messages on their way to the server. */
  outbox: Request[] = [];
  received = 0;

  readonly #options: ModelClientOptions;
  #subscribed: Record<NamedType, Set<string>> = {
    secret: new Set(),
    endpoint: new Set(),
    extension: new Set(),
    route: new Set(),
  };
  #warming = new Map<string, Warming>();
  #clusterAnswer: (() => void) | undefined;
  #nonces = new Map<ResourceType, string>();
  #versions = new Map<ResourceType, string>();
  #asked = new Set<ResourceType>();

  constructor(options: ModelClientOptions) {
    this.#options = options;
  }

  /** Opens a stream: everything of the stream before is void, what is installed stays. */
  connect(): void {
    this.outbox = [];
    this.#nonces = new Map();
    this.#asked = new Set();
    this.#clusterAnswer = undefined;
    // A new subscription delivers whatever the warming clusters wait for.
    this.#subscribed = {
      secret: this.#listenersRefer('secrets'),
      endpoint: this.#endpointNames(),
      extension: this.#listenersRefer('extensions'),
      route: this.#listenersRefer('routes'),
    };
    for (const type of typeOrder) {
      if (isNamedType(type)) {
        if (this.#subscribed[type].size > 0) this.#ask(type, [...this.#subscribed[type]], []);
      } else if (type !== 'virtualHost') {
        this.#ask(type, [], []);
      }
    }
    this.#askForHosts();
  }

  #askForHosts(): void {
    const routes = [...this.installed.route.values()];
    if (this.#asked.has('virtualHost') || !routes.some(({ resource }) => modelContent(resource).hostsApart)) return;
    this.#ask('virtualHost', [], []);
  }

  receive(response: Response): void {
    this.received++;
    const type = resourceType(response.typeUrl);
    if (type === undefined) throw new Error(`unexpected type ${response.typeUrl}`);
    const bad = response.resources.filter((resource) => modelContent(resource).isBad);
    const stopsAtBad = isNamedType(type);
    const until = stopsAtBad && bad[0] !== undefined ? response.resources.indexOf(bad[0]) : response.resources.length;
    const good = response.resources.slice(0, until).filter((resource) => !modelContent(resource).isBad);
    const isFullSet = this.#options.protocol === 'sotw' && !isNamedType(type);
    const names = new Set(response.resources.map(({ name }) => name));
    const gone = isFullSet ? [...this.installed[type].keys()].filter((name) => !names.has(name)) : response.removed;
    for (const name of gone) this.#remove(type, name);
    for (const resource of good) this.#install(type, resource, bad.length === 0);
    if (type === 'endpoint') this.#warm([...response.resources.map(({ name }) => name), ...response.removed]);
    this.#nonces.set(type, response.nonce);
    if (bad.length === 0) this.#versions.set(type, response.version);
    this.#subscribe('secret', this.#listenersRefer('secrets'));
    this.#subscribe('endpoint', this.#endpointNames());
    this.#subscribe('extension', this.#listenersRefer('extensions'));
    this.#subscribe('route', this.#listenersRefer('routes'));
    this.#askForHosts();
    const error = this.#options.namesTheBad
      ? `cannot add ${bad.map(({ name }) => `'${name}'`).join(', ')}`
      : 'something in this response is wrong';
    const answer = () => this.#answer(type, response.nonce, bad.length === 0 ? undefined : error);
    if (type === 'cluster' && this.#warming.size > 0) this.#clusterAnswer = answer;
    else answer();
  }

  /** The time for which a warming cluster waits for endpoints is over. Whether there was any. */
  endInitialFetch(): boolean {
    const names = [...this.#warming.values()].map(({ edsName }) => edsName);
    this.#warm(names);
    return names.length > 0;
  }

  #install(type: ResourceType, resource: Resource, confirmed: boolean): void {
    const before = this.installed[type].get(resource.name);
    // What belongs to no route that is there is let go.
    if (type === 'virtualHost' && !this.hasHostsApart(resource.name.slice(0, resource.name.indexOf('/')))) return;
    this.installed[type].set(resource.name, { resource, confirmed });
    if (type !== 'cluster' || before?.resource.version === resource.version) return;
    if (resource.edsName === undefined) {
      this.#warming.delete(resource.name);
      this.activeClusters.add(resource.name);
      return;
    }
    this.#warming.set(resource.name, { edsName: resource.edsName });
    if (before !== undefined && this.#options.asksAgain) this.#askAgain(resource.edsName);
  }

  get asksForHosts(): boolean {
    return this.#asked.has('virtualHost');
  }

  hasHostsApart(route: string): boolean {
    const installed = this.installed.route.get(route);
    return installed !== undefined && modelContent(installed.resource).hostsApart === true;
  }

  #remove(type: ResourceType, name: string): void {
    this.installed[type].delete(name);
    if (type === 'route') {
      for (const host of this.installed.virtualHost.keys()) {
        if (host.startsWith(`${name}/`)) this.installed.virtualHost.delete(host);
      }
    }
    if (type !== 'cluster') return;
    this.activeClusters.delete(name);
    this.#warming.delete(name);
  }

  #warm(edsNames: readonly string[]): void {
    for (const [cluster, { edsName }] of this.#warming) {
      if (!edsNames.includes(edsName)) continue;
      this.#warming.delete(cluster);
      this.activeClusters.add(cluster);
    }
    if (this.#warming.size > 0) return;
    const answer = this.#clusterAnswer;
    this.#clusterAnswer = undefined;
    answer?.();
  }

  #endpointNames(): Set<string> {
    const names = [...this.installed.cluster.values()].flatMap(({ resource }) => resource.edsName ?? []);
    return new Set(names);
  }

  #listenersRefer(to: 'secrets' | 'extensions' | 'routes'): Set<string> {
    return new Set([...this.installed.listener.values()].flatMap(({ resource }) => modelContent(resource)[to]));
  }

  #subscribe(type: NamedType, names: Set<string>): void {
    const before = this.#subscribed[type];
    const added = [...names].filter((name) => !before.has(name));
    const dropped = [...before].filter((name) => !names.has(name));
    this.#subscribed[type] = names;
    for (const name of dropped) this.#remove(type, name);
    if (added.length > 0 || dropped.length > 0) this.#ask(type, added, dropped);
  }

  #askAgain(edsName: string): void {
    if (this.#subscribed.endpoint.has(edsName)) this.#ask('endpoint', [edsName], []);
  }

  #ask(type: ResourceType, subscribe: readonly string[], unsubscribe: readonly string[]): void {
    if (this.#options.protocol === 'sotw') {
      this.#answer(type, this.#nonces.get(type) ?? '', undefined);
      return;
    }
    const isFirst = !this.#asked.has(type);
    this.#asked.add(type);
    const held = [...this.installed[type]].filter(([, { confirmed }]) => isFirst && confirmed);
    this.outbox.push({
      protocol: 'delta',
      typeUrl: typeUrls[type],
      nonce: '',
      subscribe,
      unsubscribe,
      initialVersions: new Map(held.map(([name, { resource }]) => [name, resource.version])),
    });
  }

  #answer(type: ResourceType, nonce: string, error: string | undefined): void {
    const base = { typeUrl: typeUrls[type], nonce, ...(error !== undefined && { error }) };
    if (this.#options.protocol === 'delta') {
      this.outbox.push({ protocol: 'delta', ...base, subscribe: [], unsubscribe: [], initialVersions: new Map() });
      return;
    }
    const names = isNamedType(type) ? [...this.#subscribed[type]] : [];
    this.outbox.push({ protocol: 'sotw', ...base, version: this.#versions.get(type) ?? '', names });
  }
}
