import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { WorkloadIdentity } from '@lateen/api/spiffe-id.ts';
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from '@lateen/envoy-api/istio/v1/auth/ca_pb.js';
import { passBuffer } from '#sockets/raw-method.ts';
import { acceptCertificate, type WorkloadCertificate } from './workload-certificate.ts';

export interface CertificateRequest {
  readonly identity: WorkloadIdentity;
  /** A fresh join token. */
  readonly token: () => Promise<string>;
  /** Citadel's Unix socket. */
  readonly csrSocket: string;
  /** What to ask for, in whole seconds (rounded up); unset leaves it to Citadel (24 h). */
  readonly lifetimeMs?: number;
}

const path = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
const timeoutMs = 5000;
const maxResponseBytes = 256 * 1024;

/**
 * Makes a key and has it certified. The connection is only for this call: there is one each 12 hours.
 * @throws Error (of gRPC's kind: `code`, `details`) when Citadel is not there or refuses; the reason of `signal` when it
 *   is aborted before the call
 */
export async function requestCertificate(
  request: CertificateRequest,
  signal: AbortSignal,
): Promise<WorkloadCertificate> {
  // Loaded when the first certificate is due: its library takes 40 ms, and nothing else of the supervisor needs it.
  const { createSigningRequest } = await import('./signing-request.ts');
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${await request.token()}`);
  const message = create(IstioCertificateRequestSchema, {
    csr: createSigningRequest(privateKey),
    validityDuration: BigInt(Math.ceil((request.lifetimeMs ?? 0) / 1000)),
  });
  const bytes = Buffer.from(toBinary(IstioCertificateRequestSchema, message));
  const answer = await callOnce(request.csrSocket, bytes, metadata, signal);
  const { certChain } = fromBinary(IstioCertificateResponseSchema, answer);
  return acceptCertificate(certChain, privateKey, request.identity, new Date());
}

function callOnce(socket: string, bytes: Buffer, metadata: Metadata, signal: AbortSignal): Promise<Buffer> {
  // An abort while key and token were made: a listener that is added now would not hear of it.
  signal.throwIfAborted();
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    // Not shared: a connection that failed before must not make this one wait.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': maxResponseBytes,
    'grpc.enable_retries': 0,
  });
  return new Promise<Buffer>((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    const call = client.makeUnaryRequest(path, passBuffer, passBuffer, bytes, metadata, options, (error, response) => {
      signal.removeEventListener('abort', cancel);
      if (error) reject(error);
      else if (response) resolve(response);
      else reject(new Error('an empty answer'));
    });
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel);
  }).finally(() => client.close());
}
