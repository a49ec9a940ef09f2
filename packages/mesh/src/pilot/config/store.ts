import { type Diagnostic, DiagnosticError, diagnostic } from '@lateen/api/diagnostic.ts';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { keyOf, keyOfRef, type ObjectKey, refOfKey } from '@lateen/api/object-key.ts';
import { dequal } from 'dequal';
import type { Source } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { Admission, type Held } from './admission.ts';
import type { Origin } from './document-source.ts';
import { FileLayer } from './file-layer.ts';
import type { LastGood, LastGoodEntry, Refusal } from './last-good.ts';
import { digestOf, type Overlay, type OverlayEntry } from './overlay.ts';
import type { ParsedObject, ParseResult } from './parse.ts';

export type Outcome = 'created' | 'configured' | 'unchanged' | 'deleted';

/** An object that took effect in a new version, or no longer does. */
export interface StoreChange {
  readonly key: ObjectKey;
  readonly outcome: Exclude<Outcome, 'unchanged'>;
}

/**
 * All configuration of the mesh: what files say, with what was applied to the running mesh on top; of that, what can be
 * in force together. Accepted objects go on to the pipeline; what is wrong is in `diagnostics`.
 */
export class ConfigStore {
  readonly #graph: Graph;
  readonly #target: Source<ConfigObject>;
  readonly #files = new FileLayer();
  readonly #overlay: Overlay;
  readonly #admission: Admission;
  /** Where objects of the overlay were written, for those applied since the start. */
  readonly #appliedOrigins = new Map<ObjectKey, Origin>();
  #held: Held = new Map();
  /** Versions of objects that Envoy refused, and its words. They are not tried again until the object is changed. */
  readonly #refused = new Map<ObjectKey, Refusal>();
  /** Grows with each change that takes effect. */
  #sequence = 0;
  /** For each object: when it last took effect, and what was in force before. */
  readonly #history = new Map<ObjectKey, { readonly sequence: number; readonly before: ConfigObject | undefined }>();
  readonly #listeners: ((changes: readonly StoreChange[]) => void)[] = [];

  readonly #lastGood: LastGood | undefined;
  /** Objects restored at the start that no file has confirmed yet. */
  readonly #restored = new Set<ObjectKey>();

  constructor(
    graph: Graph,
    target: Source<ConfigObject>,
    overlay: Overlay,
    clusterDomain: string,
    lastGood?: LastGood,
  ) {
    this.#graph = graph;
    this.#target = target;
    this.#overlay = overlay;
    this.#admission = new Admission(clusterDomain);
    this.#startFrom(lastGood?.load() ?? []);
    this.#lastGood = lastGood;
    this.#admit(new Set(overlay.keys()));
  }

  /** Puts back in force what was, before a restart, only in force because its newer version is wrong. */
  #startFrom(entries: readonly LastGoodEntry[]): void {
    this.#admission.commit(new Map(entries.map(({ key, object }) => [key, object])));
    this.#graph.transaction(() => {
      for (const { key, object } of entries) this.#target.set(key, object);
    });
    for (const { key, object, file, refused } of entries) {
      if (file !== undefined) this.#files.seed(file, { object, origin: { file, line: 1, lineOf: () => 1 } });
      if (refused !== undefined) this.#refused.set(key, refused);
      this.#restored.add(key);
    }
  }

  /** Every file has been read once after the start: what is in none of them, and was not applied, is gone. */
  filesAreRead(): void {
    for (const file of this.#files.unread()) this.#files.delete(file);
    this.#admit(this.#restored);
    this.#restored.clear();
  }

  /** Calls `listener` after each change of the objects in force or of the diagnostics. */
  onChange(listener: (changes: readonly StoreChange[]) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes what files say now; `undefined` for a file that is gone. All of them are one change. */
  setFiles(results: ReadonlyMap<string, ParseResult | undefined>): void {
    const keys = new Set<ObjectKey>();
    for (const [file, result] of results) {
      const changed =
        result === undefined
          ? this.#files.delete(file)
          : this.#files.set(file, result, (key, before) => this.#inForceInstead(key, before));
      for (const key of changed) keys.add(key);
    }
    this.#dropOutdated(keys);
    this.#admit(keys);
  }

  /** Whether objects would be gone from the file, as half-written files look like. */
  loses(file: string, result: ParseResult | undefined): boolean {
    return result === undefined ? this.#files.has(file) : this.#files.loses(file, result);
  }

  /**
   * Puts objects in force, all or none, and stores them. Throws a DiagnosticError if one of them cannot be.
   *
   * @param mode `create` refuses objects that exist
   */
  apply(parsed: readonly ParsedObject[], mode: 'apply' | 'create', dryRun = false): ReadonlyMap<ObjectKey, Outcome> {
    const outcomes = new Map<ObjectKey, Outcome>();
    const entries = new Map<ObjectKey, OverlayEntry | undefined>();
    for (const { object, origin } of parsed) {
      const key = keyOf(object);
      const current = this.#wanted(key)?.object;
      const details = { object: refOfKey(key), file: origin.file, line: origin.line };
      if (entries.has(key)) throw new DiagnosticError([diagnostic('LAT0120', 'the object is given twice', details)]);
      if (mode === 'create' && current !== undefined) {
        throw new DiagnosticError([diagnostic('LAT0232', 'the object exists already', details)]);
      }
      const same = current !== undefined && digestOf(current) === digestOf(object);
      outcomes.set(key, same ? 'unchanged' : current === undefined ? 'created' : 'configured');
      if (!same) entries.set(key, this.#entryFor(key, object));
    }
    this.#change(entries, parsed, dryRun);
    return outcomes;
  }

  /** What `undo` needs after a later `apply` of these objects. */
  checkpoint(keys: readonly ObjectKey[]): ReadonlyMap<ObjectKey, OverlayEntry | undefined> {
    return new Map(keys.map((key) => [key, this.#overlay.get(key)]));
  }

  /** Undoes an `apply`, when Envoy refused a part of what it put in force. */
  undo(checkpoint: ReadonlyMap<ObjectKey, OverlayEntry | undefined>): void {
    this.#overlay.update(checkpoint);
    for (const key of checkpoint.keys()) this.#refused.delete(key);
    this.#admit(new Set(checkpoint.keys()));
  }

  /** Takes objects out of force, all or none. Throws a DiagnosticError if one does not exist or is still needed. */
  remove(keys: readonly ObjectKey[], dryRun = false): ReadonlyMap<ObjectKey, Outcome> {
    const missing = keys.filter((key) => this.#wanted(key) === undefined);
    if (missing.length > 0) {
      throw new DiagnosticError(
        missing.map((key) => diagnostic('LAT0233', 'the object does not exist', { object: refOfKey(key) })),
      );
    }
    this.#change(new Map(keys.map((key) => [key, this.#entryFor(key, null)])), [], dryRun);
    return new Map(keys.map((key) => [key, 'deleted']));
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** The `sequence` with which an object's present version took effect. */
  sequenceOf(key: ObjectKey): number {
    return this.#history.get(key)?.sequence ?? 0;
  }

  /** Envoy refused what these objects ask for: puts back what was in force before, until they are changed. */
  refuse(keys: Iterable<ObjectKey>, message: string): void {
    const refused = new Set<ObjectKey>();
    for (const key of keys) {
      const object = this.#admission.accepted.get(key);
      if (object === undefined) continue;
      this.#refused.set(key, { digest: digestOf(object), message });
      refused.add(key);
    }
    if (refused.size > 0) this.#admit(refused);
  }

  /** Whether the object (or its absence) was said to the running mesh, and not by a file. */
  isApplied(key: ObjectKey): boolean {
    return this.#overlay.get(key) !== undefined;
  }

  isRefused(key: ObjectKey): boolean {
    return this.#refused.has(key);
  }

  /** What is in force. */
  get objects(): ReadonlyMap<ObjectKey, ConfigObject> {
    return this.#admission.accepted;
  }

  origin(key: ObjectKey): Origin | undefined {
    return this.#overlay.get(key) === undefined ? this.#files.get(key)?.origin : this.#appliedOrigins.get(key);
  }

  diagnostics(): Diagnostic[] {
    const references = [...[...this.#held.values()].flat().map(withOutcome), ...this.#admission.warnings()];
    const refused = [...this.#refused].map(([key, { message }]) =>
      withOutcome(diagnostic('LAT0210', `Envoy says: ${message}`, { object: refOfKey(key) })),
    );
    return [...this.#files.diagnostics(), ...[...references, ...refused].map((each) => this.locate(each))];
  }

  /** The overlay's entry for an object that is to be so; none where the file says just that. */
  #entryFor(key: ObjectKey, object: ConfigObject | null): OverlayEntry | undefined {
    const file = this.#files.get(key)?.object;
    const over = file === undefined ? null : digestOf(file);
    const asInFile = object === null ? file === undefined : digestOf(object) === over;
    return asInFile ? undefined : { object, over };
  }

  #change(
    entries: ReadonlyMap<ObjectKey, OverlayEntry | undefined>,
    parsed: readonly ParsedObject[],
    dryRun: boolean,
  ): void {
    const changes = new Map(
      [...entries].map(([key, entry]) => [
        key,
        entry === undefined ? this.#files.get(key)?.object : (entry.object ?? undefined),
      ]),
    );
    // Objects that are held already are tried along with the new ones, but are not the caller's affair.
    for (const key of this.#held.keys()) if (!changes.has(key)) changes.set(key, this.#wanted(key)?.object);
    const { held } = this.#admission.plan(changes);
    const refused = [...held].filter(([key]) => entries.has(key)).flatMap(([, reasons]) => reasons);
    if (refused.length > 0) {
      const origins = new Map(parsed.map(({ object, origin }) => [keyOf(object), origin]));
      throw new DiagnosticError(
        refused.map((each) => located(each, each.object && origins.get(keyOfRef(each.object)))),
      );
    }
    if (dryRun || entries.size === 0) return;
    this.#overlay.update(entries);
    for (const { object, origin } of parsed) this.#appliedOrigins.set(keyOf(object), origin);
    this.#admit(new Set(entries.keys()));
  }

  /** Entries of the overlay end when the file that they changed is edited after them. */
  #dropOutdated(keys: ReadonlySet<ObjectKey>): void {
    const outdated = new Set<ObjectKey>();
    for (const key of keys) {
      const entry = this.#overlay.get(key);
      const file = this.#files.get(key)?.object;
      if (entry === undefined) continue;
      const over = file === undefined ? null : digestOf(file);
      // Before the files are read for the first time, `over` says what they will hold.
      if (over !== entry.over && file !== undefined) outdated.add(key);
    }
    if (outdated.size > 0) this.#overlay.drop(outdated);
  }

  /** What should be in force, by the overlay or else the files. */
  #wanted(key: ObjectKey): { object: ConfigObject } | undefined {
    const entry = this.#overlay.get(key);
    if (entry === undefined) return this.#files.get(key);
    return entry.object === null ? undefined : { object: entry.object };
  }

  /** What should be in force, but for what Envoy refused: then what was in force before it. */
  #admissible(key: ObjectKey): ConfigObject | undefined {
    const wanted = this.#wanted(key)?.object;
    const refused = this.#refused.get(key);
    if (refused === undefined) return wanted;
    if (wanted !== undefined && digestOf(wanted) === refused.digest) {
      const inForce = this.#admission.accepted.get(key);
      const isIt = inForce !== undefined && digestOf(inForce) === refused.digest;
      return isIt ? this.#history.get(key)?.before : inForce;
    }
    this.#refused.delete(key);
    return wanted;
  }

  /**
   * An object became invalid in its file: what is in force stays, and not what the file said last, which may have been
   * held back. What was applied over it is another matter: it is the file's own last word that it was applied over.
   */
  #inForceInstead(key: ObjectKey, before: ParsedObject): ParsedObject | undefined {
    if (this.#overlay.get(key) !== undefined) return before;
    const object = this.#admission.accepted.get(key);
    return object === undefined ? undefined : { ...before, object };
  }

  #saveLastGood(): void {
    const files = new Map(this.#files.kept());
    const keys = new Set([...files.keys(), ...this.#held.keys(), ...this.#refused.keys()]);
    // A subset stays because routes use it: after a restart they must not look as if they came later.
    for (const key of this.#held.keys()) for (const user of this.#admission.usersOf(key)) keys.add(user);
    const entries = [...keys].sort().flatMap((key): LastGoodEntry[] => {
      const object = this.#admission.accepted.get(key);
      if (object === undefined) return [];
      const file = files.get(key);
      const refused = this.#refused.get(key);
      return [{ key, object, ...(file === undefined ? {} : { file }), ...(refused === undefined ? {} : { refused }) }];
    });
    this.#lastGood?.save(entries);
  }

  #admit(keys: ReadonlySet<ObjectKey>): void {
    const wanted = new Map<ObjectKey, ConfigObject | undefined>();
    for (const key of [...this.#held.keys(), ...keys]) wanted.set(key, this.#admissible(key));
    const plan = this.#admission.plan(wanted);
    this.#held = plan.held;
    this.#sequence++;
    const changes: StoreChange[] = [];
    for (const [key, object] of plan.let) {
      const before = this.#admission.accepted.get(key);
      if (before === object || dequal(before, object)) continue;
      this.#history.set(key, { sequence: this.#sequence, before });
      changes.push({
        key,
        outcome: object === undefined ? 'deleted' : before === undefined ? 'created' : 'configured',
      });
    }
    this.#admission.commit(plan.let);
    this.#graph.transaction(() => {
      for (const [key, object] of plan.let) {
        if (object === undefined) this.#target.delete(key);
        else this.#target.set(key, object);
      }
    });
    this.#saveLastGood();
    for (const listener of this.#listeners) listener(changes);
  }

  /** The diagnostic with the file and line that its object and path stand at. */
  locate(each: Diagnostic): Diagnostic {
    return located(each, each.object && this.origin(keyOfRef(each.object)));
  }
}

/** With file and line, where it is known where the object was written. */
export function located(each: Diagnostic, origin: Origin | undefined): Diagnostic {
  if (origin === undefined || each.line !== undefined) return each;
  return { ...each, file: origin.file, line: each.path === undefined ? origin.line : origin.lineOf(each.path) };
}

function withOutcome(each: Diagnostic): Diagnostic {
  return { ...each, message: `${each.message} (it is not in force; what was before stays)` };
}
