/** A small application for tests: says who it is, and finishes the requests under way when it is asked to end. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const delayMs = Number(new URL(request.url ?? '/', 'http://hello').searchParams.get('delay') ?? 0);
  setTimeout(() => {
    response.setHeader('connection', 'close');
    response.end(`${process.env.HOSTNAME} ${process.env.GREETING ?? ''}`);
  }, delayMs);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`listens on ${process.env.PORT}`));
process.on('SIGTERM', () => {
  console.log(`SIGTERM at ${Date.now()}`);
  server.close(() => process.exit(0));
});
