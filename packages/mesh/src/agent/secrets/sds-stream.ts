import type { NamedSecret, SecretStore } from './secret-store.ts';

/** What a client said on an SDS stream, for both forms of the protocol. */
export interface SdsRequest {
  /** The nonce of the response that this answers; empty for the first or an unasked one. */
  readonly nonce: string;
  /** The client could not use that response. */
  readonly rejection?: string;
  /** State of the world: all names that it wants. Delta: names to add. */
  readonly subscribe: readonly string[];
  /** Delta: names to leave out from now on. Null in the state-of-the-world form, whose names replace the former ones. */
  readonly unsubscribe: readonly string[] | null;
  /** Delta: versions that it already holds, by name. */
  readonly held?: Readonly<Record<string, string>>;
}

export interface SdsStreamOptions {
  readonly store: SecretStore;
  readonly send: (nonce: string, secrets: readonly NamedSecret[]) => void;
  readonly onRejection: (message: string) => void;
}

/** Envoy asks for two. */
const maxNames = 100;

/**
 * One SDS stream: which secrets the client wants and which it was sent. Names that do not exist (yet) are waited for.
 * At most one response is on its way; what changes in the meantime follows, in its latest form, after the ACK.
 */
export class SdsStream {
  readonly #options: SdsStreamOptions;
  readonly #stopListening: () => void;
  readonly #wanted = new Set<string>();
  /** Version by name. */
  readonly #sent = new Map<string, string>();
  #counter = 0;
  #unanswered = false;

  constructor(options: SdsStreamOptions) {
    this.#options = options;
    this.#stopListening = options.store.onChange(() => this.#push());
  }

  handle(request: SdsRequest): void {
    const answersLast = request.nonce !== '' && request.nonce === String(this.#counter);
    if (answersLast) {
      this.#unanswered = false;
      if (request.rejection !== undefined) this.#options.onRejection(request.rejection);
    }
    if (request.unsubscribe === null) {
      // An answer to an older response carries an older list of names.
      if (answersLast || request.nonce === '') this.#replaceNames(request.subscribe);
    } else {
      this.#changeNames(request.subscribe, request.unsubscribe, request.held ?? {});
    }
    this.#push();
  }

  close(): void {
    this.#stopListening();
  }

  #replaceNames(names: readonly string[]): void {
    this.#wanted.clear();
    for (const name of names.slice(0, maxNames)) this.#wanted.add(name);
    for (const name of this.#sent.keys()) if (!this.#wanted.has(name)) this.#sent.delete(name);
  }

  #changeNames(add: readonly string[], remove: readonly string[], held: Readonly<Record<string, string>>): void {
    for (const name of remove) {
      this.#wanted.delete(name);
      this.#sent.delete(name);
    }
    for (const name of add) {
      if (this.#wanted.size >= maxNames) return;
      this.#wanted.add(name);
      const version = held[name];
      // A name that is subscribed to again is sent again.
      if (version === undefined) this.#sent.delete(name);
      else this.#sent.set(name, version);
    }
  }

  #push(): void {
    if (this.#unanswered) return;
    const due: NamedSecret[] = [];
    for (const name of this.#wanted) {
      const secret = this.#options.store.get(name);
      if (secret && this.#sent.get(name) !== secret.version) due.push(secret);
    }
    if (due.length === 0) return;
    for (const secret of due) this.#sent.set(secret.name, secret.version);
    this.#unanswered = true;
    this.#counter += 1;
    this.#options.send(String(this.#counter), due);
  }
}
