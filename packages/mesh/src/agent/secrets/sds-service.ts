import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Server, type ServerDuplexStream, type ServiceDefinition, status } from '@grpc/grpc-js';
import { typeUrl } from '@lateen/envoy-api/encode';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import { rawStreamMethod } from '#sockets/raw-method.ts';
import { type SdsRequest, SdsStream } from './sds-stream.ts';
import type { NamedSecret, SecretStore } from './secret-store.ts';

const secretType = typeUrl(SecretSchema);

/** One form of the protocol: how its messages are read and written. */
interface SdsForm {
  readonly decode: (bytes: Buffer) => SdsRequest & { readonly typeUrl: string };
  readonly encode: (nonce: string, secrets: readonly NamedSecret[]) => Uint8Array;
}

const stateOfTheWorld: SdsForm = {
  decode(bytes) {
    const message = fromBinary(DiscoveryRequestSchema, bytes);
    return {
      typeUrl: message.typeUrl,
      nonce: message.responseNonce,
      ...(message.errorDetail ? { rejection: message.errorDetail.message } : {}),
      subscribe: message.resourceNames,
      unsubscribe: null,
    };
  },
  encode(nonce, secrets) {
    return toBinary(
      DiscoveryResponseSchema,
      create(DiscoveryResponseSchema, {
        typeUrl: secretType,
        nonce,
        versionInfo: secrets.map((secret) => secret.version).join('.'),
        resources: secrets.map((secret) => secret.resource),
      }),
    );
  },
};

const delta: SdsForm = {
  decode(bytes) {
    const message = fromBinary(DeltaDiscoveryRequestSchema, bytes);
    return {
      typeUrl: message.typeUrl,
      nonce: message.responseNonce,
      ...(message.errorDetail ? { rejection: message.errorDetail.message } : {}),
      subscribe: message.resourceNamesSubscribe,
      unsubscribe: message.resourceNamesUnsubscribe,
      held: message.initialResourceVersions,
    };
  },
  encode(nonce, secrets) {
    return toBinary(
      DeltaDiscoveryResponseSchema,
      create(DeltaDiscoveryResponseSchema, {
        typeUrl: secretType,
        nonce,
        resources: secrets.map(({ name, version, resource }) => ({ name, version, resource })),
      }),
    );
  },
};

const service = {
  StreamSecrets: rawStreamMethod('/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'),
  DeltaSecrets: rawStreamMethod('/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets'),
} satisfies ServiceDefinition;

/** Serves the secrets of one workload (`envoy.service.secret.v3.SecretDiscoveryService`) to its Envoy. */
export function addSecretService(server: Server, store: SecretStore, onRejection: (message: string) => void): void {
  const serve =
    (form: SdsForm) =>
    (call: ServerDuplexStream<Buffer, Buffer>): void => {
      const stream = new SdsStream({
        store,
        onRejection,
        send: (nonce, secrets) => call.write(Buffer.from(form.encode(nonce, secrets))),
      });
      call.on('data', (bytes: Buffer) => {
        const problem = handle(form, stream, bytes);
        if (problem === null) return;
        stream.close();
        call.emit('error', { code: status.INVALID_ARGUMENT, details: problem });
      });
      call.on('end', () => {
        stream.close();
        call.end();
      });
      call.on('close', () => stream.close());
      call.on('cancelled', () => stream.close());
      call.on('error', () => stream.close());
    };
  server.addService(service, { StreamSecrets: serve(stateOfTheWorld), DeltaSecrets: serve(delta) });
}

function handle(form: SdsForm, stream: SdsStream, bytes: Buffer): string | null {
  let request: ReturnType<SdsForm['decode']>;
  try {
    request = form.decode(bytes);
  } catch {
    return 'the request cannot be decoded';
  }
  if (request.typeUrl !== '' && request.typeUrl !== secretType) return `only ${secretType} is served here`;
  stream.handle(request);
  return null;
}
