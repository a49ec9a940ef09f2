import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, status } from '@grpc/grpc-js';
import { DEFAULT_TRUST_DOMAIN } from '@lateen/api/spiffe-id.ts';
import { SecretSchema } from '@lateen/envoy-api/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { requestCertificate } from './certificate-client.ts';
import { createTestAuthority, type TestAuthority, type TestWorkload } from './testing/certified-workload.ts';
import { acceptCertificate } from './workload-certificate.ts';

const secretType = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

let authority: TestAuthority;
let clients: Client[];

beforeEach(async () => {
  authority = await createTestAuthority();
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.close();
  await authority.close();
});

function openStream(workload: TestWorkload, method: string): ClientDuplexStream<Buffer, Buffer> {
  const client = new Client(`unix:${workload.sdsSocket}`, credentials.createInsecure());
  clients.push(client);
  const same = (buffer: Buffer): Buffer => buffer;
  return client.makeBidiStreamRequest(`/envoy.service.secret.v3.SecretDiscoveryService/${method}`, same, same);
}

function nextMessage(stream: ClientDuplexStream<Buffer, Buffer>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    stream.once('data', resolve);
    stream.once('error', reject);
  });
}

function read(value: Uint8Array): { name: string; chain?: X509Certificate[]; key?: string; ca?: string } {
  const { name, type } = fromBinary(SecretSchema, value);
  const text = (source?: { specifier: { value?: unknown } }) =>
    Buffer.from(source?.specifier.value as Uint8Array).toString();
  if (type.case === 'tlsCertificate') {
    const blocks = text(type.value.certificateChain).split(/(?<=-----END CERTIFICATE-----\n)/);
    return { name, chain: blocks.map((block) => new X509Certificate(block)), key: text(type.value.privateKey) };
  }
  if (type.case === 'validationContext') return { name, ca: text(type.value.trustedCa) };
  throw new Error(`unexpected secret ${type.case}`);
}

test('serves key, chain and roots (state of the world)', async () => {
  const workload = authority.workload('reviews');
  await workload.secrets.start();
  expect((await stat(workload.sdsSocket)).mode & 0o777).toBe(0o600);
  const stream = openStream(workload, 'StreamSecrets');
  const request = (fields: object) =>
    stream.write(Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields))));
  request({ typeUrl: secretType, resourceNames: ['default', 'ROOTCA', 'other'] });
  const response = fromBinary(DiscoveryResponseSchema, await nextMessage(stream));
  expect(response.typeUrl).toBe(secretType);
  const [certificate, roots] = response.resources.map(({ value }) => read(value));
  expect([certificate?.name, roots?.name]).toEqual(['default', 'ROOTCA']);
  const [leaf, intermediate] = certificate?.chain ?? [];
  expect(leaf?.subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/reviews');
  expect(leaf?.checkPrivateKey(createPrivateKey(certificate?.key ?? ''))).toBe(true);
  expect(leaf?.checkIssued(intermediate as X509Certificate)).toBe(true);
  expect(roots?.ca).toBe(authority.citadel().trustBundle());
  stream.cancel();
  stream.on('error', () => undefined);
});

test('serves the authorities that the system trusts, where they are', async () => {
  vi.stubEnv('SSL_CERT_FILE', '/etc/our-authorities.pem');
  const workload = authority.workload('reviews');
  await workload.secrets.start();
  vi.unstubAllEnvs();
  const stream = openStream(workload, 'StreamSecrets');
  const fields = { typeUrl: secretType, resourceNames: ['file-root:system'] };
  stream.write(Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields))));
  const [resource] = fromBinary(DiscoveryResponseSchema, await nextMessage(stream)).resources;
  const { name, type } = fromBinary(SecretSchema, resource?.value ?? new Uint8Array());
  expect(name).toBe('file-root:system');
  expect(type.case === 'validationContext' && type.value.trustedCa?.specifier).toEqual({
    case: 'filename',
    value: '/etc/our-authorities.pem',
  });
  stream.on('error', () => undefined);
  stream.cancel();
});

test('pushes a renewed certificate (delta), and keeps keys off the disk', async () => {
  const workload = authority.workload('reviews', { lifetimeMs: 1000 });
  await workload.secrets.start();
  const stream = openStream(workload, 'DeltaSecrets');
  const request = (fields: object) =>
    stream.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, fields))));
  request({ typeUrl: secretType, resourceNamesSubscribe: ['default'] });
  const first = fromBinary(DeltaDiscoveryResponseSchema, await nextMessage(stream));
  request({ typeUrl: secretType, responseNonce: first.nonce });
  const second = fromBinary(DeltaDiscoveryResponseSchema, await nextMessage(stream));
  const [before, after] = [first, second].map(({ resources }) => read(resources[0]?.resource?.value as Uint8Array));
  expect(second.resources[0]?.version).not.toBe(first.resources[0]?.version);
  expect(after?.chain?.[0]?.serialNumber).not.toBe(before?.chain?.[0]?.serialNumber);
  expect(after?.key).not.toBe(before?.key);

  const base64 = after?.key?.split('\n')[1] as string;
  for (const entry of await readdir(authority.dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) expect(await readFile(join(entry.parentPath, entry.name), 'utf8')).not.toContain(base64);
  }
  request({ typeUrl: secretType, responseNonce: second.nonce, errorDetail: { message: 'no good' } });
  await workload.until(({ lastError }) => lastError === 'Envoy refuses the certificate: no good');
  stream.cancel();
  stream.on('error', () => undefined);
});

test('another type, or no request at all, is refused', async () => {
  const workload = authority.workload('reviews');
  await workload.secrets.start();
  const other = openStream(workload, 'StreamSecrets');
  const typeUrl = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';
  other.write(Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, { typeUrl }))));
  await expect(nextMessage(other)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  const garbage = openStream(workload, 'DeltaSecrets');
  garbage.write(Buffer.from([0xff]));
  await expect(nextMessage(garbage)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test('waits for a Citadel that is not there yet, and outlives one that is gone', async () => {
  await authority.stopCitadel();
  const workload = authority.workload('reviews', { lifetimeMs: 2000 });
  await workload.secrets.start();
  expect((await workload.until(({ lastError }) => lastError !== null)).notAfter).toBeNull();
  await authority.startCitadel();
  const { serialNumber, lastError } = await workload.until(({ notAfter }) => notAfter !== null);
  expect(lastError).toBeNull();

  await authority.stopCitadel();
  const failing = await workload.until((current) => current.lastError !== null);
  expect(failing.serialNumber).toBe(serialNumber);
  expect(failing.lastError).toMatch(/^No certificate from Citadel: 14 UNAVAILABLE/);
  await authority.startCitadel();
  await workload.until((current) => current.lastError === null && current.serialNumber !== serialNumber);
});

test('a token that Citadel refuses is told', async () => {
  const workload = authority.workload('reviews', { token: async () => 'not.a.token' });
  await workload.secrets.start();
  const { lastError } = await workload.until((current) => current.lastError !== null);
  expect(lastError).toBe('No certificate from Citadel: 16 UNAUTHENTICATED: the token is malformed');
});

test('only the certificate that was asked for is used', async () => {
  const identity = { trustDomain: DEFAULT_TRUST_DOMAIN, namespace: 'default', serviceAccount: 'reviews' };
  const other = { namespace: 'default', serviceAccount: 'ratings' };
  const request = { identity, csrSocket: authority.csrSocket, token: () => authority.tokens.issue(other) };
  const { signal } = new AbortController();
  await expect(requestCertificate(request, signal)).rejects.toThrow(/sa\/ratings, not URI:.*sa\/reviews$/);

  const good = await requestCertificate({ ...request, token: () => authority.tokens.issue(identity) }, signal);
  const key = createPrivateKey(good.privateKey);
  const chain = [good.chain, good.trustBundle];
  const now = new Date();
  expect(acceptCertificate(chain, key, identity, now).serialNumber).toBe(good.serialNumber);
  const otherGood = await requestCertificate({ ...request, token: () => authority.tokens.issue(identity) }, signal);
  expect(() => acceptCertificate(chain, createPrivateKey(otherGood.privateKey), identity, now)).toThrow('another key');
  expect(() => acceptCertificate(chain, key, identity, new Date(now.getTime() + 2 * 86_400_000))).toThrow(
    'not valid now',
  );
  expect(() => acceptCertificate([good.chain], key, identity, now)).toThrow('not a chain');
  const foreign = await createTestAuthority();
  const foreignChain = [good.chain, foreign.citadel().trustBundle()];
  await foreign.close();
  expect(() => acceptCertificate(foreignChain, key, identity, now)).toThrow('does not lead to its root');
});

test('an abort before the call ends the request', async () => {
  const identity = { trustDomain: DEFAULT_TRUST_DOMAIN, namespace: 'default', serviceAccount: 'reviews' };
  const abort = new AbortController();
  const token = async () => {
    abort.abort(new Error('no longer needed'));
    return authority.tokens.issue(identity);
  };
  const answer = requestCertificate({ identity, csrSocket: authority.csrSocket, token }, abort.signal);
  await expect(answer).rejects.toThrow('no longer needed');
});

test('each replica has a key of its own', async () => {
  const replicas = [authority.workload('reviews'), authority.workload('reviews')];
  await Promise.all(replicas.map(({ secrets }) => secrets.start()));
  const serials = await Promise.all(
    replicas.map(async ({ until }) => (await until((now) => now.notAfter !== null)).serialNumber),
  );
  expect(new Set(serials).size).toBe(2);
});

test('closing removes the socket', async () => {
  const workload = authority.workload('reviews');
  await workload.secrets.start();
  await workload.secrets.close();
  await expect(stat(workload.sdsSocket)).rejects.toMatchObject({ code: 'ENOENT' });
  const second = authority.workload('reviews', { sdsSocket: join(authority.dir, 'x'.repeat(110)) });
  await expect(second.secrets.start()).rejects.toMatchObject({ code: 'LAT0461' });
});
