import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { ObjectKey } from '@lateen/api/object-key.ts';
import { expect, onTestFinished, vi } from 'vitest';
import { FileLayer } from '../config/file-layer.ts';
import { FileRegistry } from '../registry/files/file-registry.ts';

export function configMap(name: string, value = 'a'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {key: ${value}}\n`;
}

/** A registry over a folder, and what its files say as the store would keep it. */
export function watched(prepare: (dir: string) => void, roots: (dir: string) => string[] = (dir) => [dir]) {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-files-'));
  prepare(dir);
  const layer = new FileLayer();
  const keys = new Set<ObjectKey>();
  /** Each value that an object ever had, in order; `gone` when it went away. */
  const seen: string[] = [];
  /** Folders that are not watched, and why. */
  const unwatched: string[] = [];
  const registry = new FileRegistry({
    roots: roots(dir),
    defaultNamespace: 'default',
    cwd: dir,
    onResults(results) {
      for (const [file, result] of results) {
        for (const key of result === undefined ? layer.delete(file) : layer.set(file, result)) {
          keys.add(key);
          seen.push(`${key.split('/')[2]} ${valueUnder(key) ?? 'gone'}`);
        }
      }
    },
    onUnwatched: (folder, reason) => unwatched.push(`${relative(dir, folder)}: ${reason}`),
    loses: (file, result) => (result === undefined ? layer.has(file) : layer.loses(file, result)),
  });
  const valueUnder = (key: ObjectKey): string | undefined => {
    const object = layer.get(key)?.object;
    return object?.kind === 'ConfigMap' ? object.data?.key : undefined;
  };
  onTestFinished(() => {
    registry.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const scan = registry.start();
  return {
    dir,
    scan,
    registry,
    seen,
    unwatched,
    diagnostics: () => layer.diagnostics(),
    /** `{name: value}` of all ConfigMaps. */
    contents() {
      const present = [...keys].filter((key) => layer.get(key) !== undefined).sort();
      return Object.fromEntries(present.map((key) => [key.split('/')[2], valueUnder(key)]));
    },
    async until(expected: Record<string, string>) {
      await vi.waitFor(() => expect(this.contents()).toEqual(expected), { timeout: 5_000, interval: 2 });
    },
  };
}
