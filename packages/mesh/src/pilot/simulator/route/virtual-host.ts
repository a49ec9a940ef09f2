import { portStart } from '../http/normalize.ts';
import { asciiLower } from './string-match.ts';
import type { VirtualHostSource } from './table-source.ts';

export interface FoundVirtualHost {
  readonly host: VirtualHostSource;
  /** The domain that matched, as it is written. */
  readonly domain: string;
}

/** Finds the virtual host for a Host header: exact, then the longest `*.x`, then the longest `x.*`, then `*`. */
export class DomainIndex {
  readonly #exact = new Map<string, FoundVirtualHost>();
  readonly #suffixes = new Map<string, FoundVirtualHost>();
  readonly #prefixes = new Map<string, FoundVirtualHost>();
  readonly #suffixLengths: readonly number[];
  readonly #prefixLengths: readonly number[];
  readonly #ignorePort: boolean;
  #any: FoundVirtualHost | undefined;

  constructor(hosts: readonly VirtualHostSource[], ignorePort: boolean) {
    this.#ignorePort = ignorePort;
    for (const host of hosts) {
      for (const written of host.domains) {
        const domain = asciiLower(written);
        const found = { host, domain: written };
        if (domain === '*') this.#any ??= found;
        else if (domain.startsWith('*')) this.#suffixes.set(domain.slice(1), found);
        else if (domain.endsWith('*')) this.#prefixes.set(domain.slice(0, -1), found);
        else this.#exact.set(domain, found);
      }
    }
    this.#suffixLengths = lengths(this.#suffixes);
    this.#prefixLengths = lengths(this.#prefixes);
  }

  find(authority: string): FoundVirtualHost | undefined {
    const portAt = this.#ignorePort ? portStart(authority) : -1;
    const host = asciiLower(portAt === -1 ? authority : authority.slice(0, portAt));
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    // A wildcard stands for at least one character.
    for (const length of this.#suffixLengths) {
      const found = length < host.length ? this.#suffixes.get(host.slice(host.length - length)) : undefined;
      if (found !== undefined) return found;
    }
    for (const length of this.#prefixLengths) {
      const found = length < host.length ? this.#prefixes.get(host.slice(0, length)) : undefined;
      if (found !== undefined) return found;
    }
    return this.#any;
  }
}

function lengths(byText: ReadonlyMap<string, unknown>): number[] {
  return [...new Set([...byText.keys()].map((text) => text.length))].sort((a, b) => b - a);
}
