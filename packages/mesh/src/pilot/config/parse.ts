import { type Diagnostic, diagnostic, type ObjectRef } from '@lateen/api/diagnostic.ts';
import { type PathPart, pathText } from '@lateen/api/field-path.ts';
import { MESH_CONFIG } from '@lateen/api/istio/mesh-config.ts';
import { apiVersionOf, type ConfigObject, type Kind } from '@lateen/api/kinds.ts';
import { lookUpKind } from '@lateen/api/known-kinds.ts';
import { keyOfRef, type ObjectKey } from '@lateen/api/object-key.ts';
import { type Finding, type Validation, validate } from '@lateen/api/validate.ts';
import { buildPatches } from '../xds/patch/build.ts';
import { type DocumentSource, type Origin, quickSource, sourceOf, TextOrigin } from './document-source.ts';
import type { EmbeddedReading } from './embedded-yaml.ts';
import { isMeshConfig, readMeshConfig } from './mesh-config.ts';
import { readPlainYaml } from './plain-yaml.ts';
import { podAnnotationsOf, proxyConfigPath, readProxyAnnotations } from './proxy-annotations.ts';
import { dataOf, problemsOf, readPart, splitDocuments, type YamlDocument } from './yaml-document.ts';

export type ParsedObject = { readonly object: ConfigObject; readonly origin: Origin };

export type ParseResult = {
  readonly objects: readonly ParsedObject[];
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[];
  /** Objects that are in the text but invalid: their last good versions should stay in force. */
  readonly failed: readonly ObjectKey[];
  /**
   * Whether a part of the text could not be told to be a certain object, because of its syntax or its kind: that an
   * object is missing from this result does not mean then that it was removed.
   */
  readonly syntaxErrors: boolean;
  /** What each document gave, where there are many: for the next version of the text. */
  readonly parts?: readonly ParsedPart[];
};

/** What stands between two `---` lines, with lines counted from there. */
type ParsedPart = {
  readonly text: string;
  readonly objects: readonly WrittenObject[];
  readonly diagnostics: readonly Diagnostic[];
  readonly failed: readonly ObjectKey[];
  readonly syntaxErrors: boolean;
};

type WrittenObject = { readonly object: ConfigObject; readonly origin: TextOrigin };

export type ParseOptions = { readonly defaultNamespace: string };

/** Longest text that is read, in UTF-16 units (8 MiB of ASCII). */
export const MAX_TEXT_LENGTH = 8 * 1024 * 1024;

/** From so many documents on, to read again only those that changed is worth the memory. */
const MANY_DOCUMENTS = 16;

/** Most diagnostics for one object; one more tells how many there would be. */
const MAX_FINDINGS = 50;

const MESH_CONFIG_PATH = ['data', MESH_CONFIG.key];

type Collector = {
  readonly file: string;
  readonly defaultNamespace: string;
  readonly objects: WrittenObject[];
  readonly diagnostics: Diagnostic[];
  readonly failed: Set<ObjectKey>;
  syntaxErrors: boolean;
};

/**
 * Reads a YAML or JSON text with any number of documents, and checks each. Never throws: what is wrong is in the
 * diagnostics, and an invalid document does not affect the others.
 *
 * @param before what an earlier version of the file gave: documents that are the same are not read again, and their
 *   objects are the very same
 */
export function parseDocuments(text: string, file: string, options: ParseOptions, before?: ParseResult): ParseResult {
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `the file has ${text.length} characters; at most ${MAX_TEXT_LENGTH} are read`;
    return unreadable(diagnostic('LAT0102', message, { file }));
  }
  if (text.includes('\0')) {
    // No YAML has this character, but UTF-16 is full of it.
    const line = text.slice(0, text.indexOf('\0')).split('\n').length;
    return unreadable(diagnostic('LAT0101', 'the file is no text in UTF-8: it has a NUL character', { file, line }));
  }
  const sections = splitDocuments(text);
  const isLarge = sections.length >= MANY_DOCUMENTS;
  const known = new Map(before?.parts?.map((part) => [part.text, part]));
  const parts: ParsedPart[] = [];
  const into = collectorOf(file, options);
  for (const { text: section, linesBefore } of sections) {
    const part = known.get(section) ?? parsePart(isLarge ? copyOf(section) : section, file, options);
    if (isLarge) parts.push(part);
    for (const { object, origin } of part.objects) into.objects.push({ object, origin: origin.movedBy(linesBefore) });
    for (const each of part.diagnostics) into.diagnostics.push({ ...each, line: (each.line ?? 1) + linesBefore });
    for (const key of part.failed) into.failed.add(key);
    into.syntaxErrors ||= part.syntaxErrors;
  }
  const { objects, diagnostics, failed, syntaxErrors } = into;
  const result = { objects, diagnostics, failed: [...failed], syntaxErrors };
  return isLarge ? { ...result, parts } : result;
}

function unreadable(problem: Diagnostic): ParseResult {
  return { objects: [], diagnostics: [problem], failed: [], syntaxErrors: true };
}

function collectorOf(file: string, options: ParseOptions): Collector {
  return { file, ...options, objects: [], diagnostics: [], failed: new Set(), syntaxErrors: false };
}

/** A slice of a text keeps all of it in memory, which must not become all versions of a file. */
function copyOf(section: string): string {
  const copy = Buffer.from(section).toString();
  return copy === section ? copy : section;
}

function parsePart(text: string, file: string, options: ParseOptions): ParsedPart {
  const into = collectorOf(file, options);
  const plain = readPlainYaml(text);
  // The lines of a List's objects are for the library to find.
  if (plain === undefined || (isFields(plain.value) && isList(plain.value))) {
    for (const document of readPart(text, 0)) parseDocument(document, into);
  } else if (plain.value !== undefined) {
    parseValue(quickSource(text, plain.line), plain.value, [], into);
  }
  const { objects, diagnostics, failed, syntaxErrors } = into;
  diagnostics.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return { text, objects, diagnostics, failed: [...failed], syntaxErrors };
}

function parseDocument(document: YamlDocument, into: Collector): void {
  const { file } = into;
  const source = sourceOf(document);
  const { value, problem, line = source.lineOfPath([]) } = dataOf(document);
  const problems = problemsOf(document);
  if (problem === undefined && problems.length === 0) {
    parseValue(source, value, [], into);
    return;
  }
  into.syntaxErrors = true;
  // Even so the object can mostly be recognized, and its last good version be kept.
  const refs = refsIn(value, into.defaultNamespace);
  for (const ref of refs) into.failed.add(keyOfRef(ref));
  const object = refs.length === 1 && refs[0] !== undefined ? { object: refs[0] } : {};
  for (const { duplicateKey, message, line } of problems) {
    into.diagnostics.push(diagnostic(duplicateKey ? 'LAT0103' : 'LAT0101', message, { file, line, ...object }));
  }
  if (problem !== undefined && problems.length === 0) {
    const code = problem.includes('expand') ? 'LAT0102' : 'LAT0101';
    into.diagnostics.push(diagnostic(code, problem, { file, line, ...object }));
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Fields): value is Fields & { items: unknown[] } {
  return typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items);
}

/** What `kubectl get -o yaml` prints, but without its objects. */
function isPlainList({ apiVersion, kind }: Fields): boolean {
  return apiVersion === 'v1' && kind === 'List';
}

const LIST_WITHOUT_ITEMS: Identity = {
  problem: { code: 'LAT0104', message: 'a List needs items, the list of its objects', path: ['items'] },
};

function parseValue(source: DocumentSource, value: unknown, base: readonly PathPart[], into: Collector): void {
  if (isFields(value) && isList(value) && base.length === 0) {
    value.items.forEach((item, index) => {
      parseValue(source, item, ['items', index], into);
    });
    return;
  }
  const identity =
    base.length === 0 && isFields(value) && isPlainList(value)
      ? LIST_WITHOUT_ITEMS
      : identify(value, into.defaultNamespace);
  if (identity.kind === undefined) {
    const { code, message, path } = identity.problem;
    into.syntaxErrors ||= code !== 'LAT0106';
    const line = source.lineOfPath([...base, ...path]);
    into.diagnostics.push(diagnostic(code, message, { file: into.file, line, path: pathText(path) }));
    return;
  }
  const { kind, ref, fields, metadata, problem } = identity;
  if (problem !== undefined) {
    report(source, [problem], base, ref, into);
    into.failed.add(keyOfRef(ref));
    return;
  }
  const { object, errors, warnings } = validateBounded(kind, complete(kind, fields, metadata, ref));
  report(source, [...errors, ...warnings], base, ref, into);
  if (object === undefined || !checkContents(source, object, base, ref, into)) into.failed.add(keyOfRef(ref));
  else
    into.objects.push({
      object,
      origin: new TextOrigin(into.file, source.lineOfPath(base), source.text, source.linesBefore, base),
    });
}

/** Whether what stands inside of the object in another language than that of its kind is right. */
function checkContents(
  source: DocumentSource,
  object: ConfigObject,
  base: readonly PathPart[],
  ref: ObjectRef,
  into: Collector,
): boolean {
  if (object.kind === 'EnvoyFilter') {
    const { problems } = buildPatches(object);
    const findings = problems.map(({ path, message }): Finding => ({ code: 'LAT0530', path, message }));
    report(source, findings, base, ref, into);
    return problems.length === 0;
  }
  if (isMeshConfig(object)) return checkText(source, readMeshConfig(object), MESH_CONFIG_PATH, base, ref, into);
  const ofPods = podAnnotationsOf(object);
  if (ofPods === undefined) return true;
  return checkText(source, readProxyAnnotations(ofPods), proxyConfigPath(ofPods.path), base, ref, into);
}

/** Whether the text at the path, which was read like this, is right. */
function checkText(
  source: DocumentSource,
  { value, errors, warnings, problems }: EmbeddedReading<object>,
  path: readonly PathPart[],
  base: readonly PathPart[],
  ref: ObjectRef,
  into: Collector,
): boolean {
  report(source, [...errors, ...warnings], base, ref, into);
  for (const { message, line } of problems) {
    const inFile = source.lineInText([...base, ...path], line);
    const details = { object: ref, file: into.file, line: inFile, path: pathText(path) };
    into.diagnostics.push(diagnostic('LAT0101', message, details));
  }
  return value !== undefined;
}

/** Hundreds of thousands of mistakes in one object exhaust the stack. */
function validateBounded(kind: Kind, value: Fields): Validation {
  try {
    return validate(kind, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { errors: [{ code: 'LAT0102', path: [], message: 'has too many mistakes to be checked' }], warnings: [] };
  }
}

type Identity =
  | { readonly kind?: never; readonly problem: Finding }
  | {
      readonly kind: Kind;
      readonly ref: ObjectRef;
      readonly fields: Fields;
      readonly metadata: Fields;
      /** The object is known, but its apiVersion is not one of the kind's. */
      readonly problem?: Finding;
    };

function identify(value: unknown, defaultNamespace: string): Identity {
  const refuse = (message: string, ...path: string[]): Identity => ({ problem: { code: 'LAT0104', message, path } });
  if (!isFields(value)) return refuse('expected an object with apiVersion, kind and metadata');
  const { apiVersion, kind: kindName, metadata } = value;
  if (typeof apiVersion !== 'string') return refuse(textNeeded(apiVersion), 'apiVersion');
  if (typeof kindName !== 'string') return refuse(textNeeded(kindName), 'kind');
  const { kind, problem } = lookUpKind(apiVersion, kindName);
  if (kind === undefined) return { problem: { ...problem, path: ['kind'] } };
  if (!isFields(metadata)) return refuse('is required, with at least a name', 'metadata');
  if (typeof metadata.name !== 'string') {
    const generated = typeof metadata.generateName === 'string' ? '; generated names are not supported' : '';
    return refuse(`${textNeeded(metadata.name)}${generated}`, 'metadata', 'name');
  }
  const ref = refOfObject(kind, metadata.name, metadata.namespace, defaultNamespace);
  return {
    kind,
    ref,
    fields: value,
    metadata,
    ...(problem !== undefined && { problem: { ...problem, path: ['apiVersion'] } }),
  };
}

function textNeeded(value: unknown): string {
  return value === undefined || value === null ? 'is required, but missing' : 'must be a string';
}

function refOfObject(kind: Kind, name: string, namespace: unknown, defaultNamespace: string): ObjectRef {
  if (!kind.namespaced) return { kind: kind.kind, namespace: '', name };
  const given = typeof namespace === 'string' && namespace !== '' ? namespace : defaultNamespace;
  return { kind: kind.kind, namespace: given, name };
}

/** The object in the kind's own version and by its own name, with its namespace. */
function complete(kind: Kind, value: Fields, metadata: Fields, ref: ObjectRef): Fields {
  const { namespace } = metadata;
  const unset = namespace === undefined || namespace === null || namespace === '';
  const named = kind.namespaced && unset ? { ...metadata, namespace: ref.namespace } : metadata;
  return { ...value, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: named };
}

function report(
  source: DocumentSource,
  findings: readonly Finding[],
  base: readonly PathPart[],
  object: ObjectRef,
  into: Collector,
): void {
  const details = (path: readonly PathPart[]) => {
    return { object, file: into.file, line: source.lineOfPath([...base, ...path]) };
  };
  for (const { code, message, path } of findings.slice(0, MAX_FINDINGS)) {
    into.diagnostics.push(diagnostic(code, message, { ...details(path), path: pathText(path) }));
  }
  const next = findings[MAX_FINDINGS];
  if (next !== undefined) {
    const message = `and ${findings.length - MAX_FINDINGS} more mistakes in this object`;
    into.diagnostics.push(diagnostic(next.code, message, details(next.path)));
  }
}

/** The objects that a broken document seems to be about. */
function refsIn(value: unknown, defaultNamespace: string): ObjectRef[] {
  const candidates = isFields(value) && isList(value) ? value.items : [value];
  return candidates.flatMap((each) => {
    const identity = identify(each, defaultNamespace);
    return identity.kind === undefined ? [] : [identity.ref];
  });
}
