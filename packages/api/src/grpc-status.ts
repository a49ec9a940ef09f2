/** Names of gRPC's status codes, each at the place of its number (https://grpc.io/docs/guides/status-codes/). */
export const GRPC_STATUSES: readonly string[] = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

/** The number of a status that is written as a name or as its number. */
export function grpcStatusNumber(status: string): number | undefined {
  const byName = GRPC_STATUSES.indexOf(status);
  if (byName >= 0) return byName;
  return /^\d{1,2}$/.test(status) && Number(status) < GRPC_STATUSES.length ? Number(status) : undefined;
}
