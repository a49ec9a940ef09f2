// A process of its own: an HTTP/1.1 server that reads no more of a request than where it ends, and answers every one with
// the same 1 KB. So little that what stands in front of it is what is measured.
import { createServer } from 'node:net';

const BODY_BYTES = 1024;
const MAX_REQUEST_BYTES = 64 * 1024;
const REQUEST_END = '\r\n\r\n';

const response = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY_BYTES}\r\n\r\n${'x'.repeat(BODY_BYTES)}`,
  'latin1',
);

const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf(REQUEST_END); end >= 0; end = rest.indexOf(REQUEST_END)) {
      rest = rest.slice(end + REQUEST_END.length);
      socket.write(response);
    }
    if (rest.length > MAX_REQUEST_BYTES) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  process.send?.({ port: (server.address() as { port: number }).port });
});
// Whoever started this is gone.
process.once('disconnect', () => process.exit(0));
