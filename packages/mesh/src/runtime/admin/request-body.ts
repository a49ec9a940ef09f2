import type { ApplyRequest, DeleteRequest, ExplainRequest, ManifestFile, WaitRequest } from '@lateen/api/admin.ts';
import type { ObjectRef } from '@lateen/api/diagnostic.ts';
import { AdminError } from './admin-error.ts';

/** As large as a manifest may be, with room for the JSON around it. */
const maxBodyBytes = 8 * 1024 * 1024;

/** Reads the body, at most `maxBodyBytes` of it, whatever Content-Length says or does not say. */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new AdminError(415, 'LAT0547', 'The body must be JSON.', 'Send "Content-Type: application/json".');
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw invalid('The body is not valid JSON.');
  }
}

export function parseApplyRequest(body: unknown): ApplyRequest {
  const fields = record(body, 'The body', ['manifest', 'file', 'more', 'namespace', 'mode', 'dryRun']);
  const { mode } = fields;
  if (mode !== 'apply' && mode !== 'create') throw invalid('mode must be "apply" or "create".');
  const namespace = optional(fields.namespace, 'namespace', string);
  const dryRun = optional(fields.dryRun, 'dryRun', boolean);
  const more = optional(fields.more, 'more', (value, name) => list(value, name, manifestFile));
  return {
    manifest: string(fields.manifest, 'manifest'),
    file: string(fields.file, 'file'),
    mode,
    ...(more === undefined ? {} : { more }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(dryRun === undefined ? {} : { dryRun }),
  };
}

export function parseDeleteRequest(body: unknown): DeleteRequest {
  const fields = record(body, 'The body', ['objects', 'ignoreNotFound', 'dryRun']);
  const ignoreNotFound = optional(fields.ignoreNotFound, 'ignoreNotFound', boolean);
  const dryRun = optional(fields.dryRun, 'dryRun', boolean);
  return {
    objects: list(fields.objects, 'objects', objectRef),
    ...(ignoreNotFound === undefined ? {} : { ignoreNotFound }),
    ...(dryRun === undefined ? {} : { dryRun }),
  };
}

/** Whoever wants to wait longer asks again. */
const MAX_WAIT_MS = 3_600_000;

export function parseWaitRequest(body: unknown): WaitRequest {
  const fields = record(body, 'The body', ['objects', 'for', 'timeoutMs']);
  const { for: condition, timeoutMs } = fields;
  if (condition !== 'delivery' && condition !== 'delete') throw invalid('for must be "delivery" or "delete".');
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs <= MAX_WAIT_MS)) {
    throw invalid(`timeoutMs must be a number from 0 to ${MAX_WAIT_MS}.`);
  }
  return { objects: list(fields.objects, 'objects', objectRef), for: condition, timeoutMs };
}

/** As much as a real request may have in its head. */
const MAX_EXPLAINED_CHARACTERS = 64 * 1024;

export function parseExplainRequest(body: unknown): ExplainRequest {
  const fields = record(body, 'The body', ['from', 'method', 'url', 'headers']);
  const request = {
    from: string(fields.from, 'from'),
    method: string(fields.method, 'method'),
    url: string(fields.url, 'url'),
    headers: list(fields.headers, 'headers', header),
  };
  if (JSON.stringify(request).length <= MAX_EXPLAINED_CHARACTERS) return request;
  throw invalid(`The request is longer than ${MAX_EXPLAINED_CHARACTERS} characters.`);
}

function header(value: unknown, name: string): readonly [string, string] {
  const [first, second, ...more] = list(value, name, string);
  if (first === undefined || second === undefined || more.length > 0)
    throw invalid(`${name} must be a name and a value.`);
  return [first, second];
}

function manifestFile(value: unknown, name: string): ManifestFile {
  const fields = record(value, name, ['manifest', 'file']);
  return { manifest: string(fields.manifest, `${name}.manifest`), file: string(fields.file, `${name}.file`) };
}

function objectRef(value: unknown, name: string): ObjectRef {
  const fields = record(value, name, ['kind', 'namespace', 'name']);
  return {
    kind: string(fields.kind, `${name}.kind`),
    namespace: string(fields.namespace, `${name}.namespace`),
    name: string(fields.name, `${name}.name`),
  };
}

/** Unknown fields are refused: what is not understood must not be ignored. */
function record(value: unknown, name: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${name} must be an object.`);
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) throw invalid(`${name} has the unknown field "${field.slice(0, 100)}".`);
  }
  return { ...value };
}

function list<T>(value: unknown, name: string, item: (value: unknown, name: string) => T): T[] {
  if (!Array.isArray(value)) throw invalid(`${name} must be a list.`);
  return value.map((each, index) => item(each, `${name}[${index}]`));
}

function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalid(`${name} must be a string.`);
  return value;
}

function boolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalid(`${name} must be true or false.`);
  return value;
}

function optional<T>(value: unknown, name: string, parse: (value: unknown, name: string) => T): T | undefined {
  return value === undefined ? undefined : parse(value, name);
}

function invalid(message: string): AdminError {
  return new AdminError(400, 'LAT0547', message, 'The admin API is described in packages/api/src/admin.ts.');
}

function tooLarge(): AdminError {
  return new AdminError(
    413,
    'LAT0546',
    `The body is larger than ${maxBodyBytes / 1024 / 1024} MiB.`,
    'Apply the objects in several calls.',
  );
}
