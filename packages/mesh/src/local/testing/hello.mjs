/**
 * A small application for tests: says who it is, or the value of `?variable=NAME`. When it is asked to end, it finishes
 * the requests under way; with ON_SIGTERM `ignore` it goes on; with a URL there, it calls that one, and exits at once.
 */
import { createServer } from 'node:http';

const { HOSTNAME, GREETING = '', ON_SIGTERM = 'finish', PORT } = process.env;
const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://hello');
  const variable = searchParams.get('variable');
  setTimeout(
    () => {
      response.setHeader('connection', 'close');
      response.end(variable === null ? `${HOSTNAME} ${GREETING}` : (process.env[variable] ?? ''));
    },
    Number(searchParams.get('delay') ?? 0),
  );
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listens on ${PORT}`));
process.on('SIGTERM', async () => {
  console.log(`SIGTERM at ${Date.now()}`);
  if (ON_SIGTERM === 'ignore') return;
  if (ON_SIGTERM === 'finish') {
    server.close(() => process.exit(0));
    return;
  }
  const outcome = await fetch(ON_SIGTERM).then(
    ({ status }) => status,
    (error) => error.message,
  );
  console.log(`last call: ${outcome}`);
  process.exit(0);
});
