import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FileLayer } from '../../config/file-layer.ts';
import { FileRegistry } from './file-registry.ts';

function configMap(value: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: ${value}}\n`;
}

test('a file that is found half written twice in a short time keeps its objects', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-files-'));
  const file = join(dir, 'a.yaml');
  writeFileSync(file, configMap('one'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const layer = new FileLayer();
  let losses = 0;
  const registry = new FileRegistry({
    roots: [dir],
    defaultNamespace: 'default',
    cwd: dir,
    onResults(results) {
      for (const [name, result] of results) {
        if (result === undefined) layer.delete(name);
        else layer.set(name, result);
      }
    },
    loses: (name, result) => {
      const isLost = result === undefined ? layer.has(name) : layer.loses(name, result);
      if (isLost) losses++;
      return isLost;
    },
  });
  onTestFinished(() => {
    registry.close();
    vi.useRealTimers();
    rmSync(dir, { recursive: true, force: true });
  });
  registry.start();
  const value = () => {
    const object = layer.get('ConfigMap/default/a')?.object;
    return object?.kind === 'ConfigMap' ? object.data?.key : undefined;
  };
  /** Lets events arrive in no time; at most a little passes, for those that are gathered. */
  const until = async (isSo: () => boolean, what: string) => {
    for (let turn = 1; !isSo(); turn++) {
      if (turn === 1_000_000) throw new Error(`never ${what}`);
      await setImmediate();
      if (turn % 1_000 === 0 && turn <= 3_000) vi.advanceTimersByTime(2);
    }
  };

  vi.advanceTimersByTime(25);
  truncateSync(file);
  await until(() => losses === 1, 'found empty');
  vi.advanceTimersByTime(25);
  writeFileSync(file, configMap('two'));
  await until(() => value() === 'two', 'read again');
  truncateSync(file);
  await until(() => losses === 2, 'found empty again');
  // The time to look again after the first loss has come, but not that after the second.
  vi.advanceTimersByTime(20);
  expect(value()).toBe('two');
  writeFileSync(file, configMap('three'));
  await until(() => value() === 'three', 'read at last');
});
