import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { errorCodeOf } from '@lateen/api/lateen-error.ts';

export type Executable =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly searched: string }
  | { readonly kind: 'not-executable'; readonly path: string; readonly reason: string };

/**
 * Finds what a shell would run: a name with a slash is a path, relative to `cwd`; another one is looked up in `path`
 * (the variable PATH). Done here and not left to the operating system, whose errors do not tell a missing command from a
 * missing folder.
 */
export function findExecutable(command: string, cwd: string, path: string): Executable {
  if (command.includes('/')) {
    const file = isAbsolute(command) ? command : resolve(cwd, command);
    const problem = checkExecutable(file);
    if (problem === undefined) return { kind: 'found', path: file };
    return problem === 'missing'
      ? { kind: 'missing', searched: file }
      : { kind: 'not-executable', path: file, reason: problem };
  }
  let denied: Executable | undefined;
  for (const folder of path.split(delimiter)) {
    // POSIX: an empty element means the working directory.
    const file = resolve(cwd, join(folder === '' ? '.' : folder, command));
    const problem = checkExecutable(file);
    if (problem === undefined) return { kind: 'found', path: file };
    if (problem !== 'missing') denied ??= { kind: 'not-executable', path: file, reason: problem };
  }
  return denied ?? { kind: 'missing', searched: 'every folder of PATH' };
}

function checkExecutable(file: string): 'missing' | string | undefined {
  try {
    if (statSync(file).isDirectory()) return 'it is a directory';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    return code === 'EACCES' ? 'permission denied' : String(code);
  }
}

/** Undefined if `path` is a directory that can be entered, else what is wrong with it. */
export function directoryProblem(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return `${path} is not a directory`;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return errorCodeOf(error) === 'ENOENT'
      ? `${path} does not exist`
      : `${path} cannot be entered (${errorCodeOf(error)})`;
  }
}
