// productpage: the page that people see, and a small JSON API over the other services.

import type { OutgoingHttpHeaders } from 'node:http';
import { errorPage, favicon, indexPage, productPage, type Section } from './page.ts';
import { type Call, HttpError, json, numberFromEnv, productId, type Reply, startService } from './service.ts';
import { parseUserName, signedInUser, signInCookie, signOutCookie } from './session.ts';
import { type Answer, getJson, isRecord, propagatedHeaders, upstreamUrl } from './upstream.ts';

const version = process.env.SERVICE_VERSION || 'v1';
const podName = process.env.POD_NAME || process.env.HOSTNAME || `productpage-${version}`;
const callTimeoutMs = numberFromEnv('CALL_TIMEOUT_MS', 3_000, 1, 600_000);
// Reviews are what the page is about, so they get a second chance.
const reviewsAttempts = 2;

const urls = {
  details: upstreamUrl('DETAILS_URL', 'details'),
  reviews: upstreamUrl('REVIEWS_URL', 'reviews'),
  ratings: upstreamUrl('RATINGS_URL', 'ratings'),
};

const products = [
  {
    id: 0,
    title: 'The Comedy of Errors',
    description:
      'Two pairs of identical twins, parted as babies by a shipwreck, turn up in the same town on the same day. ' +
      'Servants answer to the wrong master, a wife dines with the wrong husband, and nobody gets the gold chain ' +
      "that he paid for. It is one of Shakespeare's first plays, his shortest, and the one closest to pure farce.",
  },
] as const;

startService({
  name: 'productpage',
  version,
  errorPage: (status, message) => html(status, errorPage(status, message)),
  routes: [
    { method: 'GET', path: '/', handle: (call) => html(200, indexPage(user(call))) },
    { method: 'GET', path: '/productpage', handle: showProduct },
    { method: 'POST', path: '/login', handle: signIn },
    { method: 'GET', path: '/logout', handle: () => redirect(signOutCookie()) },
    { method: 'GET', path: '/static/favicon.svg', handle: icon },
    { method: 'GET', path: '/api/v1/products', handle: () => json(200, products) },
    { method: 'GET', path: '/api/v1/products/:id', handle: (call) => api(call, 'details', 1) },
    { method: 'GET', path: '/api/v1/products/:id/reviews', handle: (call) => api(call, 'reviews', reviewsAttempts) },
    { method: 'GET', path: '/api/v1/products/:id/ratings', handle: (call) => api(call, 'ratings', 1) },
  ],
});

async function showProduct(call: Call): Promise<Reply> {
  const product = products[0];
  const [details, reviews] = await Promise.all([
    fetchSection(call, 'details', product.id, 1),
    fetchSection(call, 'reviews', product.id, reviewsAttempts),
  ]);
  return html(200, productPage({ product, details, reviews, user: user(call), podName }));
}

async function api(call: Call, service: keyof typeof urls, attempts: number): Promise<Reply> {
  const id = productId(call);
  if (!products.some((product) => product.id === id)) {
    throw new HttpError(404, `There is no product ${id}; /api/v1/products lists them.`);
  }
  const section = await fetchSection(call, service, id, attempts);
  return json(section.status, 'error' in section ? { error: section.error } : section.content);
}

/** One part of the page, or the sentence that stands in its place. */
async function fetchSection(call: Call, service: keyof typeof urls, id: number, attempts: number): Promise<Section> {
  const url = `${urls[service]}/${service}/${id}`;
  const headers = outgoingHeaders(call);
  let status = 503;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      const answer: Answer = await getJson(url, headers, callTimeoutMs);
      if (answer.status === 200 && isRecord(answer.body)) return { status: 200, content: answer.body };
      status = answer.status >= 400 ? answer.status : 502;
      console.error(`productpage got status ${answer.status} from ${service} (attempt ${attempt} of ${attempts})`);
    } catch (error) {
      status = 503;
      const reason = error instanceof Error ? error.message : String(error);
      console.error(`productpage cannot read ${service} (attempt ${attempt} of ${attempts}): ${reason}`);
    }
  }
  return { status, error: `Sorry, product ${service} are currently unavailable for this book.` };
}

function outgoingHeaders(call: Call): OutgoingHttpHeaders {
  // Who the user is, only the session says: a browser cannot choose by sending the header itself.
  const { 'end-user': _claimed, ...headers } = propagatedHeaders(call.req.headers);
  const name = user(call);
  // Node writes header text as Latin-1. This puts the name's UTF-8 bytes on the wire, which is what a route's match on
  // `end-user` compares with.
  return name === undefined ? headers : { ...headers, 'end-user': Buffer.from(name, 'utf8').toString('latin1') };
}

function user(call: Call): string | undefined {
  return signedInUser(call.req.headers.cookie);
}

async function signIn(call: Call): Promise<Reply> {
  const form = new URLSearchParams(await call.body());
  return redirect(signInCookie(parseUserName(form.get('username') ?? '')));
}

function redirect(cookie: string): Reply {
  return { status: 303, headers: { location: '/productpage', 'set-cookie': cookie }, body: '' };
}

function icon(): Reply {
  return { status: 200, headers: { 'content-type': 'image/svg+xml', 'cache-control': 'max-age=86400' }, body: favicon };
}

function html(status: number, body: string): Reply {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'",
    'x-content-type-options': 'nosniff',
  };
  return { status, headers, body };
}
