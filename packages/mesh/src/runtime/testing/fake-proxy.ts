import { nodeIdOf, type WorkloadInstance } from '@lateen/api/workload-instance.ts';
import { onTestFinished } from 'vitest';
import { type ResourceType, typeUrls } from '#pilot/xds/resource.ts';
import { DeltaClient } from '#pilot/xds/server/testing/grpc-client.ts';

/** What a proxy says to the resources of a response: why it refuses them, or nothing. */
export type Answer = (type: ResourceType, names: readonly string[]) => string | undefined | Promise<string | undefined>;

/** Stands in for an Envoy: asks for everything that it should hold, and answers as the test says. */
export class FakeProxy {
  answer: Answer = () => undefined;
  readonly #client: DeltaClient;
  readonly #holds: Record<ResourceType, Set<string>> = {
    secret: new Set(),
    cluster: new Set(),
    endpoint: new Set(),
    extension: new Set(),
    listener: new Set(),
    route: new Set(),
    virtualHost: new Set(),
  };

  constructor(xdsSocket: string, instance: WorkloadInstance) {
    this.#client = new DeltaClient(`unix:${xdsSocket}`);
    onTestFinished(() => this.#client.close());
    const node = { id: nodeIdOf(instance) };
    for (const type of TYPES) this.#client.send({ node, typeUrl: typeUrls[type], resourceNamesSubscribe: ['*'] });
    // Ends with the stream.
    this.#run().catch(() => {});
  }

  /** Names of what it accepted and was not told to remove. */
  holds(type: ResourceType): string[] {
    return [...this.#holds[type]].sort();
  }

  async #run(): Promise<never> {
    for (;;) {
      const response = await this.#client.next();
      const type = TYPES.find((each) => typeUrls[each] === response.typeUrl);
      if (type === undefined) throw new Error(`nobody asked for ${response.typeUrl}`);
      const names = response.resources.map(({ name }) => name);
      const error = await this.answer(type, names);
      if (error === undefined) {
        for (const name of names) this.#holds[type].add(name);
        for (const name of response.removedResources) this.#holds[type].delete(name);
      }
      this.#client.answer(response, error);
    }
  }
}

const TYPES: readonly ResourceType[] = ['cluster', 'endpoint', 'extension', 'listener', 'route', 'virtualHost'];
