import { createServer } from 'node:net';

/** Sends back each line that it gets, with its version in front. */
const { PORT = '9000', VERSION = 'v1' } = process.env;

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) socket.write(`${VERSION}: ${line}\n`);
  });
  socket.on('end', () => socket.end());
  // The client went away.
  socket.on('error', () => socket.destroy());
});
server.listen(Number(PORT), process.env.HOST ?? '127.0.0.1');
process.once('SIGTERM', () => server.close(() => process.exit(0)));
