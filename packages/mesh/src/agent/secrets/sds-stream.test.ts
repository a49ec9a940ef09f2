import { beforeEach, expect, test } from 'vitest';
import { type SdsRequest, SdsStream } from './sds-stream.ts';
import { type NamedSecret, SecretStore } from './secret-store.ts';
import type { WorkloadCertificate } from './workload-certificate.ts';

let store: SecretStore;
let sent: { nonce: string; names: string[] }[];
let rejections: string[];
let stream: SdsStream;

beforeEach(() => {
  store = new SecretStore();
  sent = [];
  rejections = [];
  stream = new SdsStream({
    store,
    send: (nonce: string, secrets: readonly NamedSecret[]) =>
      sent.push({ nonce, names: secrets.map(({ name }) => name) }),
    onRejection: (message) => rejections.push(message),
  });
});

function put(version: string, bundleVersion = '1'): void {
  const certificate: WorkloadCertificate = {
    chain: version,
    privateKey: 'key',
    trustBundle: bundleVersion,
    serialNumber: version,
    notAfter: new Date(0),
    chainVersion: version,
    bundleVersion,
  };
  store.put(certificate);
}

function wants(names: string[], nonce = '', rejection?: string): SdsRequest {
  return { nonce, subscribe: names, unsubscribe: null, ...(rejection === undefined ? {} : { rejection }) };
}

function adds(names: string[], more: Partial<SdsRequest> = {}): SdsRequest {
  return { nonce: '', subscribe: names, unsubscribe: [], ...more };
}

test('answers when the certificate is there, and for names it knows', () => {
  stream.handle(wants(['default', 'no-such-secret']));
  expect(sent).toEqual([]);
  put('1');
  expect(sent).toEqual([{ nonce: '1', names: ['default'] }]);
});

test('sends only what has changed', () => {
  put('1');
  stream.handle(wants(['default', 'ROOTCA']));
  stream.handle(wants(['default', 'ROOTCA'], '1'));
  put('2');
  stream.handle(wants(['default', 'ROOTCA'], '2'));
  put('2');
  put('2', '2');
  expect(sent.map(({ names }) => names)).toEqual([['default', 'ROOTCA'], ['default'], ['ROOTCA']]);
});

test('one response at a time: the latest follows the acknowledgement', () => {
  put('1');
  stream.handle(wants(['default']));
  put('2');
  put('3');
  expect(sent).toHaveLength(1);
  stream.handle(wants(['default'], '1'));
  expect(sent).toHaveLength(2);
  stream.handle(wants(['default'], '2'));
  expect(sent).toHaveLength(2);
});

test('what is refused is reported and not sent again until it changes', () => {
  put('1');
  stream.handle(wants(['default']));
  stream.handle(wants(['default'], '1', 'bad key'));
  expect(rejections).toEqual(['bad key']);
  expect(sent).toHaveLength(1);
  put('2');
  expect(sent).toHaveLength(2);
});

test('an answer to an older response changes nothing', () => {
  put('1');
  stream.handle(wants(['default']));
  stream.handle(wants(['default'], '1'));
  put('2');
  stream.handle(wants(['ROOTCA'], '1'));
  put('3');
  expect(sent.map(({ names }) => names)).toEqual([['default'], ['default']]);
});

test('delta: names are added and removed', () => {
  put('1');
  stream.handle(adds(['default']));
  stream.handle(adds(['ROOTCA'], { nonce: '1' }));
  stream.handle({ nonce: '2', subscribe: [], unsubscribe: ['default'] });
  put('2', '2');
  expect(sent.map(({ names }) => names)).toEqual([['default'], ['ROOTCA'], ['ROOTCA']]);
});

test('delta: what a reconnecting client holds is not sent again', () => {
  put('1');
  stream.handle(adds(['default', 'ROOTCA'], { held: { default: '1', ROOTCA: 'older' } }));
  expect(sent).toEqual([{ nonce: '1', names: ['ROOTCA'] }]);
});

test('delta: a name that is subscribed to again is sent again', () => {
  put('1');
  stream.handle(adds(['default']));
  stream.handle(adds(['default'], { nonce: '1' }));
  expect(sent).toHaveLength(2);
});

test('a closed stream is not written to', () => {
  stream.handle(wants(['default']));
  stream.close();
  put('1');
  expect(sent).toEqual([]);
});
