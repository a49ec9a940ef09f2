import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
/**
 * How often in a row nothing may be under way. More than once: the workers of the callers' Envoys hear of a withdrawn
 * endpoint a moment after its acknowledgement, so a last request may still be on its way.
 */
const QUIET_POLLS = 3;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Waits until an Envoy has no HTTP request under way, or `timeoutMs` have passed. Never rejects. */
export async function awaitIdle(admin: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let quiet = 0; quiet < QUIET_POLLS && performance.now() < deadline; ) {
    let active: number;
    try {
      active = activeRequests(await readGauges(admin));
    } catch {
      // An Envoy that does not answer has no requests that could be waited for.
      return;
    }
    quiet = active === 0 ? quiet + 1 : 0;
    await delay(POLL_MS);
  }
}

/** The sum over all listeners but the one of the admin server, which is busy with this question. */
export function activeRequests(stats: string): number {
  let sum = 0;
  for (const line of stats.split('\n')) {
    const [, prefix, count] = /^http\.(.*)\.downstream_rq_active: (\d+)$/.exec(line.trim()) ?? [];
    if (prefix !== undefined && prefix !== 'admin') sum += Number(count);
  }
  return sum;
}

function readGauges(admin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = new URL('/stats?filter=downstream_rq_active$', admin);
    const outgoing = request(url, { agent: false, signal: AbortSignal.timeout(1000) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (body.length < MAX_ANSWER_BYTES) body += text;
      });
      response.once('end', () => resolve(body));
      response.once('error', reject);
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}
