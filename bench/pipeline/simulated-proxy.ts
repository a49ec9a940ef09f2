import type { PilotDirectory } from '../../packages/mesh/src/pilot/xds/directory.ts';
import {
  type ProxyView,
  type ResourceChange,
  type ResourceType,
  typeUrls,
} from '../../packages/mesh/src/pilot/xds/resource.ts';
import { encodeResponse } from '../../packages/mesh/src/pilot/xds/server/encode-response.ts';
import { isSynced } from '../../packages/mesh/src/pilot/xds/server/order.ts';
import {
  createStreamState,
  type DeltaRequest,
  type Response,
  resourceType,
} from '../../packages/mesh/src/pilot/xds/server/state.ts';
import { type Input, step } from '../../packages/mesh/src/pilot/xds/server/stream.ts';

/**
 * One incremental ADS stream and the proxy at its other end, which acknowledges everything. All that the server does
 * for a stream is done, up to the bytes of the responses; there is no gRPC, no socket and no Envoy.
 */
export class SimulatedProxy {
  /** Of all responses so far. */
  bytes = 0;
  responses = 0;
  readonly #state = createStreamState('delta');
  readonly #view: ProxyView;
  readonly #pending: ResourceChange[] = [];

  constructor(directory: PilotDirectory, nodeId: string) {
    this.#view = directory.connect({ id: nodeId, cluster: 'bench', metadata: {} }, 'delta');
    // Kept until `answer`, so that deriving and answering can be timed apart.
    this.#view.onChange((change) => this.#pending.push(change));
  }

  /** Asks for everything, as an Envoy does that has just started. */
  sync(): void {
    this.#request('cluster');
    this.#request('listener');
    this.#request('route', { subscribe: [...this.#view.resources('route').keys()] });
    this.#checkSynced();
  }

  /** Sends what has changed since, and takes in the acknowledgements. */
  answer(): void {
    for (const change of this.#pending.splice(0)) this.#feed({ kind: 'change', change });
    this.#checkSynced();
  }

  #checkSynced(): void {
    if (!isSynced(this.#state))
      throw new Error('the proxy has not got everything after it has acknowledged everything');
  }

  #request(type: ResourceType, more: Partial<Pick<DeltaRequest, 'nonce' | 'subscribe' | 'unsubscribe'>> = {}): void {
    const request = { protocol: 'delta', typeUrl: typeUrls[type], nonce: '', subscribe: [], unsubscribe: [] } as const;
    this.#feed({ kind: 'request', request: { ...request, initialVersions: new Map(), ...more } });
  }

  #feed(input: Input): void {
    const { responses } = step(this.#state, this.#view, input, performance.now());
    for (const response of responses) {
      this.bytes += encodeResponse('delta', response).byteLength;
      this.responses++;
      const type = resourceType(response.typeUrl);
      if (type === undefined) continue;
      if (type === 'cluster') this.#askForEndpoints(response);
      this.#request(type, { nonce: response.nonce });
    }
  }

  /** Of new clusters, before the clusters are acknowledged: they are warm only then. */
  #askForEndpoints({ resources, removed }: Response): void {
    const subscribed = this.#state.types.endpoint.names;
    const subscribe = resources.flatMap(({ edsName }) =>
      edsName === undefined || subscribed.has(edsName) ? [] : [edsName],
    );
    const unsubscribe = removed.filter((name) => subscribed.has(name));
    if (subscribe.length + unsubscribe.length > 0) this.#request('endpoint', { subscribe, unsubscribe });
  }
}
