import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SUPPORTED_FEATURES } from '../packages/mesh/src/pilot/model/gateway-api/supported-features.ts';
import { GATEWAY_API_FEATURES } from './gateway-api-features.ts';

const CASES = join(import.meta.dirname, '../testdata/gateway-api');

it('says for each feature which cases there are, or why there is none', () => {
  const silent = GATEWAY_API_FEATURES.filter(({ cases, missing }) => (cases.length === 0) === (missing === undefined));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

it('names cases that exist', () => {
  const named = [...new Set(GATEWAY_API_FEATURES.flatMap(({ cases }) => cases))];
  expect(named.filter((each) => !existsSync(join(CASES, each, 'expect.yaml')))).toEqual([]);
});

it('is what the class says of itself, in the order that its status wants', () => {
  const supported = GATEWAY_API_FEATURES.filter(({ missing }) => missing === undefined).map(({ name }) => name);
  expect(SUPPORTED_FEATURES).toEqual(supported.toSorted());
});
