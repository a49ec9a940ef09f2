import { expect, test } from 'vitest';
import { type Answer, ResponseReader } from './response-reader.ts';

const two = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nserver: a\r\n\r\nhelloHTTP/1.1 503 Service Unavailable\r\ncontent-length:0\r\n\r\n',
);
const read = (answers: readonly Answer[]) => answers.map(({ status, body }) => [status, body.toString()]);

test('answers are found wherever the stream is cut', () => {
  for (let size = 1; size <= two.length; size++) {
    const reader = new ResponseReader();
    const answers: Answer[] = [];
    for (let at = 0; at < two.length; at += size) answers.push(...reader.push(two.subarray(at, at + size)));
    expect(read(answers)).toEqual([
      [200, 'hello'],
      [503, ''],
    ]);
  }
});

test('what cannot be measured is refused', () => {
  const push = (text: string) => new ResponseReader().push(Buffer.from(text));
  expect(() => push('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')).toThrow('without a Content-Length');
  expect(() => push('SSH-2.0-x\r\n\r\n')).toThrow('no HTTP/1.1 response');
  expect(() => push('HTTP/1.1 200 OK\r\nx-content-length: 5\r\n\r\n')).toThrow('without a Content-Length');
  expect(() => push('x'.repeat(100_000))).toThrow('response head');
});
