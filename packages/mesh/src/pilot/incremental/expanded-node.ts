import type { Reader } from './collection.ts';
import { NONE, type Node } from './node.ts';
import { ReadingNode } from './reading-node.ts';

type Outputs<Out> = readonly (readonly [string, Out])[];

/** Any number of entries, under keys of their own, for each entry of another collection. */
export class ExpandedNode<In, Out> extends ReadingNode<In, Out> {
  readonly #compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>;
  readonly #isSame: (last: Out, value: Out) => boolean;
  /** For each input key that gave any: the keys it gave, or the only one. */
  readonly #given = new Map<string, string | readonly string[]>();

  constructor(
    name: string,
    order: number,
    input: Node<In>,
    compute: (value: In, read: Reader, key: string) => Iterable<readonly [string, Out]>,
    isSame: (last: Out, value: Out) => boolean,
    onError: (error: unknown, where: string) => void,
  ) {
    super(name, order, input, onError);
    this.#compute = compute;
    this.#isSame = isSame;
  }

  update(): ReadonlySet<string> {
    const dirty = this.takeDirty();
    if (dirty.size === 0) return NONE;
    const next: { readonly key: string; readonly outputs: Outputs<Out> }[] = [];
    for (const key of dirty) {
      const outputs = this.#recompute(key);
      if (outputs.length > 0) next.push({ key, outputs });
    }
    // Removals before additions, so that a key may move from one input to another.
    const before = new Map<string, Out>();
    for (const key of dirty) {
      for (const given of this.#givenBy(key)) {
        const value = this.values.get(given);
        if (value !== undefined) before.set(given, value);
        this.values.delete(given);
      }
      this.#given.delete(key);
    }
    const changed = new Set<string>();
    for (const { key, outputs } of next) {
      for (const [given, value] of outputs) {
        if (this.values.has(given)) {
          this.report(new Error('two inputs give one key'), given);
          continue;
        }
        const last = before.get(given);
        const isSame = last !== undefined && (last === value || this.#isSame(last, value));
        this.values.set(given, isSame ? last : value);
        if (!isSame) changed.add(given);
      }
      const [first] = outputs;
      this.#given.set(key, outputs.length === 1 && first !== undefined ? first[0] : outputs.map(([given]) => given));
    }
    for (const key of before.keys()) if (!this.values.has(key)) changed.add(key);
    return changed;
  }

  #givenBy(key: string): readonly string[] {
    const given = this.#given.get(key);
    return given === undefined ? [] : typeof given === 'string' ? [given] : given;
  }

  #recompute(key: string): Outputs<Out> {
    return this.computing<Outputs<Out>>(
      key,
      (input, read) => {
        const computed = this.#compute(input, read, key);
        return Array.isArray(computed) ? computed : [...computed];
      },
      [],
      () => this.#givenBy(key).map((given) => [given, this.values.get(given) as Out]),
    );
  }
}
