import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import type { WorkloadCertificate } from './workload-certificate.ts';

/** The names that Istio's proxies ask for. */
const secretNames = { certificate: 'default', trustBundle: 'ROOTCA', systemRoots: 'file-root:system' } as const;

export interface NamedSecret {
  readonly name: string;
  readonly version: string;
  readonly resource: Any;
}

/**
 * The secrets of one workload as Envoy gets them, in memory only; and which file holds the authorities that the operating
 * system trusts. Empty until the first certificate is there.
 */
export class SecretStore {
  readonly #secrets = new Map<string, NamedSecret>();
  readonly #listeners = new Set<() => void>();

  get(name: string): NamedSecret | undefined {
    return this.#secrets.get(name);
  }

  put(certificate: WorkloadCertificate): void {
    this.#set(secretNames.trustBundle, certificate.bundleVersion, {
      case: 'validationContext',
      value: { trustedCa: inline(certificate.trustBundle) },
    });
    this.#set(secretNames.certificate, certificate.chainVersion, {
      case: 'tlsCertificate',
      value: { certificateChain: inline(certificate.chain), privateKey: inline(certificate.privateKey) },
    });
    for (const listener of this.#listeners) listener();
  }

  putSystemRoots(file: string): void {
    this.#set(secretNames.systemRoots, file, {
      case: 'validationContext',
      value: { trustedCa: { specifier: { case: 'filename', value: file } } },
    });
  }

  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #set(name: string, version: string, type: SecretType): void {
    if (this.#secrets.get(name)?.version === version) return;
    this.#secrets.set(name, { name, version, resource: packAny(SecretSchema, create(SecretSchema, { name, type })) });
  }
}

type SecretType = Exclude<NonNullable<Parameters<typeof create<typeof SecretSchema>>[1]>['type'], undefined>;

function inline(text: string) {
  return { specifier: { case: 'inlineBytes' as const, value: Buffer.from(text) } };
}
