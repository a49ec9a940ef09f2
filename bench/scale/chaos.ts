import { setTimeout as delay } from 'node:timers/promises';
import type { BenchmarkContext, Row, Table } from '../harness/benchmark.ts';
import { nowMs } from './change-log.ts';
import { ControlPlane } from './control-plane.ts';
import { startLoad } from './load.ts';
import type { MeshFiles, ServiceMarks } from './mesh-files.ts';
import { type ChangeKind, changeKinds, connectAll, type Scene, setScene } from './one-mesh.ts';
import { below, randomOf } from './random.ts';

const CHANGE_EVERY_MS = 5;
const SAMPLE_EVERY_MS = 500;
/** Nothing has come for so long, and nothing will. */
const SILENCE_MS = 60_000;
/** What goes on for longer than this does not end. */
const LAST_STATE_TIMEOUT_MS = 300_000;
/** Services that may come in addition. */
const SPARE = 200;
const DIFFERENCES_SHOWN = 10;

export interface ChaosPlan {
  readonly services: number;
  readonly proxies: number;
  readonly seconds: number;
  readonly seed: number;
}

/**
 * Changes without a pause, while the proxies read slowly, reconnect and refuse at random. Afterwards every proxy must
 * hold what a new proxy of a new control plane gets for the same files.
 */
export async function runChaos(plan: ChaosPlan, context: BenchmarkContext): Promise<Table> {
  const { services, proxies, seconds, seed } = plan;
  context.say(`chaos: ${services} services, ${proxies} proxies, ${seconds} s, seed ${seed}`);
  const scene = await setScene(plan, context, SPARE);
  const { files, plane, load } = scene;
  await connectAll(scene, proxies);
  const changes = new Changes(plan, files, (number, object) => {
    void load.announce({ number, object, savedAtMs: nowMs() }, false);
  });

  const rss: number[] = [];
  const sampling = setInterval(() => rss.push(plane.memory().rssMiB), SAMPLE_EVERY_MS);
  context.defer(() => clearInterval(sampling));
  const cpuBefore = plane.cpuMs();
  const before = await load.traffic();
  await load.disturb(seed);
  const startedAt = performance.now();
  for (let made = 0; ; ) {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= seconds * 1000) break;
    for (; made * CHANGE_EVERY_MS <= elapsedMs; made++) changes.next();
    await delay(1);
  }
  const wallMs = performance.now() - startedAt;
  const cpuMs = plane.cpuMs() - cpuBefore;
  const { convergence, pauses, reconnects, refusals } = await load.calm();
  const after = await load.traffic();

  context.say('the last state');
  const calmAt = performance.now();
  // What was refused at random may have been taken back everywhere: this is new, and nobody refuses it.
  changes.touchAll();
  const wanted = await freshDigests(files, proxies, context);
  await allHold(wanted, scene, context);
  const settleMs = performance.now() - calmAt;
  clearInterval(sampling);
  const { rssMiB, peakRssMiB } = plane.memory();
  await scene.close();

  const responses = after.responses - before.responses;
  const row = (name: string, value: number | string): Row => ({ name, values: { value } });
  return {
    title: `Chaos: ${proxies} proxies, ${services} services, a change each ${CHANGE_EVERY_MS} ms for ${seconds} s, seed ${seed}`,
    of: 'what',
    columns: [{ key: 'value', heading: 'measured' }],
    rows: [
      row('changes', changes.count),
      row('of them services that came or went', changes.servicesChanged),
      row('slow readers', pauses),
      row('reconnects', reconnects),
      row('refused responses', refusals),
      row('responses to one proxy for each second', responses / proxies / (wallMs / 1000)),
      ...changeKinds.flatMap((kind, index) => {
        const { count = 0, p50Ms = 0, p99Ms = 0, maxMs = 0 } = convergence[index] ?? {};
        return [
          row(`convergence of ${kind}, p50, ms`, p50Ms),
          row('  p99, ms', p99Ms),
          row('  the last, ms', maxMs),
          row('  changes x proxies that converged before the end', count),
        ];
      }),
      row('CPU of the control plane, share of one core', cpuMs / wallMs),
      row('RSS at the start, MiB', rss[0] ?? Number.NaN),
      row('RSS in the middle, MiB', rss[Math.floor(rss.length / 2)] ?? Number.NaN),
      row('RSS at the end, MiB', rssMiB),
      row('RSS at most, MiB', peakRssMiB),
      row('clusters whose endpoints did not come in time', after.warmTimeouts),
      row('from the end until all were in the last state, ms (checked once a new control plane is up)', settleMs),
    ],
  };
}

/** Random changes of all kinds, each to a file. */
class Changes {
  count = 0;
  servicesChanged = 0;
  readonly #files: MeshFiles;
  readonly #announce: (number: number, object: number) => void;
  readonly #random: () => number;
  readonly #present: number[];
  readonly #spare: number[];
  readonly #marks = new Map<number, ServiceMarks>();
  readonly #capacity: number;
  #number = 0;

  constructor({ services, seed }: ChaosPlan, files: MeshFiles, announce: (number: number, object: number) => void) {
    this.#files = files;
    this.#announce = announce;
    this.#random = randomOf(seed);
    this.#capacity = services + SPARE;
    this.#present = Array.from({ length: services }, (_, index) => index);
    this.#spare = Array.from({ length: SPARE }, (_, index) => services + index);
  }

  next(): void {
    const drawn = this.#random();
    if (drawn < 0.3) this.#change(this.#any(), 'route');
    else if (drawn < 0.6) this.#change(this.#any(), 'endpoint');
    else if (drawn < 0.9) this.#change(this.#any(), 'policy');
    else if (drawn < 0.95 && this.#spare.length > 0) this.#add();
    else this.#remove();
  }

  /** Every service that is there and was changed gets new content. */
  touchAll(): void {
    const present = new Set(this.#present);
    for (const index of this.#marks.keys()) if (present.has(index)) this.#write(index, changeKinds);
  }

  #any(): number {
    return this.#present[below(this.#present.length, this.#random)] ?? 0;
  }

  #change(index: number, kind: ChangeKind): void {
    this.count++;
    this.#write(index, [kind]);
  }

  #add(): void {
    this.count++;
    this.servicesChanged++;
    const index = this.#spare.shift() as number;
    this.#present.push(index);
    this.#write(index, changeKinds);
  }

  #remove(): void {
    if (this.#present.length < 2) return;
    this.count++;
    this.servicesChanged++;
    const at = below(this.#present.length, this.#random);
    const index = this.#present[at] as number;
    this.#present[at] = this.#present.at(-1) as number;
    this.#present.pop();
    this.#spare.push(index);
    this.#marks.set(index, {});
    this.#files.remove(index);
  }

  #write(index: number, kinds: readonly ChangeKind[]): void {
    const marks: Record<string, number> = { ...this.#marks.get(index) };
    for (const kind of kinds) marks[kind] = ++this.#number;
    this.#marks.set(index, marks);
    const moves: (() => void)[] = [];
    if (kinds.includes('endpoint') || kinds.includes('policy')) moves.push(this.#files.prepareService(index, marks));
    if (kinds.includes('route')) moves.push(this.#files.prepareRoute(index, marks));
    for (const kind of kinds) {
      this.#announce(marks[kind] as number, changeKinds.indexOf(kind) * this.#capacity + index);
    }
    for (const move of moves) move();
  }
}

/** What proxies hold that get everything from a control plane that has just been started with these files. */
async function freshDigests(files: MeshFiles, proxies: number, context: BenchmarkContext): Promise<readonly string[]> {
  const plane = await ControlPlane.start({ dir: files.dir });
  context.defer(() => plane.stop());
  const load = startLoad({ to: plane.to, proxies, kinds: 0, objectsOfKind: 0 });
  context.defer(() => load.close());
  await connectAll({ plane, load }, proxies);
  await load.quiet(LAST_STATE_TIMEOUT_MS);
  const digests = await load.digests();
  await load.close();
  await plane.stop();
  return digests;
}

async function allHold(wanted: readonly string[], scene: Scene, context: BenchmarkContext): Promise<void> {
  const end = performance.now() + LAST_STATE_TIMEOUT_MS;
  let responses = 0;
  let silentSince = performance.now();
  for (;;) {
    const held = await scene.load.digests();
    const wrong = held.flatMap((digest, index) => (digest === wanted[index] ? [] : [index]));
    const [first] = wrong;
    if (first === undefined) return;
    const now = performance.now();
    const traffic = await scene.load.traffic();
    if (traffic.responses !== responses) silentSince = now;
    responses = traffic.responses;
    if (now > Math.min(end, silentSince + SILENCE_MS)) {
      const why = await explain(scene, first, context);
      throw new Error(`${wrong.length} of ${wanted.length} proxies are not in the last state:\n${why}`);
    }
    await delay(100);
  }
}

/** How one proxy differs from a new one: of the same control plane, and of one that has just been started. */
async function explain(scene: Scene, index: number, context: BenchmarkContext): Promise<string> {
  const held = await scene.load.versions(index);
  const fresh = await ControlPlane.start({ dir: scene.files.dir });
  context.defer(() => fresh.stop());
  const lines = [`proxy ${index}:`];
  for (const [name, plane] of [
    ['a new proxy of the same control plane', scene.plane],
    ['a new proxy of a new control plane', fresh],
  ] as const) {
    const load = startLoad({ to: plane.to, proxies: 1, firstProxy: index, kinds: 0, objectsOfKind: 0 });
    context.defer(() => load.close());
    await connectAll({ plane, load }, 1);
    await load.quiet(LAST_STATE_TIMEOUT_MS);
    const wanted = await load.versions(0);
    const different = [...new Set([...Object.keys(held), ...Object.keys(wanted)])]
      .filter((resource) => held[resource] !== wanted[resource])
      .map((resource) => `  ${resource}: ${held[resource] ?? 'absent'}, there ${wanted[resource] ?? 'absent'}`);
    lines.push(`${different.length} resources are not as with ${name}`, ...different.slice(0, DIFFERENCES_SHOWN));
  }
  return `${lines.join('\n')}\nThe control plane wrote:\n${scene.plane.lastLines}`;
}
