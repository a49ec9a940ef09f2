import { isSelected } from '@lateen/api/gateway-workload.ts';

type Labels = Readonly<Record<string, string>>;

interface Selecting<T> {
  readonly selector: Labels;
  readonly value: T;
}

/** What selects workloads, to be asked the other way round: what selects this one? */
export class SelectorIndex<T> {
  /** By namespace and the first label of the selector. */
  readonly #byLabel = new Map<string, Selecting<T>[]>();

  /** An empty selector selects every workload of the namespace. */
  add(namespace: string, selector: Labels, value: T): void {
    const [first] = Object.entries(selector);
    const key = first === undefined ? namespace : labelKey(namespace, ...first);
    const same = this.#byLabel.get(key);
    if (same === undefined) this.#byLabel.set(key, [{ selector, value }]);
    else same.push({ selector, value });
  }

  selecting(labels: Labels, namespace: string): T[] {
    const keys = [namespace, ...Object.entries(labels).map(([key, value]) => labelKey(namespace, key, value))];
    return keys
      .flatMap((key) => this.#byLabel.get(key) ?? [])
      .filter(({ selector }) => isSelected(labels, selector))
      .map(({ value }) => value);
  }
}

function labelKey(namespace: string, key: string, value: string): string {
  return `${namespace} ${key}=${value}`;
}
