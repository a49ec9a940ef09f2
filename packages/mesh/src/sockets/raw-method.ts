/**
 * gRPC methods whose messages pass as the bytes they are: a service that decodes them itself can tell a message that
 * cannot be decoded from an error of its own, and can encode an answer once for many.
 */

export const passBuffer = (bytes: Buffer): Buffer => bytes;

const asBytes = {
  requestSerialize: passBuffer,
  requestDeserialize: passBuffer,
  responseSerialize: passBuffer,
  responseDeserialize: passBuffer,
};

/** A method with one request and one answer. `path` is `/PACKAGE.SERVICE/METHOD`. */
export function rawUnaryMethod(path: string) {
  return { path, requestStream: false, responseStream: false, ...asBytes } as const;
}

/** A method with streams in both directions. */
export function rawStreamMethod(path: string) {
  return { path, requestStream: true, responseStream: true, ...asBytes } as const;
}
