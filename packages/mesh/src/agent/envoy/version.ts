import { execFile } from 'node:child_process';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { ENVOY_MINOR } from './release.ts';

const TIMEOUT_MS = 10_000;
/** `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL` */
const VERSION_LINE = /version:\s+[0-9a-f]+\/(\d+\.\d+\.\d+[^/\s]*)\//;

/** The version that the binary reports of itself, such as `1.40.0`. Throws LAT0908 when it does not run. */
export async function askVersion(path: string): Promise<string> {
  const { output, failure } = await run(path);
  const version = VERSION_LINE.exec(output)?.[1];
  if (version !== undefined) return version;
  const reason = failure ?? `it printed "${firstLine(output)}"`;
  throw new LateenError(
    'LAT0908',
    `"${path} --version" does not report an Envoy version: ${reason}.`,
    'Check that the file is an Envoy for this machine (operating system, processor, glibc 2.31 or newer).',
  );
}

export function isWantedVersion(version: string): boolean {
  return version === ENVOY_MINOR || version.startsWith(`${ENVOY_MINOR}.`);
}

function run(path: string): Promise<{ output: string; failure: string | undefined }> {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: TIMEOUT_MS, maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      const output = `${stdout}\n${stderr}`;
      if (error === null) resolve({ output, failure: undefined });
      else if (error.killed) resolve({ output, failure: `it did not end within ${TIMEOUT_MS / 1000} s` });
      else resolve({ output, failure: firstLine(stderr) || firstLine(error.message) });
    });
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}
