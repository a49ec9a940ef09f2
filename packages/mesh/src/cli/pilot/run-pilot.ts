import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { type Context, UsageError } from '../command.ts';
import { exitCodes, formatDiagnosticLine } from '../errors.ts';
import { onInterrupts } from '../up/interrupts.ts';
import { type TlsFiles, tlsCredentials } from './tls-files.ts';

export interface PilotOptions {
  readonly config: readonly string[];
  readonly 'xds-address': string | undefined;
  readonly 'admin-address': string | undefined;
  readonly plaintext: boolean;
  readonly 'tls-cert': string | undefined;
  readonly 'tls-key': string | undefined;
  readonly 'client-ca': string | undefined;
  readonly remember: string | undefined;
  readonly 'forget-after': number;
  readonly scoping: 'on-demand' | 'declared' | 'off' | undefined;
}

/** Istio's port for xDS without TLS. */
const DEFAULT_ADDRESS = '127.0.0.1:15010';

/** Serves until a signal comes. The line that tells the address comes when proxies can connect. */
export async function runPilot(options: PilotOptions, context: Context): Promise<number> {
  const { stdout, stderr } = context.terminal;
  const roots = rootsOf(options.config, context.cwd);
  const address = options['xds-address'] ?? DEFAULT_ADDRESS;
  const tls = tlsOf(options, address);
  const credentials = tls === undefined ? undefined : await tlsCredentials(tls, context.cwd);
  const { PilotServer } = (await import(context.program.pilotModule)) as typeof import('#runtime/pilot-server.ts');

  const stopRequest = Promise.withResolvers<void>();
  onInterrupts({ first: () => stopRequest.resolve(), again: () => process.exit(exitCodes.interrupted) });
  context.terminal.onOutputLost = () => stopRequest.resolve();
  let told = new Set<string>();
  const tellDiagnostics = (diagnostics: readonly Diagnostic[]) => {
    const lines = diagnostics.map((each) => formatDiagnosticLine(stderr, each));
    for (const line of lines) if (!told.has(line)) stderr.write(`${line}\n`);
    const holds = new Set(lines);
    const mended = [...told].filter((line) => !holds.has(line)).length;
    if (mended > 0) stderr.write(`${mended} of these no longer ${mended === 1 ? 'holds' : 'hold'}\n`);
    told = holds;
  };
  const server = new PilotServer({
    roots,
    address,
    ...(credentials === undefined ? {} : { credentials }),
    scoping: options.scoping ?? 'on-demand',
    forgetAfterMs: options['forget-after'],
    ...(options.remember === undefined ? {} : { learntFile: resolve(context.cwd, options.remember) }),
    ...(options['admin-address'] === undefined ? {} : { adminAddress: options['admin-address'] }),
    onNotice: (text) => stderr.write(`${text}\n`),
    onDiagnostics: tellDiagnostics,
  });
  try {
    const bound = await server.start();
    if (server.adminAddress !== undefined) stdout.write(`Admin API on ${server.adminAddress}\n`);
    const count = server.store.objects.size;
    const how = credentials === undefined ? 'plaintext' : 'mutual TLS';
    stdout.write(`Serving xDS on ${bound} (${how}): ${count} ${count === 1 ? 'object' : 'objects'}\n`);
    await stopRequest.promise;
  } finally {
    await server.stop();
  }
  return exitCodes.ok;
}

function rootsOf(config: readonly string[], cwd: string): readonly string[] {
  if (config.length === 0) throw new UsageError('There is nothing to serve.', 'Name a folder: --config DIR.');
  return config.map((each) => {
    const path = resolve(cwd, each);
    try {
      statSync(path);
    } catch (error) {
      throw new UsageError(`--config ${each}: ${(error as Error).message}`, 'Name a folder or a file that exists.');
    }
    return path;
  });
}

/** Undefined for plaintext, which has to be asked for. */
function tlsOf(options: PilotOptions, address: string): TlsFiles | undefined {
  const { plaintext, 'tls-cert': cert, 'tls-key': key, 'client-ca': clientCa } = options;
  const given = [cert, key, clientCa].filter((each) => each !== undefined);
  if (plaintext) {
    if (given.length > 0)
      throw new UsageError('--plaintext is without TLS.', 'Leave out the certificates or --plaintext.');
    if (!isLocal(address)) {
      throw new LateenError(
        'LAT0732',
        `${address} can be reached from other machines, so xDS is not served there without TLS.`,
        'Listen on 127.0.0.1, or replace --plaintext by --tls-cert, --tls-key and --client-ca.',
      );
    }
    return undefined;
  }
  if (cert === undefined || key === undefined || clientCa === undefined) {
    throw new UsageError(
      given.length === 0 ? 'Neither --plaintext nor certificates are given.' : 'Some certificates are missing.',
      'Give --plaintext for proxies on this machine; or all of --tls-cert, --tls-key and --client-ca.',
    );
  }
  return { cert, key, clientCa };
}

function isLocal(address: string): boolean {
  if (address.startsWith('unix:')) return true;
  const host = address.slice(0, Math.max(address.lastIndexOf(':'), 0));
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(host);
}
