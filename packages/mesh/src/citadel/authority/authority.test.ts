import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { issuerPartsOf } from '../x509/certificate.ts';
import { makeKey } from '../x509/testing/make-signing-request.ts';
import { type Authority, openAuthority } from './authority.ts';
import { caFiles } from './files.ts';

const trustDomain = 'cluster.local';
const dayMs = 24 * 60 * 60 * 1000;
const spiffeId = 'spiffe://cluster.local/ns/default/sa/reviews';

let stateDir: string;
let caDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'lat-'));
  caDir = join(stateDir, 'ca');
});

afterEach(() => rm(stateDir, { recursive: true }));

function openCa(nowMs = Date.now()): Promise<Authority> {
  return openAuthority({ stateDir, trustDomain, now: () => new Date(nowMs) });
}

async function contents(): Promise<Record<string, string>> {
  const names = (await readdir(caDir)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(caDir, name), 'latin1')])),
  );
}

async function certificateIn(file: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(join(caDir, file)));
}

function issueFor(authority: Authority, key: KeyObject = createPublicKey(makeKey()), lifetimeMs = dayMs) {
  const issued = authority.issue({ publicKey: key, spiffeId, lifetimeMs });
  const [leaf, ...others] = issued.chain.map((pem) => new X509Certificate(pem));
  return { ...issued, leaf: leaf as X509Certificate, others };
}

describe('a new CA', () => {
  test('is closed to others and complete', async () => {
    await openCa();
    expect(await readdir(stateDir)).toEqual(['ca']);
    expect((await stat(caDir)).mode & 0o777).toBe(0o700);
    const modes = await Promise.all(
      Object.values(caFiles).map(async (name) => [name, (await stat(join(caDir, name))).mode & 0o777]),
    );
    expect(Object.fromEntries(modes)).toMatchObject({ 'root-key.pem': 0o600, 'ca-key.pem': 0o600 });
  });

  test('has a root and an intermediate below it', async () => {
    await openCa();
    const root = await certificateIn(caFiles.rootCertificate);
    const intermediate = await certificateIn(caFiles.certificate);
    expect([root.ca, intermediate.ca]).toEqual([true, true]);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(intermediate.checkIssued(root) && intermediate.verify(root.publicKey)).toBe(true);
    expect(intermediate.subjectAltName).toBe('URI:spiffe://cluster.local');
    expect(issuerPartsOf(intermediate).mayCertify).toBe(true);
    expect(root.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(Math.round((root.validToDate.getTime() - Date.now()) / dayMs)).toBe(3650);
    expect(Math.round((intermediate.validToDate.getTime() - Date.now()) / dayMs)).toBe(365);
  });

  test('is found again', async () => {
    const bundle = (await openCa()).trustBundle();
    const before = await contents();
    expect((await openCa()).trustBundle()).toBe(bundle);
    expect(await contents()).toEqual(before);
  });

  test('is made once, whoever is first', async () => {
    const authorities = await Promise.all([openCa(), openCa(), openCa()]);
    expect(new Set(authorities.map((authority) => authority.trustBundle())).size).toBe(1);
    expect(await readdir(stateDir)).toEqual(['ca']);
  });

  test('cannot be made where nothing can be written', async () => {
    await writeFile(join(stateDir, 'file'), '');
    await expect(openAuthority({ stateDir: join(stateDir, 'file'), trustDomain })).rejects.toMatchObject({
      code: expect.stringMatching(/^LAT040[68]$/),
      message: expect.stringContaining(join(stateDir, 'file')),
    });
  });
});

describe('a certificate', () => {
  test('has one name and is for both sides of TLS', async () => {
    const authority = await openCa();
    const key = createPublicKey(makeKey());
    const { leaf, others, serialNumber } = issueFor(authority, key);
    expect(leaf.publicKey.equals(key)).toBe(true);
    expect(leaf.subject ?? '').toBe('');
    expect(leaf.subjectAltName).toBe(`URI:${spiffeId}`);
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(issuerPartsOf(leaf).mayCertify).toBe(false);
    expect(others).toHaveLength(1);
    expect(leaf.checkIssued(others[0] as X509Certificate)).toBe(true);
    expect(leaf.verify((others[0] as X509Certificate).publicKey)).toBe(true);
    expect(leaf.serialNumber).toBe(serialNumber);
    expect(issueFor(authority, key).serialNumber).not.toBe(serialNumber);
  });

  test('is valid from a little before now, and never longer than the CA', async () => {
    const start = new Date('2026-01-01T00:00:00.500Z').getTime();
    let nowMs = start;
    const authority = await openAuthority({ stateDir, trustDomain, now: () => new Date(nowMs) });
    const { leaf } = issueFor(authority, undefined, 3000);
    expect(leaf.validFromDate).toEqual(new Date('2025-12-31T23:58:00Z'));
    expect(leaf.validToDate).toEqual(new Date('2026-01-01T00:00:04Z'));
    nowMs = authority.notAfter().getTime() - 1000;
    expect(issueFor(authority).notAfter).toEqual(authority.notAfter());
    nowMs += 1001;
    expect(() => issueFor(authority)).toThrow(expect.objectContaining({ code: 'LAT0407' }));
  });
});

describe('damage', () => {
  const damages: Record<string, (bytes: Buffer) => Buffer> = {
    empty: () => Buffer.alloc(0),
    'cut short': (bytes) => bytes.subarray(0, bytes.length / 2),
    'zeroed out': (bytes) => Buffer.alloc(bytes.length),
    'one character altered': (bytes) => {
      const copy = Buffer.from(bytes);
      // In the base64, far enough in to hit key and signature bytes.
      const position = bytes.indexOf('\n-----END') - 20;
      copy[position] = copy[position] === 0x41 ? 0x42 : 0x41;
      return copy;
    },
    'one character altered in the middle': (bytes) => {
      const copy = Buffer.from(bytes);
      const position = bytes.indexOf('\n-----END') - 90;
      copy[position] = copy[position] === 0x41 ? 0x42 : 0x41;
      return copy;
    },
  };

  for (const name of Object.values(caFiles)) {
    for (const [damage, apply] of Object.entries(damages)) {
      test(`${name}, ${damage}: an error that names it, and nothing is changed`, async () => {
        await openCa();
        const path = join(caDir, name);
        await writeFile(path, apply(await readFile(path)));
        const before = await contents();
        await expect(openCa()).rejects.toMatchObject({
          code: expect.stringMatching(/^LAT040[234]$/),
          message: expect.stringContaining(name),
          remedy: expect.stringContaining('Nothing was changed'),
        });
        expect(await contents()).toEqual(before);
        expect(await readdir(stateDir)).toEqual(['ca']);
      });
    }
  }

  for (const name of Object.values(caFiles).filter((file) => file !== caFiles.rootKey)) {
    test(`${name} missing: an error, and nothing is made anew`, async () => {
      await openCa();
      await rm(join(caDir, name));
      const before = await contents();
      await expect(openCa()).rejects.toMatchObject({
        code: 'LAT0401',
        message: expect.stringContaining(join(caDir, name)),
      });
      expect(await contents()).toEqual(before);
    });
  }

  for (const name of Object.values(caFiles)) {
    test(`${name} of another CA: an error`, async () => {
      await openCa();
      const other = join(stateDir, 'other');
      await openAuthority({ stateDir: other, trustDomain });
      await cp(join(other, 'ca', name), join(caDir, name));
      await expect(openCa()).rejects.toMatchObject({ code: expect.stringMatching(/^LAT040[34]$/) });
    });
  }

  test('keys that others may read are not used', async () => {
    await openCa();
    for (const name of [caFiles.key, caFiles.rootKey]) {
      const path = join(caDir, name);
      await chmod(path, 0o640);
      await expect(openCa()).rejects.toMatchObject({
        code: 'LAT0405',
        message: `${path} is open to other users (mode 640).`,
        remedy: expect.stringContaining(`chmod 600 ${path}`),
      });
      await chmod(path, 0o600);
    }
    await chmod(caDir, 0o777);
    await expect(openCa()).rejects.toMatchObject({
      code: 'LAT0405',
      remedy: expect.stringContaining(`chmod 700 ${caDir}`),
    });
  });

  test('a CA in the directory of another user is not used', async () => {
    await openCa();
    const { uid } = await stat(caDir);
    vi.spyOn(process, 'getuid').mockReturnValue(uid + 1);
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(openCa()).rejects.toMatchObject({
      code: 'LAT0406',
      message: `${caDir} belongs to another user (uid ${uid}, this process has uid ${uid + 1}).`,
      remedy: expect.stringContaining(`chown -R ${uid + 1} ${caDir}`),
    });
  });

  // Only root can give files away.
  test.runIf(process.getuid?.() === 0)('keys and certificates of another user are not used', async () => {
    await openCa();
    for (const name of Object.values(caFiles)) {
      const path = join(caDir, name);
      await chown(path, 12_345, 12_345);
      await expect(openCa()).rejects.toMatchObject({
        code: 'LAT0406',
        message: expect.stringContaining(`${path} belongs to another user (uid 12345`),
      });
      await chown(path, 0, 0);
    }
    await openCa();
  });

  test('a CA of another trust domain is not used', async () => {
    await openCa();
    await expect(openAuthority({ stateDir, trustDomain: 'example.org' })).rejects.toMatchObject({
      code: 'LAT0409',
      message: expect.stringContaining('spiffe://cluster.local'),
    });
  });

  test('a certificate that is none of a CA is not used', async () => {
    const authority = await openCa();
    const key = makeKey();
    const { chain } = issueFor(authority, createPublicKey(key));
    await writeFile(join(caDir, caFiles.certificate), chain[0] as string);
    await writeFile(join(caDir, caFiles.key), key.export({ format: 'pem', type: 'pkcs8' }));
    await expect(openCa()).rejects.toMatchObject({ code: 'LAT0409' });
  });
});

describe('renewal of the intermediate', () => {
  test('two thirds through its time, from the same root, with a new key', async () => {
    const start = Date.now();
    let nowMs = start;
    const authority = await openAuthority({ stateDir, trustDomain, now: () => new Date(nowMs) });
    const before = await contents();
    nowMs = start + 243 * dayMs;
    expect(await authority.renewIfDue()).toBe(false);
    nowMs = start + 244 * dayMs;
    expect(await authority.renewIfDue()).toBe(true);
    expect(await authority.renewIfDue()).toBe(false);

    const after = await contents();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed).toEqual([caFiles.certificate, caFiles.key, caFiles.chain]);
    expect((await stat(join(caDir, caFiles.key))).mode & 0o777).toBe(0o600);
    expect((await stat(caDir)).mode & 0o777).toBe(0o700);
    expect(await readdir(stateDir)).toEqual(['ca']);
    expect(issueFor(authority).others[0]?.raw).toEqual((await certificateIn(caFiles.certificate)).raw);
  });

  test('also after it has expired, while the root is valid', async () => {
    await openCa();
    const later = Date.now() + 400 * dayMs;
    expect((await openCa(later)).notAfter().getTime()).toBeGreaterThan(later);
  });

  test('not when the root has expired', async () => {
    await openCa();
    const before = await contents();
    const tooLate = Date.now() + 3651 * dayMs;
    await expect(openCa(tooLate)).rejects.toMatchObject({
      code: 'LAT0407',
      message: expect.stringContaining(caFiles.rootCertificate),
    });
    expect(await contents()).toEqual(before);
  });

  test('never outlives the root', async () => {
    await openCa();
    const late = Date.now() + 3500 * dayMs;
    const root = await certificateIn(caFiles.rootCertificate);
    expect((await openCa(late)).notAfter()).toEqual(root.validToDate);
  });

  test('a crash in the middle leaves the old one or the new one', async () => {
    const bundle = (await openCa()).trustBundle();
    // Both directories aside: the old one is taken back.
    await cp(caDir, join(stateDir, 'ca.new-x'), { recursive: true });
    await rename(caDir, join(stateDir, 'ca.old'));
    expect((await openCa()).trustBundle()).toBe(bundle);
    // The new one in place: what is left of the old one goes.
    await cp(caDir, join(stateDir, 'ca.old'), { recursive: true });
    expect((await openCa()).trustBundle()).toBe(bundle);
    expect((await readdir(stateDir)).sort()).toEqual(['ca', 'ca.new-x']);
  });
});

describe("the user's own CA", () => {
  test('is used without its root key, and not renewed', async () => {
    const root = (await openCa()).trustBundle();
    await rm(join(caDir, caFiles.rootKey));
    const before = await contents();
    const authority = await openCa(Date.now() + 300 * dayMs);
    expect(authority.trustBundle()).toBe(root);
    expect(issueFor(authority).others).toHaveLength(1);
    expect(await authority.renewIfDue()).toBe(false);
    expect(await contents()).toEqual(before);
    await expect(openCa(Date.now() + 366 * dayMs)).rejects.toMatchObject({ code: 'LAT0407' });
  });

  test('may be a root itself', async () => {
    await openCa();
    const root = await readFile(join(caDir, caFiles.rootCertificate), 'utf8');
    const key = await readFile(join(caDir, caFiles.rootKey), 'utf8');
    await rm(caDir, { recursive: true });
    await mkdir(caDir, { mode: 0o700 });
    await writeFile(join(caDir, caFiles.rootCertificate), root);
    await writeFile(join(caDir, caFiles.certificate), root);
    await writeFile(join(caDir, caFiles.chain), root);
    await writeFile(join(caDir, caFiles.key), key, { mode: 0o600 });
    const { leaf, others } = issueFor(await openCa());
    expect(others).toEqual([]);
    expect(leaf.verify(new X509Certificate(root).publicKey)).toBe(true);
  });
});
