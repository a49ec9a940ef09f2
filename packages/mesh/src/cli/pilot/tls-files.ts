import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ServerCredentials } from '@grpc/grpc-js';
import { LateenError } from '@lateen/api/lateen-error.ts';

/** PEM files: the server's certificate with its chain, its key, and whom clients have their certificates from. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

/**
 * Credentials of a server that wants a certificate of every client.
 * @throws LateenError LAT0733 for a file that cannot be used
 */
export async function tlsCredentials(files: TlsFiles, cwd: string): Promise<ServerCredentials> {
  const cert = read('--tls-cert', files.cert, cwd, certificateIn);
  const key = read('--tls-key', files.key, cwd, createPrivateKey);
  const clientCa = read('--client-ca', files.clientCa, cwd, certificateIn);
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw unusable(`The key in ${files.key} (--tls-key) is not that of the certificate in ${files.cert} (--tls-cert).`);
  }
  const { ServerCredentials: Credentials } = await import('@grpc/grpc-js');
  return Credentials.createSsl(clientCa, [{ cert_chain: cert, private_key: key }], true);
}

function read(option: string, file: string, cwd: string, check: (content: Buffer) => unknown): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(resolve(cwd, file));
  } catch (error) {
    throw unusable(`${option} ${file} cannot be read: ${(error as Error).message}.`, error);
  }
  try {
    check(content);
  } catch (error) {
    const what = option === '--tls-key' ? 'a private key' : 'a certificate';
    throw unusable(`${option} ${file} does not hold ${what} in PEM.`, error);
  }
  return content;
}

function certificateIn(content: Buffer): X509Certificate {
  return new X509Certificate(content);
}

function unusable(message: string, cause?: unknown): LateenError {
  return new LateenError('LAT0733', message, 'All three files are PEM.', { cause });
}
