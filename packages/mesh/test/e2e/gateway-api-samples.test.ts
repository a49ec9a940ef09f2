import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, eventually, fetchText, reviewsVersion, Sandbox } from './mesh.ts';

/** Which versions of reviews answer while a route of the sample is in force, for jason and for others. */
const SHARES: Readonly<Record<string, { readonly others: string; readonly jason?: string }>> = {
  'all-v1.yaml': { others: 'v1' },
  'reviews-50-v3.yaml': { others: 'v1 v3' },
  'reviews-80-20.yaml': { others: 'v1 v2' },
  'reviews-90-10.yaml': { others: 'v1 v2' },
  'reviews-jason-v2-v3.yaml': { others: 'v3', jason: 'v2' },
  'reviews-mirror-v3.yaml': { others: 'v1' },
  'reviews-timeout.yaml': { others: 'v2' },
  'reviews-v2-for-jason.yaml': { others: 'v1', jason: 'v2' },
  'reviews-v2-v3.yaml': { others: 'v2 v3' },
  'reviews-v2.yaml': { others: 'v2' },
  'reviews-v3-for-curl.yaml': { others: 'v1' },
  'reviews-v3.yaml': { others: 'v3' },
};
/** Those whose effect other tests show: here, and the guide. */
const OTHERS = [
  'bookinfo-cors.yaml',
  'bookinfo-paths.yaml',
  'gateway.yaml',
  'https.yaml',
  'ratings-retries.yaml',
  'teams.yaml',
  'versions.yaml',
];

const sandbox = new Sandbox();
let url = '';
let jason = '';

beforeAll(async () => {
  await sandbox.up();
  await apply('gateway.yaml', 'versions.yaml');
  const { hostPort } = await eventually('the gateway is there', async () => {
    const { gateways } = await sandbox.status();
    return gateways.find(({ name, ready }) => name === 'bookinfo-lateen' && ready)?.ports[0];
  });
  url = `http://localhost:${hostPort}`;
  await eventually('it answers', async () => (await fetchText(`${url}/productpage`)).status === 200);
  const { headers } = await fetchText(
    `${url}/login`,
    { 'content-type': 'application/x-www-form-urlencoded' },
    'POST',
    'username=jason',
  );
  jason = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
});
afterAll(() => sandbox.close());

async function apply(...files: string[]): Promise<void> {
  const args = files.flatMap((file) => ['-f', join(sandbox.dir, 'gateway-api/routes', file)]);
  const { code, stderr } = await sandbox.lateen('apply', ...args);
  expect(code, stderr).toBe(0);
}

async function versions(headers: Record<string, string> = {}): Promise<string> {
  const pages: Answer[] = [];
  // By chance, none of 120 requests is one of those that one in ten is: once in 300,000 runs.
  for (let i = 0; i < 120; i++) pages.push(await fetchText(`${url}/productpage`, headers));
  return [...new Set(pages.map(({ body }) => reviewsVersion(body)))].sort().join(' ');
}

it('has a test for each file', () => {
  expect(readdirSync(join(sandbox.dir, 'gateway-api/routes')).sort()).toEqual(
    [...Object.keys(SHARES), ...OTHERS].sort(),
  );
});

it.each(Object.entries(SHARES))('%s', async (file, wanted) => {
  await apply(file);
  await eventually('it is in force', async () => {
    const { body } = await fetchText(`${url}/productpage`);
    return wanted.others.includes(reviewsVersion(body) ?? 'none');
  });
  expect(await versions()).toBe(wanted.others);
  if (wanted.jason !== undefined) expect(await versions({ cookie: jason })).toBe(wanted.jason);
});

it('reviews-v3-for-curl.yaml, for curl', async () => {
  await apply('reviews-v3-for-curl.yaml');
  expect(await versions({ 'user-agent': 'curl/8.5.0' })).toBe('v3');
});

it('bookinfo-cors.yaml', async () => {
  await apply('bookinfo-cors.yaml');
  const origin = 'https://shop.example.com';
  const allowed = await eventually('it is in force', async () => {
    const { headers } = await fetchText(`${url}/api/v1/products`, { origin });
    return headers['access-control-allow-origin'];
  });
  expect(allowed).toBe(origin);
  const preflight = { origin, 'access-control-request-method': 'GET' };
  const { headers } = await fetchText(`${url}/api/v1/products`, preflight, 'OPTIONS');
  expect(headers['access-control-max-age']).toBe('86400');
  const other = await fetchText(`${url}/api/v1/products`, { origin: 'https://other.example.com' });
  expect(other.headers['access-control-allow-origin']).toBeUndefined();
});

it('bookinfo-paths.yaml', async () => {
  await apply('bookinfo-paths.yaml');
  const found = await eventually('it is in force', async () => {
    const answer = await fetchText(`${url}/books/0`);
    return answer.status === 200 && answer;
  });
  expect(found.headers['x-served-by']).toBe('bookinfo');
  expect(found.headers['x-envoy-upstream-service-time']).toBeUndefined();
  const moved = await fetchText(`${url}/shop/0`);
  expect([moved.status, moved.headers.location]).toEqual([308, `${url}/books/0`]);
});

it('teams.yaml', async () => {
  await apply('teams.yaml');
  const call = (path: string, method?: string) => fetchText(`${url}${path}`, { host: 'shop.example.com' }, method);
  const reviews = await eventually('it is in force', async () => {
    const answer = await call('/reviews/0');
    return answer.status === 200 && answer;
  });
  expect(reviewsVersion(reviews.body)).toBe('v1');
  expect(reviewsVersion((await call('/reviews/v3/0')).body)).toBe('v3');
  expect((await call('/ratings/0')).status).toBe(200);
  expect((await call('/ratings/0', 'DELETE')).status).toBe(404);
});

it('ratings-retries.yaml', async () => {
  await apply('ratings-retries.yaml');
  const explained = async () =>
    (await sandbox.lateen('explain', 'reviews-v2', 'GET', 'http://ratings:9080/ratings/0')).stdout;
  const retries = await eventually('it is in force', async () => /retries 3 .*/.exec(await explained())?.[0]);
  expect(retries).toMatch(/503, 200 ms each$/);
});
