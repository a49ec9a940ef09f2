// Gets a fresh checkout ready: dependencies, Envoy, Envoy's types. It runs before `npm start` and `npm test`, on a bare
// Node 20.19 with nothing installed, so it is plain JavaScript without dependencies. Silent and quick when all is there.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { installDependencies, isInstalled } from './setup/dependencies.mjs';
import { withLock } from './setup/lock.mjs';
import { chooseNode, linkNode } from './setup/node.mjs';
import { fail, SetupError, say } from './setup/report.mjs';
import { environmentOf, fingerprintOf, hasEnvoy, hasTypes, readStamp, writeStamp } from './setup/stamp.mjs';

const root = resolve(import.meta.dirname, '..');

function isReady() {
  const stamp = readStamp(root);
  return isInstalled(root, stamp) && hasEnvoy(stamp) && hasTypes(root, stamp);
}

async function setUp() {
  // Another run may have done it all while this one waited for the lock.
  if (isReady()) return;
  const lockHash = await installDependencies(root, readStamp(root));
  linkNode(root);
  const node = chooseNode(root);
  const fingerprint = fingerprintOf(root);
  const { envoy } = await runEnvoyStep(node, fingerprint);
  writeStamp(root, { lockHash, fingerprint, envoy: { ...envoy, environment: environmentOf() } });
}

/** Envoy and its types: TypeScript, so it runs in the Node that was just installed. */
function runEnvoyStep(node, fingerprint) {
  return new Promise((done, failed) => {
    const script = join(root, 'scripts', 'setup', 'envoy.ts');
    const child = spawn(node, [script, fingerprint], { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    let result;
    child.on('message', (message) => {
      result = message;
    });
    child.on('error', (error) => failed(new SetupError('LAT0942', `${node} does not start: ${error.message}.`)));
    child.on('close', (code) => {
      if (code === 0 && result !== undefined) done(result);
      // It has said what is wrong.
      else failed(new SetupError(undefined, undefined, undefined, code === null ? 1 : code || 1));
    });
  });
}

try {
  if (!isReady()) await withLock(root, setUp, (holder) => say(`waiting for another set-up (process ${holder})`));
} catch (error) {
  fail(error);
}
