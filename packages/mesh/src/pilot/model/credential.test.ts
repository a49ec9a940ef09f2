import type { ConfigMap, Secret } from '@lateen/api/kinds.ts';
import { expect, test } from 'vitest';
import { buildBundle, buildCredential, type Credential } from './credential.ts';

function secret(fields: Pick<Secret, 'data' | 'stringData'>): Credential {
  return buildCredential({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'x' }, ...fields });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

test.each([
  ['tls.crt', 'tls.key', 'ca.crt', 'ca.crl'],
  ['cert', 'key', 'cacert', 'crl'],
])('a Secret with the keys %s, %s, %s, %s', (chain, key, roots, revoked) => {
  const data = { [chain]: base64('chain'), [key]: base64('key'), [roots]: base64('roots'), [revoked]: base64('crl') };
  expect(secret({ data })).toMatchObject({
    keyPair: { chain: 'chain', privateKey: 'key' },
    authorities: { roots: 'roots', revoked: 'crl' },
  });
});

test('what is written as text counts before what is in Base64, as for Kubernetes', () => {
  expect(
    secret({ data: { 'tls.crt': base64('old'), 'tls.key': base64('key') }, stringData: { 'tls.crt': 'new' } }),
  ).toMatchObject({ keyPair: { chain: 'new', privateKey: 'key' } });
});

test('Base64 may be written in several lines', () => {
  const [start, end] = [base64('chain').slice(0, 3), base64('chain').slice(3)];
  expect(secret({ data: { cert: `${start}\n  ${end}\n`, key: base64('key') } }).keyPair?.chain).toBe('chain');
});

test('half of a pair is none', () => {
  expect(secret({ stringData: { 'tls.crt': 'chain' } }).keyPair).toBeUndefined();
  expect(secret({ stringData: { 'tls.crt': 'chain', key: 'key' } }).keyPair).toBeUndefined();
  expect(secret({ stringData: { 'tls.crt': 'chain', 'tls.key': '\n' } }).keyPair).toBeUndefined();
});

test('a list of revoked certificates is of use only with authorities', () => {
  expect(secret({ stringData: { 'ca.crl': 'crl' } }).authorities).toBeUndefined();
});

test('a ConfigMap has authorities, and no keys', () => {
  const map = (data: Record<string, string>): ConfigMap => {
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace: 'x' }, data };
  };
  expect(buildBundle(map({ 'ca.crt': 'roots', 'tls.crt': 'chain', 'tls.key': 'key' }))).toEqual({
    namespace: 'x',
    name: 'm',
    authorities: { roots: 'roots' },
    source: { kind: 'ConfigMap', namespace: 'x', name: 'm' },
  });
  expect(buildBundle(map({ greeting: 'hello' }))).toBeUndefined();
});
