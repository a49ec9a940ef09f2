import { type Server, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData, status } from '@grpc/grpc-js';
import { rawUnaryMethod } from '#sockets/raw-method.ts';
import { createCertificate, IssuingError, type IssuingOptions } from './create-certificate.ts';

/** Messages stay bytes here: a request that cannot be decoded is the requester's error, not an internal one. */
const service = {
  CreateCertificate: rawUnaryMethod('/istio.v1.auth.IstioCertificateService/CreateCertificate'),
} satisfies ServiceDefinition;

/** Requests in work at a time; more are turned away. */
const maxConcurrent = 100;

export interface ServiceOptions extends IssuingOptions {
  /** Gets errors that are our own fault. */
  readonly onError?: (error: unknown) => void;
}

/** Adds the certificate service to a gRPC server. */
export function addIssuingService(server: Server, options: ServiceOptions): void {
  let active = 0;
  const handle = async (call: ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> => {
    if (active >= maxConcurrent) throw new IssuingError(status.RESOURCE_EXHAUSTED, 'too many requests at a time');
    active += 1;
    try {
      return await createCertificate(call.request, call.metadata, options);
    } finally {
      active -= 1;
    }
  };
  server.addService(service, {
    CreateCertificate: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      handle(call).then(
        (response) => callback(null, response),
        (error: unknown) => {
          if (error instanceof IssuingError) return callback({ code: error.code, details: error.message });
          options.onError?.(error);
          callback({ code: status.INTERNAL, details: 'the certificate could not be issued' });
        },
      );
    },
  });
}
