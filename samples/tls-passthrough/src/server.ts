import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { argv, env } from 'node:process';

/** A web service that speaks TLS by itself, with the certificate that `samples/certificates/make.sh` has made. */
const [name = ''] = argv.slice(2);

const server = createServer(
  { cert: readFileSync(`certs/${name}.crt`), key: readFileSync(`certs/${name}.key`) },
  (request, response) => response.end(`${name} answers ${request.headers.host}\n`),
);
server.listen(Number(env.PORT ?? '8443'), env.HOST ?? '127.0.0.1');
process.once('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
});
