import { LateenError, messageOf } from '@lateen/api/lateen-error.ts';
import type { SupervisorEvent } from '#local/events.ts';

/** What the process that `--detach` starts tells the command which waits for it, over Node's IPC channel. */
export type DetachedMessage =
  | { readonly type: 'event'; readonly event: SupervisorEvent }
  /** It gives up. */
  | { readonly type: 'failed'; readonly error: PortableError };

interface PortableError {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** The channel carries JSON, which knows no errors: they travel by their parts. */
export function toWire(message: DetachedMessage): unknown {
  return JSON.parse(
    JSON.stringify(message, (_, value) => (value instanceof LateenError ? { lateenError: toPortable(value) } : value)),
  );
}

export function fromWire(message: unknown): DetachedMessage {
  return JSON.parse(JSON.stringify(message), (_, value) =>
    typeof value?.lateenError?.code === 'string' ? fromPortable(value.lateenError) : value,
  );
}

export function toPortable(error: unknown): PortableError {
  if (error instanceof LateenError) return { code: error.code, message: error.message, remedy: error.remedy };
  return { code: 'LAT0500', message: messageOf(error), remedy: '' };
}

export function fromPortable({ code, message, remedy }: PortableError): LateenError {
  return new LateenError(code, message, remedy);
}
