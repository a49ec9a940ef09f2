import { type Metadata, status } from '@grpc/grpc-js';
import { isLateenError } from '@lateen/api/lateen-error.ts';
import type { Authority } from '../authority/authority.ts';
import { buildSpiffeId, type ServiceAccountIdentity } from '../identity/spiffe.ts';
import { TokenError, type TokenVerifier } from '../tokens/verifier.ts';
import { readSigningRequest, SigningRequestError } from '../x509/signing-request.ts';
import { decodeRequest, encodeResponse, type IstioCertificateRequest } from './messages.ts';

/** A gRPC status for the requester. */
export class IssuingError extends Error {
  override readonly name = 'IssuingError';
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** What was signed, for the log: no key, no token. */
export interface IssuedEvent {
  readonly spiffeId: string;
  readonly serialNumber: string;
  readonly notAfter: Date;
}

export interface IssuingOptions {
  readonly authority: Authority;
  readonly tokens: TokenVerifier;
  readonly onIssued?: (event: IssuedEvent) => void;
}

/** The validity for requests that name none, and the most that anyone gets. */
const maxLifetimeMs = 24 * 60 * 60 * 1000;
const maxCsrLength = 16 * 1024;

/**
 * `istio.v1.auth.IstioCertificateService/CreateCertificate`: the identity comes from the token alone, the key from the
 * CSR. Answers `[leaf, intermediates..., root]`.
 * @throws IssuingError
 */
export async function createCertificate(
  bytes: Uint8Array,
  metadata: Metadata,
  options: IssuingOptions,
): Promise<Buffer> {
  const { authority, tokens } = options;
  const identity = await authenticate(metadata, tokens);
  const request = decode(bytes);
  if (request.csr.length > maxCsrLength) throw new IssuingError(status.RESOURCE_EXHAUSTED, 'the CSR is too long');
  if (request.metadata && 'ImpersonatedIdentity' in request.metadata) {
    throw new IssuingError(status.PERMISSION_DENIED, 'a certificate for another identity is not issued');
  }
  if (request.validityDuration < 0n) throw new IssuingError(status.INVALID_ARGUMENT, 'validity_duration is negative');
  const requestedMs = Number(request.validityDuration) * 1000;
  const lifetimeMs = requestedMs === 0 ? maxLifetimeMs : Math.min(requestedMs, maxLifetimeMs);

  const spiffeId = buildSpiffeId({ trustDomain: authority.trustDomain, ...identity });
  const publicKey = readCsr(request.csr);
  try {
    const issued = authority.issue({ publicKey, spiffeId, lifetimeMs });
    options.onIssued?.({ spiffeId, serialNumber: issued.serialNumber, notAfter: issued.notAfter });
    return encodeResponse([...issued.chain, authority.trustBundle()]);
  } catch (error) {
    if (isLateenError(error)) throw new IssuingError(status.FAILED_PRECONDITION, `${error.code}: ${error.message}`);
    throw error;
  }
}

async function authenticate(metadata: Metadata, tokens: TokenVerifier): Promise<ServiceAccountIdentity> {
  const headers = metadata.get('authorization');
  const token = headers.length === 1 ? /^Bearer ([^\s]+)$/i.exec(String(headers[0]))?.[1] : undefined;
  if (token === undefined)
    throw new IssuingError(status.UNAUTHENTICATED, 'a bearer token in "authorization" is needed');
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (error instanceof TokenError) throw new IssuingError(status.UNAUTHENTICATED, error.message);
    throw error;
  }
}

function decode(bytes: Uint8Array): IstioCertificateRequest {
  try {
    return decodeRequest(bytes);
  } catch {
    throw new IssuingError(status.INVALID_ARGUMENT, 'the request is not an IstioCertificateRequest');
  }
}

function readCsr(pem: string): ReturnType<typeof readSigningRequest> {
  try {
    return readSigningRequest(pem);
  } catch (error) {
    if (error instanceof SigningRequestError) throw new IssuingError(status.INVALID_ARGUMENT, error.message);
    throw error;
  }
}
