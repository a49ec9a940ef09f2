import { type Server, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData, status } from '@grpc/grpc-js';
import { createCertificate, IssuingError, type IssuingOptions } from './create-certificate.ts';

const passBuffer = (bytes: Buffer): Buffer => bytes;

/** Messages stay bytes here: a request that cannot be decoded is the requester's error, not an internal one. */
const service = {
  CreateCertificate: {
    path: '/istio.v1.auth.IstioCertificateService/CreateCertificate',
    requestStream: false,
    responseStream: false,
    requestSerialize: passBuffer,
    requestDeserialize: passBuffer,
    responseSerialize: passBuffer,
    responseDeserialize: passBuffer,
  },
} satisfies ServiceDefinition;

export interface ServiceOptions extends IssuingOptions {
  /** Requests in work at a time; more are turned away. Default 100. */
  readonly maxConcurrent?: number;
  /** Gets errors that are our own fault. */
  readonly onError?: (error: unknown) => void;
}

/** Adds the certificate service to a gRPC server. */
export function addIssuingService(server: Server, options: ServiceOptions): void {
  const { maxConcurrent = 100, onError } = options;
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
          onError?.(error);
          callback({ code: status.INTERNAL, details: 'the certificate could not be issued' });
        },
      );
    },
  });
}
