import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@lateen/api/lateen-error.ts';
import { replaceFile } from '#files/replace-file.ts';

const TIMEOUT_MS = 20_000;
/** `[2026-11-23 14:11:00.858][12010][critical][main] [source/server/...cc:76] ` */
const LOG_PREFIX = /^(?:\[[^\]]*\])+ (?:\[[^\]]*\] )?/;

/** Why Envoy would not start with this bootstrap, in its own words; undefined if it would. It opens no port for that. */
export async function checkBootstrap(path: string, bootstrap: object, dir: string): Promise<string | undefined> {
  const file = join(dir, 'checked.json');
  replaceFile(file, JSON.stringify(bootstrap));
  try {
    await promisify(execFile)(path, ['-c', file, '--mode', 'validate', '-l', 'warning'], { timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const [first = messageOf(error)] = stderr.split('\n').filter((line) => /\[(critical|error)\]/.test(line));
    return first.replace(LOG_PREFIX, '').replace(`error initializing configuration '${file}': `, '');
  }
}
