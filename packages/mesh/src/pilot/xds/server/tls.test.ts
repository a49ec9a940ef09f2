import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { ChannelCredentials, ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import * as x509 from '#citadel/x509/certificate.ts';
import { typeUrls } from '../resource.ts';
import { spiffeIdIn, verifyWorkloadIdentity } from './peer.ts';
import { AdsServer } from './server.ts';
import { DeltaClient } from './testing/grpc-client.ts';
import { StaticDirectory } from './testing/static-directory.ts';

interface Identity {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

const HOUR_MS = 3_600_000;
let root: Identity;
let foreignRoot: Identity;

/** A root without an `issuer`; else a workload's certificate with the URI in it, if there is one. */
function issue(issuer?: Identity, uri?: string): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = x509.distinguishedName({ commonName: 'root' });
  const content = {
    issuer: name,
    subject: issuer === undefined ? name : x509.distinguishedName({ commonName: 'workload' }),
    publicKey,
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    extensions: [
      issuer === undefined ? x509.certificateAuthorityConstraint() : x509.endEntityConstraint(),
      ...(uri === undefined ? [] : [x509.subjectAltUri(uri, false)]),
    ],
  };
  return { certificate: x509.signCertificate(content, issuer?.key ?? privateKey), key: privateKey };
}

function workload(account: string, issuer = root): Identity {
  return issue(issuer, `spiffe://cluster.local/ns/default/sa/${account}`);
}

function pem({ certificate }: Identity): Buffer {
  return Buffer.from(certificate.toString());
}

function keyPem({ key }: Identity): Buffer {
  return Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }));
}

let server: AdsServer;
let address: string;
const clients: DeltaClient[] = [];

beforeAll(() => {
  root = issue();
  foreignRoot = issue();
});

beforeEach(async () => {
  const own = workload('control-plane');
  const pairs = [{ cert_chain: pem(own), private_key: keyPem(own) }];
  server = new AdsServer({ directory: new StaticDirectory(), verifyPeer: verifyWorkloadIdentity('cluster.local') });
  address = await server.start('localhost:0', ServerCredentials.createSsl(pem(root), pairs, true));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop(false);
});

function connect(identity: Identity, node: { id: string; account: string }): DeltaClient {
  const channel = ChannelCredentials.createSsl(pem(root), keyPem(identity), pem(identity), {
    // An SVID has no host name in it.
    checkServerIdentity: () => undefined,
  });
  const client = new DeltaClient(address, channel);
  clients.push(client);
  const metadata = { NAMESPACE: 'default', SERVICE_ACCOUNT: node.account };
  client.send({ node: { id: node.id, metadata }, typeUrl: typeUrls.cluster });
  return client;
}

const reviews = { id: 'sidecar~10.0.0.1~reviews-1.default~default.svc.cluster.local', account: 'reviews' };

test('a proxy gets the configuration of the workload whose certificate it has', async () => {
  const client = connect(workload('reviews'), reviews);
  expect(await client.next()).toMatchObject({ typeUrl: typeUrls.cluster });
});

test('and no other: neither of another account nor by an ID of another namespace', async () => {
  const other = connect(workload('ratings'), reviews);
  const details = expect.stringContaining('LAT0242');
  expect(await other.ended).toMatchObject({ code: status.PERMISSION_DENIED, details });
  const elsewhere = { ...reviews, id: 'sidecar~10.0.0.1~reviews-1.payments~payments.svc.cluster.local' };
  const abroad = connect(workload('reviews'), elsewhere);
  expect(await abroad.ended).toMatchObject({ code: status.PERMISSION_DENIED });
});

test('a certificate without an identity, and one of another root, are refused', async () => {
  const nameless = connect(issue(root), reviews);
  expect(await nameless.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  const forged = connect(workload('reviews', foreignRoot), reviews);
  expect(await forged.ended).toMatchObject({ code: status.UNAVAILABLE });
});

test.each([
  ['URI:spiffe://cluster.local/ns/a/sa/b', 'spiffe://cluster.local/ns/a/sa/b'],
  ['DNS:x, URI:spiffe://cluster.local/ns/a/sa/b', 'spiffe://cluster.local/ns/a/sa/b'],
  ['URI:spiffe://cluster.local/ns/a/sa/b, URI:spiffe://cluster.local/ns/a/sa/c', undefined],
  ['URI:"spiffe://cluster.local/ns/a, URI:spiffe://cluster.local/ns/a/sa/b"', undefined],
  ['URI:spiffe://cluster.local', undefined],
  ['URI:https://cluster.local/ns/a/sa/b', undefined],
  ['DNS:spiffe://cluster.local/ns/a/sa/b', undefined],
])('the identity in %s', (subjectaltname, expected) => {
  expect(spiffeIdIn({ subjectaltname } as never)).toBe(expected);
});
