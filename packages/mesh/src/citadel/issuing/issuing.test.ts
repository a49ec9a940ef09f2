import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import {
  IstioCertificateRequestSchema,
  IstioCertificateResponseSchema,
} from '@lateen/envoy-api/istio/v1/auth/ca_pb.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Citadel, type CitadelOptions, startCitadel } from '../start.ts';
import { createTokenIssuer, type TokenIssuer } from '../tokens/issuer.ts';
import { makeKey, makeSigningRequest } from '../x509/testing/make-signing-request.ts';
import type { IssuedEvent } from './create-certificate.ts';

type Request = MessageInitShape<typeof IstioCertificateRequestSchema>;

const identity = { namespace: 'default', serviceAccount: 'reviews' };
const spiffeId = 'spiffe://cluster.local/ns/default/sa/reviews';
const path = '/istio.v1.auth.IstioCertificateService/CreateCertificate';

let stateDir: string;
let socket: string;
let tokens: TokenIssuer;
let citadel: Citadel;
let client: Client;
let issued: IssuedEvent[];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'lat-'));
  socket = join(stateDir, 'csr.sock');
  tokens = await createTokenIssuer(stateDir);
  issued = [];
  await start();
  client = new Client(`unix:${socket}`, credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await citadel.close();
  await rm(stateDir, { recursive: true });
});

async function start(options: Partial<CitadelOptions> = {}): Promise<void> {
  citadel = await startCitadel({ stateDir, socket, onIssued: (event) => issued.push(event), ...options });
}

function callBytes(bytes: Buffer, authorization: readonly string[], to = client): Promise<string[]> {
  const metadata = new Metadata();
  for (const value of authorization) metadata.add('authorization', value);
  const same = (buffer: Buffer): Buffer => buffer;
  return new Promise((resolve, reject) => {
    to.makeUnaryRequest(path, same, same, bytes, metadata, {}, (error, response) => {
      if (error) reject(error);
      else resolve(fromBinary(IstioCertificateResponseSchema, response as Buffer).certChain);
    });
  });
}

async function ask(request: Request, authorization?: readonly string[], to = client): Promise<string[]> {
  const bytes = Buffer.from(toBinary(IstioCertificateRequestSchema, create(IstioCertificateRequestSchema, request)));
  return callBytes(bytes, authorization ?? [`Bearer ${await tokens.issue(identity)}`], to);
}

function refusal(code: status, details: string | RegExp): Partial<ServiceError> {
  return { code, details: expect.stringMatching(details) };
}

test('answers the leaf, the intermediate and the root', async () => {
  const key = makeKey();
  const chain = (await ask({ csr: makeSigningRequest({ key }) })).map((pem) => new X509Certificate(pem));
  expect(chain).toHaveLength(3);
  const [leaf, intermediate, root] = chain as [X509Certificate, X509Certificate, X509Certificate];
  expect(leaf.publicKey.equals(createPublicKey(key))).toBe(true);
  expect(leaf.verify(intermediate.publicKey)).toBe(true);
  expect(intermediate.verify(root.publicKey)).toBe(true);
  expect(root.toString()).toBe(citadel.trustBundle());
  expect(issued).toEqual([{ spiffeId, serialNumber: leaf.serialNumber, notAfter: leaf.validToDate }]);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
});

test('the identity is that of the token, whatever the request asks for', async () => {
  const csr = makeSigningRequest({ commonName: 'root', uri: 'spiffe://cluster.local/ns/istio-system/sa/admin' });
  const [leaf = ''] = await ask({ csr });
  const certificate = new X509Certificate(leaf);
  expect(certificate.subjectAltName).toBe(`URI:${spiffeId}`);
  expect(certificate.subject ?? '').toBe('');
  await expect(ask({ csr, metadata: { ImpersonatedIdentity: 'spiffe://x' } })).rejects.toMatchObject(
    refusal(status.PERMISSION_DENIED, 'another identity'),
  );
});

test('validity is what is asked for, up to a day', async () => {
  const lifetimeOf = async (validityDuration: bigint): Promise<number> => {
    const [leaf = ''] = await ask({ csr: makeSigningRequest(), validityDuration });
    return (new X509Certificate(leaf).validToDate.getTime() - Date.now()) / 1000;
  };
  const day = 24 * 60 * 60;
  for (const [asked, given] of [
    [0n, day],
    [3n, 3],
    [1_000_000n, day],
  ] as const) {
    const lifetime = await lifetimeOf(asked);
    // Whole seconds, rounded up.
    expect(lifetime).toBeGreaterThan(given - 1);
    expect(lifetime).toBeLessThanOrEqual(given + 1);
  }
  await expect(ask({ csr: makeSigningRequest(), validityDuration: -1n })).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'negative'),
  );
});

test('who has no valid token gets nothing', async () => {
  const csr = makeSigningRequest();
  const other = await mkdtemp(join(tmpdir(), 'lat-'));
  const foreign = await (await createTokenIssuer(other)).issue(identity);
  await rm(other, { recursive: true });
  const own = await tokens.issue(identity);
  await expect(ask({ csr }, [])).rejects.toMatchObject(refusal(status.UNAUTHENTICATED, 'bearer token'));
  await expect(ask({ csr }, [`Basic ${own}`])).rejects.toMatchObject(refusal(status.UNAUTHENTICATED, 'bearer token'));
  await expect(ask({ csr }, [`Bearer ${foreign}`])).rejects.toMatchObject(
    refusal(status.UNAUTHENTICATED, 'not signed'),
  );
  expect(issued).toEqual([]);
  await ask({ csr }, [`bearer ${own}`]);
  expect(issued).toHaveLength(1);
});

test('a request that is wrong is told why', async () => {
  const forged = makeSigningRequest({ signer: makeKey() });
  await expect(ask({ csr: forged })).rejects.toMatchObject(refusal(status.INVALID_ARGUMENT, 'its own key'));
  await expect(ask({ csr: 'x' })).rejects.toMatchObject(refusal(status.INVALID_ARGUMENT, 'PEM'));
  await expect(ask({})).rejects.toMatchObject(refusal(status.INVALID_ARGUMENT, 'PEM'));
  await expect(ask({ csr: 'x'.repeat(20_000) })).rejects.toMatchObject(refusal(status.RESOURCE_EXHAUSTED, 'too long'));
  await expect(ask({ csr: 'x'.repeat(70_000) })).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  const bearer = [`Bearer ${await tokens.issue(identity)}`];
  await expect(callBytes(Buffer.from([0xff]), bearer)).rejects.toMatchObject(
    refusal(status.INVALID_ARGUMENT, 'not an Istio'),
  );
});

test('an expired CA signs nothing', async () => {
  await citadel.close();
  const { notAfter } = citadel.authority;
  const now = () => new Date(notAfter().getTime() + 1000);
  const later = await createTokenIssuer(stateDir, { now });
  // A CA of the user's own: it is not renewed here.
  await rm(join(stateDir, 'ca', 'root-key.pem'));
  let expired = false;
  await start({ now: () => (expired ? now() : new Date()) });
  await ask({ csr: makeSigningRequest() });
  expired = true;
  const bearer = [`Bearer ${await later.issue(identity)}`];
  await expect(ask({ csr: makeSigningRequest() }, bearer)).rejects.toMatchObject(
    refusal(status.FAILED_PRECONDITION, /^LAT0407: .*ca-cert\.pem has expired/),
  );
});

test('serves on a gateway server, too', async () => {
  const server = new Server();
  citadel.addTo(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const other = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  expect(await ask({ csr: makeSigningRequest() }, undefined, other)).toHaveLength(3);
  other.close();
  server.forceShutdown();
});

test('two cannot serve on one socket, one after the other can', async () => {
  await expect(startCitadel({ stateDir, socket })).rejects.toMatchObject({
    code: 'LAT0431',
    message: `Another process serves on ${socket}.`,
  });
  expect(await ask({ csr: makeSigningRequest() })).toHaveLength(3);
  await citadel.close();
  await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
  await start();
  expect(await ask({ csr: makeSigningRequest() })).toHaveLength(3);
});
