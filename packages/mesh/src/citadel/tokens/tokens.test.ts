import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTokenIssuer } from './issuer.ts';
import { openSigningKey } from './keys.ts';
import { createTokenVerifier } from './verifier.ts';

const identity = { namespace: 'default', serviceAccount: 'reviews' };

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'lat-'));
});

afterEach(() => rm(stateDir, { recursive: true }));

test('a token says who the bearer is', async () => {
  const issuer = await createTokenIssuer(stateDir);
  const verifier = await createTokenVerifier(stateDir);
  expect(await verifier.verify(await issuer.issue(identity))).toEqual(identity);
  // Another process, or the next run.
  expect(await verifier.verify(await (await createTokenIssuer(stateDir)).issue(identity))).toEqual(identity);
  await expect(issuer.issue({ ...identity, namespace: 'a:b' })).rejects.toMatchObject({ code: 'LAT0440' });
});

test('the key is closed to others', async () => {
  await createTokenIssuer(stateDir);
  expect((await stat(join(stateDir, 'tokens'))).mode & 0o777).toBe(0o700);
  const file = join(stateDir, 'tokens', 'key.pem');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o604);
  await expect(createTokenIssuer(stateDir)).rejects.toMatchObject({ code: 'LAT0405' });
});

test('a token expires', async () => {
  const issuer = await createTokenIssuer(stateDir, { lifetimeMs: 60_000 });
  const token = await issuer.issue(identity);
  const at = (offsetMs: number) => createTokenVerifier(stateDir, { now: () => new Date(Date.now() + offsetMs) });
  expect(await (await at(50_000)).verify(token)).toEqual(identity);
  await expect((await at(61_000)).verify(token)).rejects.toThrow('the token has expired');
});

test('a token is old after an hour, whatever it says of itself', async () => {
  await createTokenIssuer(stateDir);
  const verifier = await createTokenVerifier(stateDir);
  const minutesAgo = (minutes: number) => ({ issuedAt: Math.floor(Date.now() / 1000) - minutes * 60, lifetime: '9h' });
  expect(await verifier.verify(await forge(minutesAgo(59)))).toEqual(identity);
  await expect(verifier.verify(await forge(minutesAgo(61)))).rejects.toThrow('the token has expired');
});

interface Forgery {
  key?: KeyObject;
  algorithm?: string;
  audience?: string;
  issuer?: string;
  subject?: string;
  lifetime?: string;
  issuedAt?: number;
}

async function forge(forgery: Forgery): Promise<string> {
  const token = new SignJWT()
    .setProtectedHeader({ alg: forgery.algorithm ?? 'ES256' })
    .setIssuer(forgery.issuer ?? 'lateen.supervisor')
    .setSubject(forgery.subject ?? 'system:serviceaccount:default:reviews')
    .setAudience(forgery.audience ?? 'istio-ca')
    .setIssuedAt(forgery.issuedAt);
  if (forgery.lifetime !== '') token.setExpirationTime(forgery.lifetime ?? '1m');
  return token.sign(forgery.key ?? (await openSigningKey(stateDir)));
}

test('only what this mesh has signed for this purpose counts', async () => {
  await createTokenIssuer(stateDir);
  const verifier = await createTokenVerifier(stateDir);
  expect(await verifier.verify(await forge({}))).toEqual(identity);

  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  await expect(verifier.verify(await forge({ key: otherKey }))).rejects.toThrow('not signed by this mesh');
  await expect(verifier.verify(await forge({ key: rsaKey, algorithm: 'RS256' }))).rejects.toThrow(
    'algorithm is not accepted',
  );
  await expect(verifier.verify(await forge({ audience: 'other' }))).rejects.toThrow('claim "aud" is wrong');
  await expect(verifier.verify(await forge({ issuer: 'other' }))).rejects.toThrow('claim "iss" is wrong');
  await expect(verifier.verify(await forge({ lifetime: '' }))).rejects.toThrow('claim "exp" is wrong');
  await expect(verifier.verify(await forge({ subject: 'reviews' }))).rejects.toThrow('not a service account');
  await expect(verifier.verify(await forge({ subject: 'system:serviceaccount:a:b:c' }))).rejects.toThrow(
    'not a service account',
  );
  await expect(verifier.verify(await forge({ subject: 'system:serviceaccount:../x:b' }))).rejects.toThrow('malformed');

  const publicPem = await readFile(join(stateDir, 'tokens', 'public.pem'));
  const symmetric = await new SignJWT({ sub: 'system:serviceaccount:default:reviews' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(publicPem);
  await expect(verifier.verify(symmetric)).rejects.toThrow('algorithm is not accepted');
  const [, payload = ''] = (await forge({})).split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  for (const token of ['', 'a.b.c', unsigned])
    await expect(verifier.verify(token)).rejects.toThrow(/malformed|not accepted/);
  await expect(verifier.verify('x'.repeat(5000))).rejects.toThrow('too long');
});

test('damaged keys are an error and stay as they are', async () => {
  await createTokenIssuer(stateDir);
  const directory = join(stateDir, 'tokens');
  const originals = new Map<string, string>();
  for (const name of await readdir(directory)) originals.set(name, await readFile(join(directory, name), 'utf8'));
  expect([...originals.keys()].sort()).toEqual(['key.pem', 'public.pem']);
  for (const [name, text] of originals) {
    const path = join(directory, name);
    for (const damaged of ['', text.slice(0, 60), text.replace('KEY', 'CAT')]) {
      await writeFile(path, damaged);
      const refused = { code: 'LAT0422', message: expect.stringContaining(path) };
      await expect(createTokenIssuer(stateDir)).rejects.toMatchObject(refused);
      expect(await readFile(path, 'utf8')).toBe(damaged);
    }
    await rm(path);
    await expect(createTokenIssuer(stateDir)).rejects.toMatchObject({ code: 'LAT0421' });
    await writeFile(path, text, { mode: 0o600 });
  }
  const other = await mkdtemp(join(tmpdir(), 'lat-'));
  await createTokenIssuer(other);
  await writeFile(join(directory, 'public.pem'), await readFile(join(other, 'tokens', 'public.pem')));
  await rm(other, { recursive: true });
  await expect(createTokenIssuer(stateDir)).rejects.toMatchObject({ code: 'LAT0423' });
});

test('who verifies does not make keys', async () => {
  await expect(createTokenVerifier(stateDir)).rejects.toMatchObject({ code: 'LAT0421' });
  expect(await readdir(stateDir)).toEqual([]);
});
