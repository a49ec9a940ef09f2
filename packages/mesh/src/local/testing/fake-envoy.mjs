/**
 * `node fake-envoy.mjs DIR -c BOOTSTRAP ...`: stands in for Envoy in tests of what runs it. Knows no xDS; its admin
 * server answers as `DIR/behaviour.json` says at that moment. Writes what happens to it to `DIR/seen`, a line each.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [dir, , bootstrapFile] = process.argv.slice(2);
const behaviour = () => JSON.parse(readFileSync(`${dir}/behaviour.json`, 'utf8'));
const note = (what, more = {}) =>
  appendFileSync(`${dir}/seen`, `${JSON.stringify({ at: Date.now(), pid: process.pid, what, ...more })}\n`);

const { dies, refuses } = behaviour();
if (process.argv.includes('validate')) {
  if (refuses === undefined || !readFileSync(bootstrapFile, 'utf8').includes(refuses)) process.exit(0);
  console.error(`[2026-11-23 14:11:00.858][1][critical][main] [source/server.cc:76] cannot have ${refuses}`);
  process.exit(1);
}
note('start', { args: process.argv.slice(5), color: process.env.COLOR });
if (dies !== undefined) {
  console.error(dies);
  process.exit(1);
}
const server = createServer((request, response) => {
  note(request.url);
  const { ready, activeRequests } = behaviour();
  if (request.url === '/ready') {
    response.writeHead(ready ? 200 : 503).end(ready ? 'LIVE\n' : 'PRE_INITIALIZING\n');
  } else if (request.url.startsWith('/stats')) {
    response.end(`http.inbound.downstream_rq_active: ${activeRequests}\n`);
  } else {
    response.end();
  }
});
const { port_value: port } = JSON.parse(readFileSync(bootstrapFile, 'utf8')).admin.address.socket_address;
server.listen(port, '127.0.0.1', () => note('listening'));
process.on('SIGTERM', () => {
  note('SIGTERM');
  process.exit(0);
});
