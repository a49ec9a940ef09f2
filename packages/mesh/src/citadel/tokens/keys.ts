import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { ensureKeyDirectory, type KeyFiles, listKeyDirectory, readPrivateFile, readPublicFile } from '../key-files.ts';

const privateFile = 'key.pem';
const publicFile = 'public.pem';

const remedy =
  'Nothing was changed. Stop the mesh, move the directory away and start again: the key only serves local processes, ' +
  'and a new one is made.';

/**
 * The key that join tokens are signed with, made on first use and never replaced.
 * @throws LateenError LAT0405, LAT0406, LAT0408, LAT0421 to LAT0423
 */
export async function openSigningKey(stateDir: string): Promise<KeyObject> {
  const directory = join(stateDir, 'tokens');
  await ensureKeyDirectory(directory, createKeyFiles);
  const file = join(directory, privateFile);
  const key = parse(await readPrivateFile(file), file, createPrivateKey);
  const publicKey = await readVerificationKey(stateDir);
  if (!createPublicKey(key).equals(publicKey)) {
    throw new LateenError('LAT0423', `${file} is not the private half of ${join(directory, publicFile)}.`, remedy);
  }
  return key;
}

/**
 * The public half, for who only verifies.
 * @throws LateenError LAT0405, LAT0406, LAT0421, LAT0422
 */
export async function readVerificationKey(stateDir: string): Promise<KeyObject> {
  const directory = join(stateDir, 'tokens');
  await listKeyDirectory(directory);
  const file = join(directory, publicFile);
  return parse(await readPublicFile(file), file, createPublicKey);
}

function createKeyFiles(): KeyFiles {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    [privateFile]: { text: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), secret: true },
    [publicFile]: { text: publicKey.export({ format: 'pem', type: 'spki' }).toString(), secret: false },
  };
}

function parse(text: string | null, file: string, create: (pem: string) => KeyObject): KeyObject {
  if (text === null) throw new LateenError('LAT0421', `${file} is missing.`, remedy);
  let key: KeyObject;
  try {
    key = create(text);
  } catch (error) {
    throw new LateenError('LAT0422', `${file} is damaged: it is not a key in PEM.`, remedy, { cause: error });
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new LateenError('LAT0422', `${file} is damaged: its key is not an EC P-256 one.`, remedy);
}
