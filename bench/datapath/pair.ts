/** Two sidecars, one beside the client and one beside the upstream. */
export interface Pair {
  /** Where the client's application calls. */
  readonly clientPort: number;
  readonly clientPid: number;
  readonly serverPid: number;
  /** Handshakes of mutual TLS that the server's sidecar has made. */
  handshakes(): Promise<number>;
}
