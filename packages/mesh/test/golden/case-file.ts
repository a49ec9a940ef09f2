import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { type Call, readCall } from './call-file.ts';
import { type CertificateSpecs, readCertificate } from './certificates.ts';
import { fieldsOf, instant, listOf, mapOf, text } from './read-fields.ts';

/** `testdata/<feature>/<case>/`: what a user writes, and what must come of it. */
export interface GoldenCase {
  /** `<feature>/<case>` */
  readonly name: string;
  readonly folder: string;
  /** Text of `input.yaml`. */
  readonly input: string;
  /** Proxies whose IR and xDS are kept: names of workloads (`NAME` or `NAME.NAMESPACE`), or `gateway`. */
  readonly proxies: readonly string[] | undefined;
  /** Names of replicas (`reviews-v1-0`) whose application does not listen. */
  readonly down: readonly string[];
  /** Names of replicas whose application answers everything with 503. */
  readonly failing: readonly string[];
  /** Workloads whose application speaks first, and only TCP. */
  readonly greeting: readonly string[];
  /** Workloads whose certificate is for another ServiceAccount than the one that they run as. */
  readonly impostors: ReadonlyMap<string, string>;
  /** Certificates that are made for the case; see `certificates.ts` for what stands for them in `input.yaml`. */
  readonly certificates: CertificateSpecs;
  /** Workloads whose application speaks TLS, and its certificate. */
  readonly tls: ReadonlyMap<string, string>;
  /** Codes of the diagnostics that there must be, sorted. */
  readonly diagnostics: readonly string[];
  readonly calls: readonly Call[];
  /** What time it is, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** A Thursday. */
const DEFAULT_TIME = '2026-01-01T12:00:00Z';

const TESTDATA = fileURLToPath(new URL('../../../../testdata', import.meta.url));

/** Every case, sorted by name. */
export function findCases(): GoldenCase[] {
  const inputs = globSync(join(TESTDATA, '*', '*', 'input.yaml')).sort();
  return inputs.map((input) => readCase(dirname(input)));
}

function readCase(folder: string): GoldenCase {
  const name = relative(TESTDATA, folder);
  const file = join(folder, 'expect.yaml');
  const written: unknown = existsSync(file) ? parse(readFileSync(file, 'utf8')) : {};
  const where = `${name}/expect.yaml`;
  const fields = fieldsOf(written, where, [
    'proxies',
    'down',
    'failing',
    'greeting',
    'impostors',
    'diagnostics',
    'calls',
    'at',
    'certificates',
    'tls',
  ]);
  const {
    proxies,
    down = [],
    failing = [],
    greeting = [],
    impostors = {},
    diagnostics = [],
    calls = [],
    at = DEFAULT_TIME,
    certificates = {},
    tls = {},
  } = fields;
  return {
    name,
    folder,
    input: readFileSync(join(folder, 'input.yaml'), 'utf8'),
    proxies: proxies === undefined ? undefined : listOf(proxies, `${where}: proxies`, text),
    down: listOf(down, `${where}: down`, text),
    failing: listOf(failing, `${where}: failing`, text),
    greeting: listOf(greeting, `${where}: greeting`, text),
    impostors: mapOf(impostors, `${where}: impostors`, text),
    certificates: mapOf(certificates, `${where}: certificates`, readCertificate),
    tls: mapOf(tls, `${where}: tls`, text),
    diagnostics: listOf(diagnostics, `${where}: diagnostics`, text).sort(),
    calls: listOf(calls, `${where}: calls`, readCall),
    atMs: instant(at, `${where}: at`),
  };
}
