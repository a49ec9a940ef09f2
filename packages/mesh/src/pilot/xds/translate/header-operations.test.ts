import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FORMAT_COMMANDS, formatProblem } from '@lateen/api/envoy-format.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#agent/envoy/find.ts';
import type { RouteIr } from '../../proxy/ir/route.ts';
import { encodeListener } from '../encode-resource.ts';
import { printResource } from '../print-resource.ts';

const dir = mkdtempSync(join(tmpdir(), 'lat-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** Whether a real Envoy takes headers with these values. */
async function isAccepted(...values: readonly string[]): Promise<boolean> {
  const route: RouteIr = {
    name: 'r',
    match: { path: { type: 'any' }, headers: [] },
    action: { type: 'direct-response', status: 200 },
    headers: {
      request: { set: values.map((value, i) => ({ name: `x-${i}`, value })), add: [], remove: ['x-gone'] },
      response: { set: [], add: values.map((value, i) => ({ name: `x-${i}`, value })), remove: [] },
    },
    sources: [],
  };
  const listener = encodeListener({
    name: 'l',
    address: '127.0.0.1',
    port: 1,
    direction: 'outbound',
    chains: [
      {
        name: 'http',
        match: {},
        handler: {
          type: 'http',
          http: {
            statPrefix: 's',
            role: 'sidecar-outbound',
            dynamicForward: false,
            connect: false,
            routes: {
              type: 'inline',
              table: {
                name: 't',
                ignorePortInHost: false,
                virtualHosts: [{ name: 'v', domains: ['*'], routes: [route] }],
              },
            },
          },
        },
      },
    ],
    firstBytes: 'always',
    sources: [],
  });
  const file = join(dir, 'bootstrap.json');
  writeFileSync(file, JSON.stringify({ static_resources: { listeners: [printResource(listener)] } }));
  const { path } = await findEnvoy();
  const run = promisify(execFile)(path, ['--mode', 'validate', '-c', file, '-l', 'off'], { timeout: 20_000 });
  return run.then(
    () => true,
    () => false,
  );
}

const PARAMETERS: Readonly<Record<string, string>> = {
  COMMON_DURATION: '(DS_RX_BEG:DS_TX_END:ms)',
  COALESCE: '({"operators":["PROTOCOL"]})',
  METADATA: '(ROUTE:a)',
};

describe('values of headers', () => {
  it('may have every command that the schema knows', async () => {
    const values = [...FORMAT_COMMANDS].map((command) => {
      const plain = `%${command}%`;
      return formatProblem(plain) === undefined ? plain : `%${command}${PARAMETERS[command] ?? '(a)'}%`;
    });
    expect(values.filter((value) => formatProblem(value) !== undefined)).toEqual([]);
    expect(await isAccepted(...values)).toBe(true);
  });

  it.each(['100%%', '%REQ(x-a?:path):10%%%', '%START_TIME(%Y %s.%3f)%', ''])(
    '%s: both schema and Envoy take it',
    async (value) => {
      expect(formatProblem(value)).toBeUndefined();
      expect(await isAccepted(value)).toBe(true);
    },
  );

  it.each(['100%', '%REQ(X)', '%req(x)%', '%REQ%', '%REQ(a b)%', '%PROTOCOL:3%', '%PROTOCAL%', '%REQ(A?B?C)%'])(
    '%s: neither takes it',
    async (value) => {
      expect(formatProblem(value)).toBeDefined();
      expect(await isAccepted(value)).toBe(false);
    },
  );
});
