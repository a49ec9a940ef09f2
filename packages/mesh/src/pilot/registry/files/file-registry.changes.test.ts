import fs, {
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { configMap, watched } from '../../testing/watched-files.ts';

/** Replaces functions of `node:fs` until the test ends. */
function spyOnFiles<T>(spy: () => T): T {
  const spied = spy();
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  return spied;
}

/** A file system without events. */
function withoutEvents() {
  const watch = fs.watch;
  const watchSilently = ((...args: Parameters<typeof watch>) =>
    watch(args[0], { persistent: false }, () => {})) as typeof watch;
  spyOnFiles(() => vi.spyOn(fs, 'watch').mockImplementation(watchSilently));
}

/** As editors and kubectl write: nobody sees half of it. */
function replace(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

describe('a change', () => {
  it('makes it read no other file, and look through no folder', async () => {
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      for (const name of ['a', 'b', 'c', 'sub/d'])
        writeFileSync(join(dir, `${name}.yaml`), configMap(name.at(-1) ?? ''));
    });
    const read = spyOnFiles(() => vi.spyOn(fs, 'readFileSync'));
    const list = spyOnFiles(() => vi.spyOn(fs, 'readdirSync'));
    replace(join(mesh.dir, 'sub', 'd.yaml'), configMap('d', 'b'));
    await mesh.until({ a: 'a', b: 'a', c: 'a', d: 'b' });
    writeFileSync(join(mesh.dir, 'e.yaml'), configMap('e'));
    unlinkSync(join(mesh.dir, 'a.yaml'));
    await mesh.until({ b: 'a', c: 'a', d: 'b', e: 'a' });
    const files = new Set(read.mock.calls.map(([path]) => path));
    expect([...files].sort()).toEqual([join(mesh.dir, 'e.yaml'), join(mesh.dir, 'sub', 'd.yaml')]);
    expect(list).not.toHaveBeenCalled();
  });

  it('of all files at once, as a ConfigMap that is mounted makes it, is seen', async () => {
    const mesh = watched((dir) => {
      for (const version of ['one', 'two']) {
        mkdirSync(join(dir, `..${version}`));
        writeFileSync(join(dir, `..${version}`, 'a.yaml'), configMap('a', version));
        writeFileSync(join(dir, `..${version}`, 'b.yaml'), configMap('b', version));
      }
      symlinkSync('..one', join(dir, '..data'));
      for (const name of ['a.yaml', 'b.yaml']) symlinkSync(join('..data', name), join(dir, name));
    });
    expect(mesh.contents()).toEqual({ a: 'one', b: 'one' });
    const swap = (version: string) => {
      symlinkSync(`..${version}`, join(mesh.dir, '..data_tmp'));
      renameSync(join(mesh.dir, '..data_tmp'), join(mesh.dir, '..data'));
    };
    swap('two');
    rmSync(join(mesh.dir, '..one'), { recursive: true });
    await mesh.until({ a: 'two', b: 'two' });
    mkdirSync(join(mesh.dir, '..three'));
    writeFileSync(join(mesh.dir, '..three', 'a.yaml'), configMap('a', 'three'));
    unlinkSync(join(mesh.dir, 'b.yaml'));
    swap('three');
    await mesh.until({ a: 'three' });
    expect(mesh.diagnostics()).toEqual([]);
  });

  it('is found a little later where no event tells of it', async () => {
    withoutEvents();
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      for (const name of ['a', 'b', 'sub/c']) writeFileSync(join(dir, `${name}.yaml`), configMap(name.at(-1) ?? ''));
    });
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('a', 'b'));
    unlinkSync(join(mesh.dir, 'b.yaml'));
    writeFileSync(join(mesh.dir, 'd.yaml'), configMap('d'));
    rmSync(join(mesh.dir, 'sub'), { recursive: true });
    mkdirSync(join(mesh.dir, 'sub'));
    writeFileSync(join(mesh.dir, 'sub', 'c.yaml'), configMap('c', 'b'));
    await mesh.until({ a: 'b', c: 'b', d: 'a' });
  });

  it('of a folder that takes the place of another is seen', async () => {
    const mesh = watched((dir) => {
      for (const [folder, value] of Object.entries({ sub: 'old', '.next': 'new' })) {
        mkdirSync(join(dir, folder));
        for (const name of ['a', 'b']) writeFileSync(join(dir, folder, `${name}.yaml`), configMap(name, value));
      }
    });
    renameSync(join(mesh.dir, 'sub'), join(mesh.dir, '.before'));
    renameSync(join(mesh.dir, '.next'), join(mesh.dir, 'sub'));
    await mesh.until({ a: 'new', b: 'new' });
    replace(join(mesh.dir, 'sub', 'b.yaml'), configMap('b', 'newer'));
    await mesh.until({ a: 'new', b: 'newer' });
    // Nobody takes it for the folder that it was.
    writeFileSync(join(mesh.dir, '.before', 'a.yaml'), configMap('a', 'foreign'));
    rmSync(join(mesh.dir, 'sub', 'b.yaml'));
    await mesh.until({ a: 'new' });
  });
});

type Step = readonly [what: number, first: number, second: number];

const FOLDERS = ['', 'x', 'x/y', 'z'];

/** Objects are named after their file, so that no two files have the same one. */
function take(dir: string, [what, first, second]: Step, value: string): void {
  const folder = join(dir, FOLDERS[first % FOLDERS.length] ?? '');
  const name = `f${second}`;
  const file = join(folder, `${name}.yaml`);
  const text = configMap(
    `${FOLDERS[first % FOLDERS.length]?.replace('/', '-') ?? ''}-${name}`.replace(/^-/, ''),
    value,
  );
  if (what === 0 || what === 1) {
    mkdirSync(folder, { recursive: true });
    if (what === 0) writeFileSync(file, text);
    else replace(file, text);
  } else if (what === 2) {
    rmSync(file, { force: true });
  } else if (what === 3) {
    if (folder !== dir) rmSync(folder, { recursive: true, force: true });
  } else if (what === 4 && folder !== dir && isThere(folder)) {
    // A copy in the place of what was there.
    cpSync(folder, join(dir, '.copy'), { recursive: true });
    rmSync(folder, { recursive: true });
    renameSync(join(dir, '.copy'), folder);
  } else if (what === 5) {
    mkdirSync(folder, { recursive: true });
    const target = join(dir, `.${value}`);
    writeFileSync(target, text);
    symlinkSync(target, join(dir, '.link'));
    renameSync(join(dir, '.link'), file);
  } else if (isThere(folder)) {
    writeFileSync(join(folder, 'notes.txt'), value);
  }
}

function isThere(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

describe('after any history', () => {
  it('is known what a first look would show', { timeout: 120_000 }, async () => {
    const step = fc.tuple(fc.nat(6), fc.nat(3), fc.nat(3));
    /** Pauses let some of the events through before others. */
    const history = fc.array(fc.tuple(step, fc.boolean()), { minLength: 5, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const mesh = watched((dir) => {
          for (const [at, folder] of FOLDERS.entries()) take(dir, [0, at, 0], `start${folder.length}`);
        });
        for (const [index, [each, pauses]] of steps.entries()) {
          take(mesh.dir, each, `v${index}`);
          if (pauses) await new Promise(setImmediate);
        }
        const fresh = watched((dir) => {
          for (const entry of readdirSync(mesh.dir))
            cpSync(join(mesh.dir, entry), join(dir, entry), { recursive: true });
        });
        await mesh.until(fresh.contents());
        mesh.registry.close();
        fresh.registry.close();
      }),
      { numRuns: 25 },
    );
  });
});
