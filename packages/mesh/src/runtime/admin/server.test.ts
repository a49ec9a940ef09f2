import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, createServer } from 'node:net';
import type { ApplyRequest, DeleteRequest } from '@lateen/api/admin.ts';
import { DiagnosticError, diagnostic } from '@lateen/api/diagnostic.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import type { ProxyScope } from '@lateen/api/proxy-scope.ts';
import { afterEach, expect, test } from 'vitest';
import { bookinfoStatus } from '#cli/fixtures/bookinfo-status.ts';
import { objectNotFound } from './admin-error.ts';
import type { AdminHandlers } from './handlers.ts';
import { type AdminServer, startAdminServer, startReadOnlyAdmin } from './server.ts';

const NOBODY = { at: '', listener: null, chain: null, handling: { type: 'closed', reason: '' }, unknowns: [] } as const;

const token = 'a-token-that-nobody-guesses';
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Received {
  readonly applied: ApplyRequest[];
  readonly removed: DeleteRequest[];
  readonly faults: unknown[];
}

const REVIEWS_SCOPE: ProxyScope = {
  name: 'reviews-v1-0.default',
  workload: 'reviews-v1',
  namespace: 'default',
  scoping: 'on-demand',
  services: [],
  unknown: [],
};

interface Started extends AdminServer, Received {
  readonly handlers: AdminHandlers;
}

async function start(changes: Partial<AdminHandlers> = {}, port = 0): Promise<Started> {
  const received: Received = { applied: [], removed: [], faults: [] };
  const handlers: AdminHandlers = {
    status: bookinfoStatus,
    objects: (query) => [
      {
        object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, query },
        origin: { file: 'x.yaml', line: 1, applied: false },
      },
    ],
    apply: async (apply) => {
      received.applied.push(apply);
      return { objects: [{ kind: 'Service', namespace: 'default', name: 'x', result: 'created' }], diagnostics: [] };
    },
    remove: async (remove) => {
      received.removed.push(remove);
      return { objects: [], diagnostics: [] };
    },
    diagnostics: () => bookinfoStatus().diagnostics,
    analysis: () => ({ diagnostics: bookinfoStatus().diagnostics, objects: 7 }),
    explain: async () => ({ start: { proxy: 'a-0.default', verdict: NOBODY, next: [] }, outcomes: [], unknowns: [] }),
    metrics: () => '# HELP pilot_xds Proxies that are connected.\n',
    wait: async ({ objects }) => ({ objects }),
    proxies: () => [{ name: 'reviews-v1-0.default', role: 'sidecar', connected: true, synced: true }],
    proxyScope: async (name) => (name === REVIEWS_SCOPE.name ? REVIEWS_SCOPE : undefined),
    proxyConfig: async (name) => (name === 'reviews-v1-0.default' ? { clusters: [] } : undefined),
    ...changes,
  };
  const server = await startAdminServer({ port, token, handlers, onFault: (error) => received.faults.push(error) });
  cleanUps.push(() => server.close());
  return { ...server, ...received, handlers };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes.
  readonly body: any;
}

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly host?: string;
}

function call(
  server: Pick<AdminServer, 'port'>,
  path: string,
  { method = 'GET', headers = {}, body, host }: Call = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const options = { host: host ?? '127.0.0.1', port: server.port, path, method, headers, agent: false } as const;
    const outgoing = request(options, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => {
        const isJson = incoming.headers['content-type']?.startsWith('application/json') === true;
        const { headers, statusCode = 0 } = incoming;
        resolve({ status: statusCode, headers, text, body: isJson ? JSON.parse(text) : undefined });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const authorized = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
const applyBody = JSON.stringify({ manifest: 'kind: Service', file: 'a.yaml', mode: 'apply' } satisfies ApplyRequest);

test('answers by every loopback name, on IPv4 and IPv6', async () => {
  const server = await start();
  expect(server.url).toBe(`http://localhost:${server.port}`);
  for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:1']) {
    expect((await call(server, '/api/v1/status', { headers: { Host: host } })).status).toBe(200);
  }
  expect((await call(server, '/healthz', { host: '::1' })).body).toEqual({ ok: true });
  expect((await fetch(`${server.url}/api/v1/status`)).status).toBe(200);
});

test('reads: status, objects, diagnostics, proxies', async () => {
  const server = await start();
  expect((await call(server, '/api/v1/status')).body).toEqual(bookinfoStatus());
  const objects = await call(server, '/api/v1/objects?kind=ConfigMap&namespace=-');
  expect(objects.body.objects[0].object.query).toEqual({ kind: 'ConfigMap', namespace: '' });
  expect((await call(server, '/api/v1/objects?kin=ConfigMap')).body.code).toBe('LAT0547');
  expect((await call(server, '/api/v1/diagnostics')).body.diagnostics).toHaveLength(1);
  expect((await call(server, '/api/v1/analysis')).body).toMatchObject({ diagnostics: [{}], objects: 7 });
  expect((await call(server, '/api/v1/proxies')).body.proxies[0].name).toBe('reviews-v1-0.default');
  expect((await call(server, '/api/v1/proxies/reviews-v1-0.default/config')).body).toEqual({ clusters: [] });
  expect((await call(server, '/api/v1/proxies/reviews-v1-0.default/scope')).body).toEqual(REVIEWS_SCOPE);
  expect(await call(server, '/api/v1/proxies/nobody/scope')).toMatchObject({ status: 404, body: { code: 'LAT0544' } });
  const unknown = await call(server, '/api/v1/proxies/nobody/config');
  expect([unknown.status, unknown.body.code]).toEqual([404, 'LAT0544']);
});

test('readiness is that of the mesh, and names what is missing', async () => {
  const waiting = await call(await start(), '/readyz');
  expect([waiting.status, waiting.body.message]).toEqual([503, 'Not ready yet: reviews-v2-0.']);
  const server = await start({ status: () => ({ ...bookinfoStatus(), ready: true }) });
  expect((await call(server, '/readyz')).status).toBe(200);
});

test('an unchanged status costs no body', async () => {
  const server = await start();
  const first = await call(server, '/api/v1/status');
  const again = await call(server, '/api/v1/status', { headers: { 'If-None-Match': String(first.headers.etag) } });
  expect([again.status, again.text]).toEqual([304, '']);
});

test('applies and deletes with the token', async () => {
  const server = await start();
  const applied = await call(server, '/api/v1/objects', { method: 'POST', headers: authorized, body: applyBody });
  expect([applied.status, applied.body.objects[0].result]).toEqual([200, 'created']);
  expect(server.applied).toEqual([{ manifest: 'kind: Service', file: 'a.yaml', mode: 'apply' }]);

  await call(server, '/api/v1/objects/Service/default/a%20b', { method: 'DELETE', headers: authorized });
  await call(server, '/api/v1/objects/Namespace/-/x', { method: 'DELETE', headers: authorized });
  const objects = [{ kind: 'Service', namespace: 'default', name: 'y' }];
  const many = JSON.stringify({ objects, ignoreNotFound: true });
  await call(server, '/api/v1/objects/delete', { method: 'POST', headers: authorized, body: many });
  expect(server.removed).toEqual([
    { objects: [{ kind: 'Service', namespace: 'default', name: 'a b' }] },
    { objects: [{ kind: 'Namespace', namespace: '', name: 'x' }] },
    { objects, ignoreNotFound: true },
  ]);
});

test.each([
  ['no token', {}],
  ['another token', { Authorization: 'Bearer wrong' }],
  ['a prefix of the token', { Authorization: `Bearer ${token.slice(0, -1)}` }],
  ['another scheme', { Authorization: `Basic ${token}` }],
])('refuses changes with %s', async (_, headers) => {
  const server = await start();
  for (const [method, path] of [
    ['POST', '/api/v1/objects'],
    ['POST', '/api/v1/objects/delete'],
    ['DELETE', '/api/v1/objects/Service/default/x'],
    ['PUT', '/anything'],
  ] as const) {
    const answer = await call(server, path, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(method === 'DELETE' ? {} : { body: applyBody }),
    });
    expect([answer.status, answer.body.code, answer.headers['www-authenticate']]).toEqual([401, 'LAT0543', 'Bearer']);
    expect(answer.text).not.toContain(token.slice(0, -1));
  }
  expect([server.applied, server.removed]).toEqual([[], []]);
});

test.each([
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.nip.io:80',
  'localhost@evil.example',
  '10.0.0.1',
  '[::2]',
])('refuses the Host %s', async (host) => {
  const server = await start();
  const answer = await call(server, '/api/v1/status', { headers: { Host: host } });
  expect([400, 421]).toContain(answer.status);
  expect(['LAT0541', 'LAT0551']).toContain(answer.body.code);
});

test('refuses the Origin of another site, even with the token', async () => {
  const server = await start();
  const here = `localhost:${server.port}`;
  const from = (origin: string) =>
    call(server, '/api/v1/objects', {
      method: 'POST',
      headers: { ...authorized, Host: here, Origin: origin },
      body: applyBody,
    });
  for (const origin of ['https://evil.example', 'null', 'http://localhost:1', `https://${here}`]) {
    const answer = await from(origin);
    expect([answer.status, answer.body.code]).toEqual([403, 'LAT0542']);
  }
  expect(server.applied).toEqual([]);
  expect((await from(`http://${here}`)).status).toBe(200);
});

test('bounds the body, with and without Content-Length', async () => {
  const server = await start();
  const body = Buffer.alloc(8 * 1024 * 1024 + 1, 0x20);
  for (const headers of [{}, { 'Transfer-Encoding': 'chunked' }]) {
    const answer = await call(server, '/api/v1/objects', {
      method: 'POST',
      headers: { ...authorized, ...headers },
      body,
    });
    expect([answer.status, answer.body.code]).toEqual([413, 'LAT0546']);
  }
  expect(server.applied).toEqual([]);
});

test.each([
  ['{', 'The body is not valid JSON.'],
  ['[]', 'The body must be an object.'],
  ['{"manifest": "x", "file": "y"}', 'mode must be "apply" or "create".'],
  ['{"manifest": 1, "file": "y", "mode": "apply"}', 'manifest must be a string.'],
  ['{"manifest": "", "file": "y", "mode": "apply", "force": true}', 'The body has the unknown field "force".'],
  ['{"manifest": "", "file": "y", "mode": "apply", "more": [{}]}', 'more[0].manifest must be a string.'],
])('refuses the apply request %s', async (body, message) => {
  const server = await start();
  const answer = await call(server, '/api/v1/objects', { method: 'POST', headers: authorized, body });
  expect([answer.status, answer.body.code, answer.body.message]).toEqual([400, 'LAT0547', message]);
});

const explainBody = JSON.stringify({ from: 'web', method: 'GET', url: 'http://shop/', headers: [['a', 'b']] });

test('explains requests with the token, and says what is wrong with them', async () => {
  const asked: unknown[] = [];
  const server = await start({
    explain: async (request) => {
      asked.push(request);
      if (request.from === 'wob') throw new LateenError('LAT0534', 'There is no workload "wob".', 'Take another.');
      return { start: { proxy: 'web-0.default', verdict: NOBODY, next: [] }, outcomes: [], unknowns: [] };
    },
  });
  const post = (body: string, headers: Record<string, string> = authorized) =>
    call(server, '/api/v1/explain', { method: 'POST', headers, body });
  expect((await post(explainBody)).body.start.proxy).toBe('web-0.default');
  expect(asked).toEqual([JSON.parse(explainBody)]);
  expect((await post(explainBody, { 'Content-Type': 'application/json' })).status).toBe(401);
  const unknown = await post(explainBody.replace('web', 'wob'));
  expect([unknown.status, unknown.body.code, unknown.body.remedy]).toEqual([400, 'LAT0534', 'Take another.']);
  for (const wrong of ['"b", "c"', '', '1, 2', `"${'x'.repeat(70_000)}"`]) {
    const refused = await post(explainBody.replace('"b"', wrong).replace('"a",]', '"a"]'));
    expect([refused.status, refused.body.code], wrong.slice(0, 9)).toEqual([400, 'LAT0547']);
  }
});

test('other content types, paths and methods get an error as JSON', async () => {
  const server = await start();
  const form = { ...authorized, 'Content-Type': 'text/plain' };
  expect((await call(server, '/api/v1/objects', { method: 'POST', headers: form, body: applyBody })).status).toBe(415);
  const missing = await call(server, '/api/v2/status');
  expect([missing.status, missing.body.code]).toEqual([404, 'LAT0544']);
  const wrong = await call(server, '/api/v1/objects', { method: 'PUT', headers: authorized });
  expect([wrong.status, wrong.body.code, wrong.headers.allow]).toEqual([405, 'LAT0545', 'GET, POST']);
  expect((await call(server, '/api/v1/status', { method: 'OPTIONS' })).headers['access-control-allow-origin']).toBe(
    undefined,
  );
});

test('where there is only something to look at, nothing can be changed, with whatever token', async () => {
  const { handlers, applied } = await start();
  const onFault = () => {};
  const { address, close } = await startReadOnlyAdmin({ address: '127.0.0.1:0', handlers, onFault });
  cleanUps.push(close);
  const admin = { port: Number(address.slice('127.0.0.1:'.length)) };
  expect((await call(admin, '/api/v1/status')).body).toEqual(bookinfoStatus());
  expect((await call(admin, '/api/v1/status', { headers: { Host: 'evil.test' } })).status).toBe(421);
  const change = { method: 'POST', headers: authorized, body: applyBody };
  const refused = await call(admin, '/api/v1/objects', change);
  expect([refused.status, refused.headers.allow, applied]).toEqual([405, 'GET', []]);
  expect((await call(admin, '/api/v1/objects/delete', change)).status).toBe(404);
  for (const taken of [address, '0.0.0.0:0', 'example.com:1', '127.0.0.1']) {
    await expect(startReadOnlyAdmin({ address: taken, handlers, onFault })).rejects.toMatchObject({ code: 'LAT0761' });
  }
});

test('what handlers throw', async () => {
  const refused = new DiagnosticError([diagnostic('LAT0110', 'unknown field', { file: 'a.yaml', line: 3 })]);
  const server = await start({
    apply: async () => {
      throw refused;
    },
    remove: async ({ objects }) => {
      throw objectNotFound(objects[0] as never);
    },
    diagnostics: () => {
      throw new Error('a secret of the inside');
    },
  });
  const invalid = await call(server, '/api/v1/objects', { method: 'POST', headers: authorized, body: applyBody });
  expect([invalid.status, invalid.body.code]).toEqual([422, 'LAT0550']);
  expect(invalid.body.diagnostics).toEqual(refused.diagnostics);
  const gone = await call(server, '/api/v1/objects/Service/default/x', { method: 'DELETE', headers: authorized });
  expect([gone.status, gone.body.message]).toEqual([404, 'Service "x" not found in namespace "default".']);
  expect(server.faults).toEqual([]);
  const fault = await call(server, '/api/v1/diagnostics');
  expect([fault.status, fault.body.code]).toEqual([500, 'LAT0548']);
  expect(fault.text).not.toContain('secret');
  expect(server.faults).toHaveLength(1);
});

test('the status page shows the mesh, escapes everything and lets nothing else run', async () => {
  const evil = '<img src=x onerror=alert(1)>"\'&';
  const status = bookinfoStatus();
  const [first] = status.workloads;
  if (first === undefined) throw new Error('the fixture has workloads');
  const server = await start({
    status: () => ({
      ...status,
      mesh: evil,
      workloads: [...status.workloads, { ...first, name: evil, message: evil, envoyAdmin: 'javascript:alert(1)' }],
      diagnostics: [{ ...diagnostic('LAT0110', evil), file: evil }],
    }),
  });
  const page = await call(server, '/');
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.text).not.toContain('<img');
  expect(page.text).not.toContain('javascript:');
  expect(page.text).not.toContain('[object');
  for (const shown of ['reviews-v1-0', 'href="http://localhost:8080"', 'sa/bookinfo-reviews', 'back-off', 'LAT0110']) {
    expect(page.text).toContain(shown);
  }
  const policy = String(page.headers['content-security-policy']);
  const nonce = policy.match(/script-src 'nonce-([^']+)'/)?.[1];
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(page.text.match(/<(script|style)(?! nonce="[^"]+">)/g)).toBe(null);
  expect(page.text).toContain(`<script nonce="${nonce}">`);
  expect((await call(server, '/')).headers['content-security-policy']).not.toBe(policy);
});

test('security headers are on every answer', async () => {
  const server = await start();
  for (const path of ['/', '/api/v1/status', '/nothing']) {
    const { headers } = await call(server, path);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  }
});

test('malformed requests get a short JSON answer', async () => {
  const server = await start();
  const send = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer)).on('error', reject);
    });
  expect(await send('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*LAT0551/s);
  expect(await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
  expect(await send('GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d .*LAT05/s);
  expect(await send('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d .*LAT05/s);
});

test.each(['127.0.0.1', '::1'])('a port that is taken on %s is passed over', async (host) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, host, resolve));
  cleanUps.push(() => new Promise((resolve) => other.close(() => resolve())));
  const { port } = other.address() as { port: number };
  const server = await start({}, port);
  expect(server.port).toBeGreaterThan(port);
  expect((await call(server, '/healthz')).status).toBe(200);
});

test('a client that opens connections without end gets no more of them, until it closes some', async () => {
  const server = await start();
  const open = await Promise.all(
    Array.from({ length: 256 }, async () => {
      const socket = connect(server.port, '127.0.0.1');
      cleanUps.push(async () => {
        socket.destroy();
      });
      await once(socket, 'connect');
      return socket;
    }),
  );
  await expect(call(server, '/healthz')).rejects.toThrow(/socket hang up|ECONNRESET/);
  open[0]?.destroy();
  await expect.poll(() => call(server, '/healthz').catch(() => 'refused')).toMatchObject({ status: 200 });
});

test('close frees the port at once, whoever holds a connection open', async () => {
  const server = await start();
  const idle = connect(server.port, '127.0.0.1');
  await new Promise<void>((resolve) => idle.once('connect', resolve));
  const closed = new Promise<void>((resolve) => idle.once('close', resolve).on('error', () => {}));
  await server.close();
  await closed;
  await expect(call(server, '/healthz')).rejects.toThrow('ECONNREFUSED');
});
