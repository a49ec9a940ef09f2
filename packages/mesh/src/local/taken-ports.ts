/**
 * The ports that Envoy could not bind, from the message with which it rejects a listener: `cannot bind
 * '127.0.0.1:20001': Address already in use`. Empty for other messages.
 */
export function portsMentioned(rejected: string | undefined): ReadonlySet<number> {
  const ports = new Set<number>();
  if (rejected === undefined || !/address (already )?in use/i.test(rejected)) return ports;
  for (const [, port] of rejected.matchAll(/:(\d{1,5})\b/g)) ports.add(Number(port));
  return ports;
}
