import { existsSync } from 'node:fs';

/** Where systems keep the certificate authorities that they trust, in one file. As in Go's crypto/x509. */
const FILES = [
  // Debian, Ubuntu, Arch Linux
  '/etc/ssl/certs/ca-certificates.crt',
  // Fedora, RHEL
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  // OpenSUSE
  '/etc/ssl/ca-bundle.pem',
  // Alpine Linux, macOS, FreeBSD
  '/etc/ssl/cert.pem',
];

/** The file of this system, or that `SSL_CERT_FILE` names (as OpenSSL and Go have it); undefined if none is known. */
export function systemRoots(): string | undefined {
  return process.env.SSL_CERT_FILE ?? FILES.find((file) => existsSync(file));
}
