import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { isGatewayPod } from '@lateen/api/gateway-workload.ts';
import type { ProxyState as ControlPlaneView, GatewayRef, ManifestsMessage } from '#pilot/registry/processes/link.ts';
import type { MeshContext } from './context.ts';
import { GatewayReplica } from './gateway-replica.ts';
import { podHash } from './pod.ts';
import { Replica } from './replica.ts';
import { type Plan, planRollout } from './rollout.ts';

type Wanted = ManifestsMessage['deployments'][number];

interface Entry {
  wanted: Wanted;
  /** 0 once the Deployment was deleted. */
  replicas: number;
  hash: string;
  readonly running: Map<number, Pod>;
}

/** A replica of a Deployment: applications with a sidecar, or a gateway. */
type Pod = Replica | GatewayReplica;

/** Keeps the replicas of all Deployments as the manifests want them. */
export class Deployments {
  readonly #context: MeshContext;
  readonly #entries = new Map<string, Entry>();
  #gateways: readonly GatewayRef[] = [];
  #stopping = false;

  constructor(context: MeshContext) {
    this.#context = context;
  }

  /** The whole wanted state. What did not change is not touched. */
  apply(message: ManifestsMessage): void {
    if (this.#stopping) return;
    this.#gateways = message.gateways;
    const seen = new Set<string>();
    for (const wanted of message.deployments) {
      const { metadata, spec } = wanted.deployment;
      const key = `${metadata.namespace}/${metadata.name}`;
      seen.add(key);
      const hash = podHash(spec.template, metadata.namespace, wanted, message.configMaps);
      const replicas = spec.replicas ?? 1;
      const entry = this.#entries.get(key);
      if (entry === undefined) this.#entries.set(key, { wanted, replicas, hash, running: new Map() });
      else Object.assign(entry, { wanted, replicas, hash });
    }
    for (const [key, entry] of this.#entries) if (!seen.has(key)) entry.replicas = 0;
    for (const replica of this.#all()) replica.manifestsChanged(this.#gateways);
    for (const key of [...this.#entries.keys()]) this.#reconcile(key);
  }

  tell(proxies: Readonly<Record<string, ControlPlaneView>>): void {
    for (const replica of this.#all()) replica.tell(proxies[replica.key]);
  }

  /** Every Deployment has the wanted number of ready replicas of the newest template, and no others. */
  get ready(): boolean {
    return [...this.#entries.values()].every(
      ({ running, replicas, hash }) =>
        running.size === replicas && [...running.values()].every((replica) => replica.ready && replica.hash === hash),
    );
  }

  problems(): Diagnostic[] {
    // Three replicas of one Deployment have the same mistake in their manifest only once.
    const found = new Map<string, Diagnostic>();
    for (const { running } of this.#entries.values()) {
      for (const replica of running.values()) {
        for (const problem of replica.problems()) {
          const of = `${problem.object?.namespace}/${problem.object?.name}`;
          const key = problem.path === undefined ? `${replica.key} ${problem.code}` : `${of} ${problem.path}`;
          if (!found.has(key)) found.set(key, problem);
        }
      }
    }
    return [...found.values()];
  }

  /** Lets the requests that gateways work on finish. They take no new ones. */
  async drainGateways(): Promise<void> {
    await Promise.all(this.#all().map((replica) => (replica instanceof GatewayReplica ? replica.drain() : undefined)));
  }

  /** Stops all replicas at the same time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#all().map((replica) => replica.stop()));
  }

  kill(): void {
    this.#stopping = true;
    for (const replica of this.#all()) replica.kill();
  }

  #all(): Pod[] {
    return [...this.#entries.values()].flatMap(({ running }) => [...running.values()]);
  }

  #reconcile(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    for (const [ordinal, replica] of entry.running) if (replica.gone) entry.running.delete(ordinal);
    if (this.#stopping) return;
    if (entry.replicas === 0 && entry.running.size === 0) {
      this.#entries.delete(key);
      this.#context.onChange();
      return;
    }
    this.#carryOut(key, entry, planRollout(entry, [...entry.running.values()]));
  }

  #carryOut(key: string, entry: Entry, plan: Plan): void {
    const { deployment, baseDir, proxy } = entry.wanted;
    const { name, namespace } = deployment.metadata;
    const isGateway = isGatewayPod(deployment.spec.template);
    const started = plan.start.map((ordinal) => {
      const options = {
        context: this.#context,
        deployment: name,
        namespace,
        ordinal,
        template: deployment.spec.template,
        hash: entry.hash,
        proxy,
        // Not at once: this replica may be in the middle of a change, and others are told in this turn as well.
        onChange: () => queueMicrotask(() => this.#reconcile(key)),
      };
      const replica = isGateway ? new GatewayReplica(options) : new Replica({ ...options, baseDir });
      entry.running.set(ordinal, replica);
      return replica;
    });
    for (const replica of started) {
      replica.start();
      replica.manifestsChanged(this.#gateways);
    }
    for (const ordinal of plan.stop) void entry.running.get(ordinal)?.stop();
  }
}
