import { Server } from '@grpc/grpc-js';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { spiffeIdOf } from '@lateen/api/spiffe-id.ts';
import { type ListeningSocket, listenOnSocket } from '#sockets/unix-socket.ts';
import { type CertificateRequest, requestCertificate } from './certificate-client.ts';
import { keepCertificateFresh } from './rotation.ts';
import { addSecretService } from './sds-service.ts';
import { SecretStore } from './secret-store.ts';
import { systemRoots } from './system-roots.ts';
import type { WorkloadCertificate } from './workload-certificate.ts';

export interface WorkloadSecretsOptions extends CertificateRequest {
  /** The Unix socket to serve this workload's Envoy on. It must be in a directory that is closed to others. */
  readonly sdsSocket: string;
  /** Called after each change of the status. */
  readonly onStatus?: (status: SecretsStatus) => void;
}

export interface SecretsStatus {
  readonly spiffeId: string;
  /** Of the certificate in use; null before the first. */
  readonly notAfter: Date | null;
  readonly serialNumber: string | null;
  /** Why the last attempt to get a certificate failed, or why Envoy refuses it; null when all is well. */
  readonly lastError: string | null;
}

/** Sent by Envoy with its list of extensions in every first request. */
const maxMessageBytes = 1024 * 1024;

/**
 * The identity of one workload on this host: makes its keys, has them certified by Citadel, renews them in time, and
 * serves them to its Envoy over SDS. Each replica has one, with keys of its own.
 */
export class WorkloadSecrets {
  readonly #options: WorkloadSecretsOptions;
  readonly #store = new SecretStore();
  readonly #server = new Server({ 'grpc.max_receive_message_length': maxMessageBytes });
  readonly #stop = new AbortController();
  #rotation: Promise<void> = Promise.resolve();
  #socket: ListeningSocket | undefined;
  #status: SecretsStatus;

  constructor(options: WorkloadSecretsOptions) {
    this.#options = options;
    this.#status = { spiffeId: spiffeIdOf(options.identity), notAfter: null, serialNumber: null, lastError: null };
  }

  /**
   * Opens the socket; Envoy may connect at once, and is answered when the first certificate is there.
   * @throws LateenError LAT0431, LAT0461
   */
  async start(): Promise<void> {
    const roots = systemRoots();
    if (roots !== undefined) this.#store.putSystemRoots(roots);
    this.#rotation = keepCertificateFresh({
      request: (signal) => requestCertificate(this.#options, signal),
      onCertificate: (certificate) => this.#use(certificate),
      onFailure: (error) => this.#report({ lastError: `No certificate from Citadel: ${messageOf(error)}` }),
      signal: this.#stop.signal,
    });
    addSecretService(this.#server, this.#store, (message) => {
      this.#report({ lastError: `Envoy refuses the certificate: ${message}` });
    });
    try {
      this.#socket = await listenOnSocket(this.#server, this.#options.sdsSocket);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  status(): SecretsStatus {
    return this.#status;
  }

  /** Stops renewing, ends the streams and removes the socket. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#socket?.remove();
    this.#server.forceShutdown();
    await this.#rotation;
  }

  #use(certificate: WorkloadCertificate): void {
    this.#report({ notAfter: certificate.notAfter, serialNumber: certificate.serialNumber, lastError: null });
    this.#store.put(certificate);
  }

  #report(change: Partial<SecretsStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.onStatus?.(this.#status);
  }
}
