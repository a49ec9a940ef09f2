import { Server } from '@grpc/grpc-js';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { type ListeningSocket, listenOnSocket } from '#sockets/unix-socket.ts';
import { type Authority, openAuthority } from './authority/authority.ts';
import type { IssuedEvent } from './issuing/create-certificate.ts';
import { addIssuingService } from './issuing/service.ts';
import { createTokenVerifier } from './tokens/verifier.ts';

export interface CitadelOptions {
  /** Holds `ca/` and `tokens/`. */
  readonly stateDir: string;
  /** A Unix socket to serve certificates on. Without it, only where {@link Citadel.addTo} is called. */
  readonly socket?: string;
  /** Default `cluster.local`. */
  readonly trustDomain?: string;
  readonly onIssued?: (event: IssuedEvent) => void;
  /** Failures that no caller sees: an internal error of a request, a renewal that did not work. */
  readonly onError?: (error: unknown) => void;
  /** The clock, for tests. */
  readonly now?: () => Date;
}

export interface Citadel {
  readonly authority: Authority;
  /** The roots of the mesh in PEM. */
  trustBundle(): string;
  /** Serves certificates on this gRPC server, too. Before it is bound. */
  addTo(server: Server): void;
  close(): Promise<void>;
}

const renewalCheckMs = 60 * 60 * 1000;
/** A request holds a CSR of a few hundred bytes and some metadata. */
const maxMessageBytes = 64 * 1024;
const maxMetadataBytes = 16 * 1024;

/**
 * Opens (on first use: makes) the CA of a mesh and serves `istio.v1.auth.IstioCertificateService`. The token key must
 * be there: `createTokenIssuer` makes it.
 * @throws LateenError LAT04nn: the CA or the token key is damaged, expired or open to others, or the socket is taken or
 *   cannot be used
 */
export async function startCitadel(options: CitadelOptions): Promise<Citadel> {
  const { stateDir, socket: socketPath, trustDomain = DEFAULT_TRUST_DOMAIN, now = () => new Date(), onError } = options;
  const [authority, tokens] = await Promise.all([
    openAuthority({ stateDir, trustDomain, now }),
    createTokenVerifier(stateDir, { now }),
  ]);
  const addTo = (server: Server): void => addIssuingService(server, { ...options, authority, tokens });

  let server: Server | undefined;
  let socket: ListeningSocket | undefined;
  if (socketPath !== undefined) {
    server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_metadata_size': maxMetadataBytes,
      'grpc.max_concurrent_streams': 100,
    });
    addTo(server);
    socket = await listenOnSocket(server, socketPath);
  }
  const renewal = setInterval(() => {
    authority.renewIfDue().catch((error: unknown) => onError?.(error));
  }, renewalCheckMs).unref();

  return {
    authority,
    trustBundle: () => authority.trustBundle(),
    addTo,
    async close() {
      clearInterval(renewal);
      await socket?.remove();
      if (server) await closeServer(server);
    },
  };
}

const closeGraceMs = 1000;

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), closeGraceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
