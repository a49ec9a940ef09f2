import { writeFileSync } from 'node:fs';

const SAMPLE_EVERY_US = 250;

/** As Chrome's DevTools and the inspector protocol have it. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

export interface Hotspot {
  readonly name: string;
  readonly selfMs: number;
  /** With what it called. */
  readonly totalMs: number;
  /** Of the time in which anything ran. */
  readonly share: number;
  readonly totalShare: number;
}

/** Takes profiles of single stages in another process, over the inspector protocol. */
export class Profiler {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: Record<string, unknown>) => void>();
  #calls = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result: Record<string, unknown> };
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  static async connect(url: string): Promise<Profiler> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true });
      socket.addEventListener('error', () => reject(new Error(`no inspector answers at ${url}`)), { once: true });
    });
    const profiler = new Profiler(socket);
    await profiler.#call('Profiler.enable');
    await profiler.#call('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_US });
    return profiler;
  }

  async start(): Promise<void> {
    await this.#call('Profiler.start');
  }

  /** Writes the profile to `file`. The result is where most of the time was spent. */
  async stop(file: string): Promise<Hotspot[]> {
    const { profile } = (await this.#call('Profiler.stop')) as { profile: CpuProfile };
    writeFileSync(file, JSON.stringify(profile));
    return hotspots(profile);
  }

  close(): void {
    this.#socket.close();
  }

  #call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(++this.#calls, resolve);
    this.#socket.send(JSON.stringify({ id: this.#calls, method, params }));
    return promise;
  }
}

function hotspots({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Hotspot[] {
  const selfUs = new Map<number, number>();
  // A delta is the time since the sample before: what ran then, nearly always, is what is seen now.
  for (const [index, id] of samples.entries()) selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const found = new Map<string, { selfMs: number; totalMs: number }>();
  let busyMs = 0;
  for (const [id, us] of selfUs) {
    const own = names.get(id) ?? '';
    if (own === '(idle)' || own === '(program)') continue;
    busyMs += us / 1000;
    const stack = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.add(names.get(at) ?? '');
    for (const name of stack) {
      const hotspot = found.get(name) ?? { selfMs: 0, totalMs: 0 };
      if (name === own) hotspot.selfMs += us / 1000;
      hotspot.totalMs += us / 1000;
      found.set(name, hotspot);
    }
  }
  return [...found]
    .map(([name, { selfMs, totalMs }]) => ({
      name,
      selfMs,
      totalMs,
      share: selfMs / busyMs,
      totalShare: totalMs / busyMs,
    }))
    .sort((a, b) => b.selfMs - a.selfMs);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/(packages|node_modules)\//, '').replace(/^mesh\/src\//, '');
  const name = functionName === '' ? '(anonymous)' : functionName;
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}
