import fs, {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { configMap, watched } from '../../testing/watched-files.ts';

/** For what root cannot be kept from. */
function beNobody(): void {
  if (process.getuid?.() !== 0) return;
  process.seteuid?.(65_534);
  onTestFinished(() => process.seteuid?.(0));
}

describe('the file registry', () => {
  it('reads all YAML files below a folder, but no examples, hidden or foreign ones', () => {
    const { contents, scan, dir } = watched((dir) => {
      for (const folder of ['sub/deeper', 'routes', '.git', 'node_modules'])
        mkdirSync(join(dir, folder), { recursive: true });
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'b.yml'), `${configMap('b')}---\n${configMap('b2')}`);
      writeFileSync(join(dir, 'sub/deeper/c.yaml'), configMap('c'));
      for (const file of ['routes/r.yaml', '.git/g.yaml', 'node_modules/n.yaml', '.h.yaml', 'notes.txt']) {
        writeFileSync(join(dir, file), configMap('ignored'));
      }
    });
    expect(contents()).toEqual({ a: 'a', b: 'a', b2: 'a', c: 'a' });
    expect(scan.skipped).toEqual([join(dir, 'routes')]);
  });

  it('reads a folder of examples, or a single file of one, when it is named', () => {
    const prepare = (dir: string) => {
      mkdirSync(join(dir, 'routes'));
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'routes', 'r.yaml'), configMap('r'));
      writeFileSync(join(dir, 'routes', 's.yaml'), configMap('s'));
    };
    const folder = watched(prepare, (dir) => [dir, join(dir, 'routes')]);
    expect(folder.contents()).toEqual({ a: 'a', r: 'a', s: 'a' });
    const file = watched(prepare, (dir) => [dir, join(dir, 'routes', 's.yaml')]);
    expect(file.contents()).toEqual({ a: 'a', s: 'a' });
  });

  it('sees an edit in place', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), configMap('a')));
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    appendFileSync(join(mesh.dir, 'a.yaml'), `---\n${configMap('b')}`);
    await mesh.until({ a: 'b', b: 'a' });
  });

  it('sees an edit of a single file that is named', async () => {
    const mesh = watched(
      (dir) => writeFileSync(join(dir, 'manifest'), configMap('a')),
      (dir) => [join(dir, 'manifest')],
    );
    writeFileSync(join(mesh.dir, 'manifest.new'), configMap('a', 'b'));
    renameSync(join(mesh.dir, 'manifest.new'), join(mesh.dir, 'manifest'));
    await mesh.until({ a: 'b' });
  });

  it('takes nothing away while a file is written in two steps', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), `${configMap('a')}---\n${configMap('b')}`));
    mesh.seen.length = 0;
    truncateSync(join(mesh.dir, 'a.yaml'));
    // As long as the registry needs to notice: a second file that it reads after the truncated one.
    writeFileSync(join(mesh.dir, 'other.yaml'), configMap('other'));
    await mesh.until({ a: 'a', b: 'a', other: 'a' });
    writeFileSync(join(mesh.dir, 'a.yaml'), `${configMap('a', 'b')}---\n${configMap('b')}`);
    await mesh.until({ a: 'b', b: 'a', other: 'a' });
    expect(mesh.seen).not.toContain('a gone');
    expect(mesh.seen).not.toContain('b gone');
  });

  it('sees a file that is renamed over another', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), configMap('a')));
    mesh.seen.length = 0;
    writeFileSync(join(mesh.dir, '.a.yaml.swp'), configMap('a', 'b'));
    renameSync(join(mesh.dir, '.a.yaml.swp'), join(mesh.dir, 'a.yaml'));
    await mesh.until({ a: 'b' });
    expect(mesh.seen).toEqual(['a b']);
  });

  it('moves an object from one file to another without losing it', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), configMap('a')));
    mesh.seen.length = 0;
    renameSync(join(mesh.dir, 'a.yaml'), join(mesh.dir, 'b.yaml'));
    writeFileSync(join(mesh.dir, 'b.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    await vi.waitFor(() => expect(mesh.diagnostics()).toEqual([]));
    expect(mesh.seen).not.toContain('a gone');
  });

  it('forgets what a removed file held', async () => {
    const mesh = watched((dir) => {
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'b.yaml'), configMap('b'));
    });
    unlinkSync(join(mesh.dir, 'b.yaml'));
    await mesh.until({ a: 'a' });
  });

  it('sees new folders and what is written into them later', async () => {
    const mesh = watched(() => {});
    mkdirSync(join(mesh.dir, 'new', 'deeper'), { recursive: true });
    writeFileSync(join(mesh.dir, 'new', 'deeper', 'a.yaml'), configMap('a'));
    await mesh.until({ a: 'a' });
    writeFileSync(join(mesh.dir, 'new', 'deeper', 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    writeFileSync(join(mesh.dir, 'new', 'b.yaml'), configMap('b'));
    await mesh.until({ a: 'b', b: 'a' });
  });

  it('goes on watching a folder that is replaced', async () => {
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      writeFileSync(join(dir, 'sub', 'a.yaml'), configMap('a'));
    });
    rmSync(join(mesh.dir, 'sub'), { recursive: true });
    mkdirSync(join(mesh.dir, 'sub'));
    writeFileSync(join(mesh.dir, 'sub', 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    writeFileSync(join(mesh.dir, 'sub', 'a.yaml'), configMap('a', 'c'));
    await mesh.until({ a: 'c' });
  });

  it('forgets a removed folder', async () => {
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'sub', 'b.yaml'), configMap('b'));
    });
    rmSync(join(mesh.dir, 'sub'), { recursive: true });
    await mesh.until({ a: 'a' });
    expect(mesh.diagnostics()).toEqual([]);
  });

  it('keeps the last good version of what became invalid', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), `${configMap('a')}---\n${configMap('b')}`));
    writeFileSync(join(mesh.dir, 'a.yaml'), `${configMap('a').replace('\ndata', '\ndta')}---\n${configMap('b', 'b')}`);
    await mesh.until({ a: 'a', b: 'b' });
    expect(mesh.diagnostics()).toMatchObject([{ code: 'LAT0110', file: 'a.yaml', line: 4, path: 'dta' }]);
    writeFileSync(join(mesh.dir, 'a.yaml'), 'a: [');
    await vi.waitFor(() => expect(mesh.diagnostics()).toMatchObject([{ code: 'LAT0101', file: 'a.yaml' }]));
    expect(mesh.contents()).toEqual({ a: 'a', b: 'b' });
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('b', 'c'));
    await mesh.until({ b: 'c' });
    expect(mesh.diagnostics()).toEqual([]);
  });

  it('follows symbolic links to files, also when what they lead to is edited elsewhere', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'lateen-elsewhere-'));
    onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }));
    writeFileSync(join(elsewhere, 'real.txt'), configMap('a'));
    writeFileSync(join(elsewhere, 'second.txt'), configMap('a', 'c'));
    const mesh = watched((dir) => symlinkSync(join(elsewhere, 'real.txt'), join(dir, 'a.yaml')));
    expect(mesh.contents()).toEqual({ a: 'a' });
    writeFileSync(join(elsewhere, 'real.txt'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    symlinkSync(join(elsewhere, 'second.txt'), join(mesh.dir, 'next'));
    renameSync(join(mesh.dir, 'next'), join(mesh.dir, 'a.yaml'));
    await mesh.until({ a: 'c' });
  });

  it('is not confused by links that lead nowhere or in circles', async () => {
    const mesh = watched((dir) => {
      symlinkSync('circle.yaml', join(dir, 'circle.yaml'));
      symlinkSync('nowhere', join(dir, 'nowhere.yaml'));
      symlinkSync('.', join(dir, 'folder.yaml'));
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
    });
    expect(mesh.contents()).toEqual({ a: 'a' });
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
  });

  it('says that a file is too large, and keeps what it held', async () => {
    const mesh = watched((dir) => writeFileSync(join(dir, 'a.yaml'), configMap('a')));
    truncateSync(join(mesh.dir, 'a.yaml'), 9 * 1024 * 1024);
    await vi.waitFor(() => expect(mesh.diagnostics()).toMatchObject([{ code: 'LAT0121', file: 'a.yaml' }]));
    expect(mesh.contents()).toEqual({ a: 'a' });
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b' });
    expect(mesh.diagnostics()).toEqual([]);
  });

  it('says once which folder cannot be watched, and watches the others', async () => {
    const watch = fs.watch;
    const noneLeft = Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), {
      code: 'ENOSPC',
    });
    vi.spyOn(fs, 'watch').mockImplementation(((...args: Parameters<typeof watch>) => {
      if (String(args[0]).endsWith('sub')) throw noneLeft;
      return watch(...args);
    }) as typeof watch);
    syncBuiltinESMExports();
    onTestFinished(() => {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    });
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'sub', 'b.yaml'), configMap('b'));
    });
    expect(mesh.unwatched).toEqual(['sub: ENOSPC: System limit for number of file watchers reached']);
    expect(mesh.contents()).toEqual({ a: 'a', b: 'a' });
    // An edit elsewhere makes it look everywhere.
    writeFileSync(join(mesh.dir, 'sub', 'b.yaml'), configMap('b', 'b'));
    writeFileSync(join(mesh.dir, 'a.yaml'), configMap('a', 'b'));
    await mesh.until({ a: 'b', b: 'b' });
    expect(mesh.unwatched).toHaveLength(1);
  });

  it('says that something cannot be read, and keeps what it held', async () => {
    beNobody();
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      writeFileSync(join(dir, 'a.yaml'), configMap('a'));
      writeFileSync(join(dir, 'sub', 'b.yaml'), configMap('b'));
    });
    chmodSync(join(mesh.dir, 'a.yaml'), 0);
    chmodSync(join(mesh.dir, 'sub'), 0);
    onTestFinished(() => chmodSync(join(mesh.dir, 'sub'), 0o700));
    writeFileSync(join(mesh.dir, 'c.yaml'), configMap('c'));
    await mesh.until({ a: 'a', b: 'a', c: 'a' });
    expect(mesh.diagnostics()).toMatchObject([
      { code: 'LAT0121', file: 'a.yaml' },
      { code: 'LAT0121', file: 'sub' },
    ]);
    // Long enough for what seems to be lost to be believed.
    writeFileSync(join(mesh.dir, 'c.yaml'), '');
    await mesh.until({ a: 'a', b: 'a' });
    chmodSync(join(mesh.dir, 'a.yaml'), 0o600);
    chmodSync(join(mesh.dir, 'sub'), 0o700);
    writeFileSync(join(mesh.dir, 'sub', 'b.yaml'), configMap('b', 'b'));
    await mesh.until({ a: 'a', b: 'b' });
    await vi.waitFor(() => expect(mesh.diagnostics()).toEqual([]));
  });

  it('says that a root does not exist, and finds it when it does', async () => {
    const mesh = watched(
      () => {},
      (dir) => [join(dir, 'later')],
    );
    expect(mesh.diagnostics()).toMatchObject([{ code: 'LAT0121', file: 'later' }]);
    mkdirSync(join(mesh.dir, 'later'));
    writeFileSync(join(mesh.dir, 'later', 'a.yaml'), configMap('a'));
    await mesh.until({ a: 'a' });
    await vi.waitFor(() => expect(mesh.diagnostics()).toEqual([]));
  });

  it('reports the folder that a file is in', () => {
    const mesh = watched((dir) => {
      mkdirSync(join(dir, 'sub'));
      writeFileSync(join(dir, 'sub', 'a.yaml'), configMap('a'));
    });
    expect(mesh.registry.folderOf('sub/a.yaml')).toBe(join(mesh.dir, 'sub'));
  });
});
