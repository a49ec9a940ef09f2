/**
 * A service that is not in the mesh: exchange rates. Over HTTP, or over HTTPS where CERT and KEY name files; with CA, it
 * asks clients for a certificate of that authority.
 *
 * /slow answers after 3 seconds, and /shaky fails every other time. The answer says what the service was asked for, and
 * through which gateway, if that has said so.
 */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';

const { PORT = '17171', CERT, KEY, CA } = process.env;
const SLOW_MS = 3000;
let shakyCalls = 0;

/** @type {import('node:http').RequestListener} */
const answer = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const scheme = CERT === undefined ? 'http' : 'https';
  const client = request.socket.getPeerCertificate?.().subject?.CN;
  const body = {
    USD: 1.1,
    asked: `${scheme}://${request.headers.host}${pathname}`,
    client,
    through: request.headers['x-through'],
  };
  const fails = pathname === '/shaky' && shakyCalls++ % 2 === 0;
  setTimeout(
    () => {
      response.writeHead(fails ? 503 : 200, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(fails ? { error: 'try again' } : body)}\n`);
    },
    pathname === '/slow' ? SLOW_MS : 0,
  );
};

const read = (/** @type {string | undefined} */ file) => (file === undefined ? undefined : readFileSync(file));
const server =
  CERT === undefined
    ? createHttpServer(answer)
    : createHttpsServer({ cert: read(CERT), key: read(KEY), ca: read(CA), requestCert: CA !== undefined }, answer);
server.listen(Number(PORT), '127.0.0.1');
