import { Agent, request } from 'node:http';

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** What Envoy's admin server answers, which is JSON. Throws when it does not. */
export function askEnvoy(envoyAdmin: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(path, envoyAdmin),
      // An agent of our own: the one that all share goes through HTTP_PROXY when NODE_USE_ENV_PROXY is set.
      { agent: new Agent({ keepAlive: false }), signal: AbortSignal.timeout(TIMEOUT_MS) },
      (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) incoming.destroy(new Error('the answer is too large'));
          else chunks.push(chunk);
        });
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (incoming.statusCode !== 200) {
            reject(new Error(`status ${incoming.statusCode}: ${text.trim().slice(0, 200)}`));
            return;
          }
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            reject(error as Error);
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
