import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

interface Running {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: () => string;
}

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const children = new Set<ChildProcess>();
const servers = new Set<Server>();

const startLimitMs = 10_000;
const baseEnv = { PATH: process.env.PATH ?? '', PORT: '0' };

/** Runs one service as a process of its own on a free port, and waits until it says where it listens. */
async function start(name: string, env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [`src/${name}.ts`], {
    cwd: import.meta.dirname,
    env: { ...baseEnv, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let log = '';
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} did not start: ${log}`)), startLimitMs);
    child.on('exit', (code) => reject(new Error(`${name} ended with ${code}: ${log}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        log += chunk;
        const found = /listening on (http:\/\/\S+)\n/.exec(log);
        if (!found?.[1]) return;
        clearTimeout(timer);
        resolve(found[1]);
      });
    }
  });
  return { url, child, log: () => log };
}

/** Runs a service that is expected to refuse to start. */
async function startAndFail(name: string, env: Record<string, string>): Promise<{ code: number; log: string }> {
  const child = spawn(process.execPath, [`src/${name}.ts`], { cwd: import.meta.dirname, env: { ...baseEnv, ...env } });
  children.add(child);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, log };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = await exited;
  return code;
}

/** A peer whose answers the test decides, on a real socket. */
async function peer(
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<{ url: string; port: number }> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  servers.add(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

function reply(res: ServerResponse, value: unknown, status = 200): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function get(url: string, init: RequestInit = {}): Promise<Got> {
  const res = await fetch(url, { redirect: 'manual', ...init });
  return { status: res.status, headers: res.headers, text: await res.text() };
}

async function signIn(base: string, name: string): Promise<string> {
  const body = new URLSearchParams({ username: name, passwd: '' });
  const res = await get(`${base}/login`, { method: 'POST', body });
  expect(res.status).toBe(303);
  return res.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
}

async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Tries again until nothing accepts connections at `url` any more. */
async function refused(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connect(Number(port), hostname);
    const open = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    socket.destroy();
    if (!open) return;
  }
}

async function cleanUp(): Promise<void> {
  await Promise.all([...children].map((child) => stop(child, 'SIGKILL')));
  for (const server of servers) server.close().closeAllConnections();
  servers.clear();
}

describe('the whole application', () => {
  let details: Running;
  let ratings: Running;
  const pages: Record<string, Running> = {};
  const reviews: Record<string, Running> = {};

  beforeAll(async () => {
    [details, ratings] = await Promise.all([start('details'), start('ratings')]);
    await Promise.all(
      ['v1', 'v2', 'v3'].map(async (version) => {
        const env = { SERVICE_VERSION: version, POD_NAME: `reviews-${version}-abc`, RATINGS_URL: ratings.url };
        const service = await start('reviews', env);
        reviews[version] = service;
        pages[version] = await start('productpage', {
          DETAILS_URL: details.url,
          REVIEWS_URL: service.url,
          RATINGS_URL: ratings.url,
        });
      }),
    );
  }, 30_000);
  afterAll(cleanUp);

  const page = (version: string) => pages[version]?.url ?? '';

  test('listens on loopback only unless told otherwise', () => {
    expect(details.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test.each([
    ['v1', '', 0],
    ['v2', 'black', 2],
    ['v3', 'red', 2],
  ])('the page shows reviews %s with %s stars', async (version, color, count) => {
    const { status, text, headers } = await get(`${page(version)}/productpage`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(text).toContain('The Comedy of Errors');
    expect(text).toContain('<dt>Publisher</dt><dd>PublisherA</dd>');
    expect(text).toContain('<cite>Reviewer1</cite>');
    expect(text).toContain(`Reviews served by: <u>reviews-${version}-abc</u>`);
    expect(text.match(/class="stars"/g)?.length ?? 0).toBe(count);
    if (count > 0) {
      expect(text).toContain(`data-color="${color}"`);
      expect(text).toContain('aria-label="5 of 5 stars">★★★★★<');
      expect(text).toContain('aria-label="4 of 5 stars">★★★★<span>☆</span>');
    }
  });

  test('the index leads to the pages of both users', async () => {
    const { status, text } = await get(`${page('v1')}/`);
    expect(status).toBe(200);
    expect(text).toContain('href="/productpage?u=normal"');
    expect(text).toContain('href="/productpage?u=test"');
  });

  test('every service is healthy', async () => {
    for (const service of [details, ratings, reviews.v1, reviews.v2, pages.v1]) {
      const { status, text } = await get(`${service?.url}/health`);
      expect([status, JSON.parse(text).status]).toEqual([200, expect.stringMatching(/^[A-Z][a-z]+ is healthy$/)]);
    }
  });

  test('the JSON API', async () => {
    const read = async (path: string) => JSON.parse((await get(`${page('v3')}/api/v1/products${path}`)).text);
    expect(await read('')).toMatchObject([{ id: 0, title: 'The Comedy of Errors' }]);
    expect(await read('/0')).toMatchObject({ id: 0, author: 'William Shakespeare', 'ISBN-13': '123-1234567890' });
    expect(await read('/0/ratings')).toEqual({ id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } });
    expect(await read('/0/reviews')).toEqual({
      id: 0,
      podname: 'reviews-v3-abc',
      clustername: null,
      reviews: [
        { reviewer: 'Reviewer1', text: expect.any(String), rating: { stars: 5, color: 'red' } },
        { reviewer: 'Reviewer2', text: expect.any(String), rating: { stars: 4, color: 'red' } },
      ],
    });
  });

  test('signing in and out', async () => {
    const cookie = await signIn(page('v1'), 'jason');
    const signedIn = await get(`${page('v1')}/productpage`, { headers: { cookie } });
    expect(signedIn.text).toContain('<span class="user">jason</span>');
    expect(signedIn.text).toContain('href="/logout"');
    const out = await get(`${page('v1')}/logout`, { headers: { cookie } });
    expect([out.status, out.headers.get('location')]).toEqual([303, '/productpage']);
    expect(out.headers.get('set-cookie')).toMatch(/^session=; .*Max-Age=0/);
    expect((await get(`${page('v1')}/productpage`)).text).toContain('action="/login"');
  });

  test('a session that was tampered with does not count, nor does one of another process', async () => {
    const cookie = await signIn(page('v1'), 'jason');
    const [expires, , signature] = cookie.slice('session='.length).split('.');
    const forged = `session=${expires}.${Buffer.from('admin').toString('base64url')}.${signature}`;
    for (const [base, value] of [
      [page('v1'), forged],
      [page('v2'), cookie],
      [page('v1'), `${cookie}.x`],
      [page('v1'), 'session=..'],
    ]) {
      const { text } = await get(`${base}/productpage`, { headers: { cookie: value ?? '' } });
      expect(text).not.toContain('class="user"');
    }
  });

  test('a user name is text, never markup', async () => {
    const cookie = await signIn(page('v1'), '<script>alert("x")</script>');
    const { text } = await get(`${page('v1')}/productpage`, { headers: { cookie } });
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  test('ratings can be set, and only to what makes sense', async () => {
    const post = (path: string, body: string) => get(`${ratings.url}${path}`, { method: 'POST', body });
    const set = await post('/ratings/7', '{"Reviewer1":1,"Reviewer2":3}');
    expect([set.status, JSON.parse(set.text)]).toEqual([200, { id: 7, ratings: { Reviewer1: 1, Reviewer2: 3 } }]);
    const { reviews: seen } = JSON.parse((await get(`${reviews.v2?.url}/reviews/7`)).text);
    expect(seen[1].rating).toEqual({ stars: 3, color: 'black' });
    for (const bad of ['{', '[]', 'null', '{"Reviewer1":6}', '{"Reviewer1":"5"}', '{"Reviewer1":1.5}']) {
      const { status, text } = await post('/ratings/7', bad);
      expect([bad, status]).toEqual([bad, 400]);
      expect(JSON.parse(text).error).toMatch(/for example|from 1 to 5/);
    }
    expect(JSON.parse((await get(`${ratings.url}/ratings/7`)).text).ratings.Reviewer2).toBe(3);
  });

  test('bad input gets a clear 4xx', async () => {
    const big = new URLSearchParams({ username: 'x'.repeat(400_000) });
    const cases: [string, RequestInit, number, string][] = [
      [`${details.url}/nothing`, {}, 404, 'details has nothing at /nothing.'],
      [`${details.url}/details/abc`, {}, 400, 'must be a whole number'],
      [`${reviews.v1?.url}/reviews/-1`, {}, 400, 'must be a whole number'],
      [`${ratings.url}/ratings/99999999999999999999`, {}, 400, 'must be a whole number'],
      [`${details.url}/details/0`, { method: 'POST' }, 405, 'it takes GET, HEAD.'],
      [`${ratings.url}/ratings/0`, { method: 'DELETE' }, 405, 'it takes GET, HEAD, POST.'],
      [`${page('v1')}/api/v1/products/5`, {}, 404, 'There is no product 5'],
      [`${page('v1')}/api/v1/products/x/reviews`, {}, 400, 'must be a whole number'],
      [
        `${page('v1')}/login`,
        { method: 'POST', body: new URLSearchParams({ username: ' ' }) },
        400,
        'Type a user name',
      ],
      [`${page('v1')}/login`, { method: 'POST', body: 'username=a%0d%0ab' }, 400, 'control characters'],
      [`${page('v1')}/login`, { method: 'POST', body: `username=${'x'.repeat(65)}` }, 400, 'at most 64 characters'],
      [`${page('v1')}/login`, { method: 'POST', body: big }, 413, 'larger than 16384 bytes'],
    ];
    for (const [url, init, status, message] of cases) {
      const got = await get(url, init);
      expect([url, got.status, JSON.parse(got.text).error]).toEqual([url, status, expect.stringContaining(message)]);
    }
  });

  test('errors come as a page to a browser', async () => {
    const { status, text } = await get(`${page('v1')}/<b>`, { headers: { accept: 'text/html' } });
    expect(status).toBe(404);
    expect(text).toContain('<h3>Error 404</h3>');
    expect(text).toContain('%3Cb%3E');
  });
});

describe('calls between services', () => {
  afterEach(cleanUp);

  test('trace headers and the user go from productpage through reviews to ratings', async () => {
    const seen: Record<string, IncomingMessage['headers']> = {};
    const details = await peer((req, res) => {
      seen.details = req.headers;
      reply(res, {});
    });
    const ratings = await peer((req, res) => {
      seen.ratings = req.headers;
      reply(res, { ratings: {} });
    });
    const reviews = await start('reviews', { SERVICE_VERSION: 'v2', RATINGS_URL: ratings.url });
    const { url } = await start('productpage', { DETAILS_URL: details.url, REVIEWS_URL: reviews.url });
    const passed = {
      'x-request-id': 'req-1',
      'x-b3-traceid': '463ac35c9f6413ad48485a3953bb6124',
      'x-b3-spanid': 'a2fb4a1d1a96d312',
      'x-b3-parentspanid': '0020000000000001',
      'x-b3-sampled': '1',
      'x-b3-flags': '0',
      b3: '0',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'vendor=value',
      'x-ot-span-context': 'ot',
      'x-datadog-trace-id': '1',
      'x-datadog-parent-id': '2',
      'x-datadog-sampling-priority': '1',
      'grpc-trace-bin': 'AAA',
      sw8: '1-x',
      'x-cloud-trace-context': 'c/1;o=1',
      'user-agent': 'test-browser/1',
      authorization: 'Bearer token',
    };
    const cookie = await signIn(url, 'jäson');
    const { text } = await get(`${url}/productpage`, {
      headers: { ...passed, cookie, 'end-user': 'somebody-else', 'x-secret': 'stays here' },
    });
    expect(text).toContain('<span class="user">jäson</span>');
    for (const name of ['details', 'ratings']) {
      expect(seen[name]).toMatchObject(passed);
      expect(Buffer.from(String(seen[name]?.['end-user']), 'latin1').toString('utf8')).toBe('jäson');
      expect(Object.keys(seen[name] ?? {})).not.toContain('cookie');
      expect(Object.keys(seen[name] ?? {})).not.toContain('x-secret');
    }
    await get(`${url}/productpage`, { headers: { 'end-user': 'jason' } });
    expect(Object.keys(seen.details ?? {})).not.toContain('end-user');
  });

  test('SESSION_KEY makes a session good for another replica', async () => {
    const env = {
      SESSION_KEY: 'a key for the tests',
      DETAILS_URL: await closedPort(),
      REVIEWS_URL: await closedPort(),
    };
    const [one, other] = await Promise.all([start('productpage', env), start('productpage', env)]);
    const cookie = await signIn(one.url, 'jason');
    const { text } = await get(`${other.url}/productpage`, { headers: { cookie } });
    expect(text).toContain('<span class="user">jason</span>');
  });

  test('the page says so when services are down', async () => {
    const down = await closedPort();
    const { url } = await start('productpage', { DETAILS_URL: down, REVIEWS_URL: down, RATINGS_URL: down });
    const { status, text } = await get(`${url}/productpage`);
    expect(status).toBe(200);
    expect(text).toContain('Error fetching product details!');
    expect(text).toContain('Sorry, product details are currently unavailable for this book.');
    expect(text).toContain('Error fetching product reviews!');
    expect(text).toContain('Sorry, product reviews are currently unavailable for this book.');
    expect((await get(`${url}/api/v1/products/0/ratings`)).status).toBe(503);
  });

  test('reviews come without stars, and say why, when ratings is down', async () => {
    const reviews = await start('reviews', { SERVICE_VERSION: 'v3', RATINGS_URL: await closedPort() });
    const { url } = await start('productpage', { DETAILS_URL: reviews.url, REVIEWS_URL: reviews.url });
    const { reviews: list } = JSON.parse((await get(`${reviews.url}/reviews/0`)).text);
    expect(list[0].rating).toEqual({ error: 'Ratings service is currently unavailable' });
    const { text } = await get(`${url}/productpage`);
    expect(text).toContain('<span class="no-rating">Ratings service is currently unavailable</span>');
  });

  test.each([
    ['fails', (res: ServerResponse) => reply(res, { error: 'no' }, 503)],
    ['hangs up', (res: ServerResponse) => res.destroy()],
    ['does not speak JSON', (res: ServerResponse) => res.end('<html>')],
    ['stays silent', () => {}],
  ])('reviews get a second attempt when the first one %s, details do not', async (_, firstAnswer) => {
    let calls = 0;
    const reviews = await peer((_req, res) => {
      calls += 1;
      if (calls === 1) firstAnswer(res);
      else reply(res, { podname: 'second attempt', reviews: [] });
    });
    let detailsCalls = 0;
    const details = await peer((_req, res) => {
      detailsCalls += 1;
      firstAnswer(res);
    });
    const env = { CALL_TIMEOUT_MS: '500', DETAILS_URL: details.url, REVIEWS_URL: reviews.url };
    const { url } = await start('productpage', env);
    const { text } = await get(`${url}/productpage`);
    expect(text).toContain('Reviews served by: <u>second attempt</u>');
    expect(text).toContain('Error fetching product details!');
    expect([calls, detailsCalls]).toEqual([2, 1]);
  });

  test('what other services say is text, never markup', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { url: peerUrl } = await peer((_req, res) =>
      reply(res, {
        author: evil,
        type: evil,
        podname: evil,
        clustername: evil,
        reviews: [{ reviewer: evil, text: evil, rating: { stars: 99, color: '";x:y' } }, 7],
      }),
    );
    const { url } = await start('productpage', { DETAILS_URL: peerUrl, REVIEWS_URL: peerUrl });
    const { text } = await get(`${url}/productpage`);
    expect(text).not.toContain('<img');
    expect(text).toContain('style="color:black"');
    expect(text).toContain('5 of 5 stars');
  });

  test('a refusal in plain text, as a proxy gives it, keeps its status', async () => {
    const { url: peerUrl } = await peer((_req, res) => res.writeHead(403).end('RBAC: access denied'));
    const { url } = await start('productpage', { RATINGS_URL: peerUrl });
    const { status, text } = await get(`${url}/api/v1/products/0/ratings`);
    expect([status, JSON.parse(text).error]).toEqual([403, expect.stringContaining('currently unavailable')]);
  });

  test("calls take the mesh's HTTP proxy in absolute form, on one connection", async () => {
    const urls: string[] = [];
    const sockets = new Set<unknown>();
    const proxy = await peer((req, res) => {
      urls.push(`${req.method} ${req.url} ${req.headers.host}`);
      sockets.add(req.socket);
      reply(res, { id: 0 });
    });
    const env = { HTTP_PROXY: proxy.url, http_proxy: proxy.url, NODE_USE_ENV_PROXY: '1' };
    const { url } = await start('productpage', env);
    for (let turn = 0; turn < 3; turn += 1) await get(`${url}/api/v1/products/0`);
    expect(urls).toEqual(Array(3).fill('GET http://details:9080/details/0 details:9080'));
    expect(sockets.size).toBe(1);
  });

  test('a kept-alive connection that the peer has dropped costs no error', async () => {
    let served = 0;
    const details = await peer((req, res) => {
      served += 1;
      // Every second request on a connection meets a reset instead of an answer.
      if (served === 2) req.socket.resetAndDestroy();
      else reply(res, { id: 0 });
    });
    const { url } = await start('productpage', { DETAILS_URL: details.url });
    for (let turn = 0; turn < 2; turn += 1) expect((await get(`${url}/api/v1/products/0`)).status).toBe(200);
    expect(served).toBe(3);
  });
});

describe('starting and stopping', () => {
  afterEach(cleanUp);

  test('SIGTERM finishes the request in flight, takes no new ones and exits with 0', async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const ratings = await peer((_req, res) => held.resolve(res));
    const { url, child } = await start('reviews', { SERVICE_VERSION: 'v2', RATINGS_URL: ratings.url });
    const inFlight = get(`${url}/reviews/0`);
    const pending = await held.promise;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await refused(url);
    reply(pending, { ratings: { Reviewer1: 2 } });
    const { status, text, headers } = await inFlight;
    expect([status, JSON.parse(text).reviews[0].rating.stars]).toEqual([200, 2]);
    expect(headers.get('connection')).toBe('close');
    expect(await exited).toEqual([0, null]);
  });

  test('idle keep-alive connections do not hold up the stop', async () => {
    const { url, child } = await start('details');
    const agent = new Agent({ keepAlive: true });
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${url}/details/0`, { agent }, resolve).on('error', reject).end();
    });
    res.resume();
    await once(res, 'end');
    const from = performance.now();
    expect(await stop(child)).toBe(0);
    expect(performance.now() - from).toBeLessThan(2_000);
    agent.destroy();
  });

  test('a taken port and bad settings are told clearly', async () => {
    const { url } = await start('details');
    const port = new URL(url).port;
    const taken = await startAndFail('details', { PORT: port });
    expect(taken).toEqual({ code: 1, log: expect.stringContaining(`details cannot listen on port ${port}`) });
    const cases: [string, Record<string, string>, string][] = [
      ['details', { PORT: 'http' }, 'PORT is "http", but it must be a whole number'],
      ['reviews', { RATINGS_URL: 'ratings:9080' }, 'RATINGS_URL is "ratings:9080", but it must be a URL'],
      ['productpage', { SESSION_KEY: 'short' }, 'SESSION_KEY must have at least 16 characters'],
    ];
    for (const [name, env, message] of cases) {
      expect(await startAndFail(name, env)).toEqual({ code: 1, log: expect.stringContaining(message) });
    }
  });
});
