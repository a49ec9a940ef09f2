import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConfigObject } from '@lateen/api/kinds.ts';
import { LateenError } from '@lateen/api/lateen-error.ts';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { digestOf, Overlay } from './overlay.ts';

let path: string;

beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'lateen-overlay-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  path = join(dir, 'applied', 'objects.json');
});

const key = 'ConfigMap/default/a';
const object = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', namespace: 'default' },
  data: { key: 'value' },
} as const satisfies ConfigObject;

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof LateenError ? error.code : String(error);
  }
  return undefined;
}

describe('the overlay', () => {
  it('survives a restart', () => {
    new Overlay(path).update(new Map([[key, { object, over: null }]]));
    const again = new Overlay(path);
    expect([...again.keys()]).toEqual([key]);
    expect(again.get(key)).toEqual({ object, over: null });
    again.update(new Map([[key, undefined]]));
    expect([...new Overlay(path).keys()]).toEqual([]);
  });

  it('is closed to others, and leaves nothing beside it', () => {
    new Overlay(path).update(new Map([[key, { object, over: null }]]));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(path))).toEqual(['objects.json']);
  });

  it.each([
    ['no JSON', '{"entries": [['],
    ['nothing', ''],
    ['something else', '{"items": []}'],
    ['an incomplete entry', '{"entries": [["ConfigMap/default/a", {"object": {"kind": "ConfigMap"}}]]}'],
  ])('refuses a file with %s, and does not touch it', (_, text) => {
    mkdirSync(dirname(path));
    writeFileSync(path, text);
    expect(codeOf(() => new Overlay(path))).toBe('LAT0230');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('is not taken for empty when it cannot be read', () => {
    mkdirSync(path, { recursive: true });
    expect(() => new Overlay(path)).toThrow(
      expect.objectContaining({ code: 'LAT0230', message: expect.stringMatching(/objects\.json: EISDIR/) }),
    );
  });

  // A link to /dev/full makes a full disk out of the file that is written first.
  it.runIf(existsSync('/dev/full'))('says that the disk is full, and takes changes again once it is not', () => {
    const overlay = new Overlay(path);
    overlay.update(new Map([[key, { object, over: null }]]));
    symlinkSync('/dev/full', `${path}.new`);
    expect(() => overlay.update(new Map([[key, undefined]]))).toThrow(
      expect.objectContaining({ code: 'LAT0231', remedy: 'Free some space on the disk and try again.' }),
    );
    expect([...new Overlay(path).keys()]).toEqual([key]);
    expect(readdirSync(dirname(path))).toEqual(['objects.json']);
    overlay.update(new Map([[key, undefined]]));
    expect([...new Overlay(path).keys()]).toEqual([]);
  });

  it('changes nothing if it cannot store the change', () => {
    const overlay = new Overlay(path);
    overlay.update(new Map([[key, { object, over: null }]]));
    mkdirSync(`${path}.new`);
    expect(codeOf(() => overlay.update(new Map([[key, { object: null, over: null }]])))).toBe('LAT0231');
    expect(overlay.get(key)).toEqual({ object, over: null });
    expect(new Overlay(path).get(key)).toEqual({ object, over: null });
  });

  it('drops entries even if that cannot be stored', () => {
    const overlay = new Overlay(path);
    overlay.update(new Map([[key, { object, over: null }]]));
    mkdirSync(`${path}.new`);
    overlay.drop([key]);
    expect(overlay.get(key)).toBeUndefined();
  });
});

describe('a digest', () => {
  it('does not depend on the order of keys, but on that of lists', () => {
    const { data, ...rest } = object;
    expect(digestOf({ data, ...rest })).toBe(digestOf(object));
    const ports = (...names: string[]) => digestOf({ ...object, data: { names } } as unknown as ConfigObject);
    expect(ports('a', 'b')).not.toBe(ports('b', 'a'));
  });
});
