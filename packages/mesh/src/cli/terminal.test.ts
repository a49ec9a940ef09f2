import { expect, test } from 'vitest';
import { formatTable } from './table.ts';
import { paint, printable, wantsColour } from './terminal.ts';

test.each<[boolean, NodeJS.ProcessEnv, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('colour on a terminal %s with %j: %s', (isTerminal, env, wanted) => {
  expect(wantsColour(isTerminal, env)).toBe(wanted);
});

test('paints only where colour is wanted', () => {
  expect(paint({ colour: false }, 'red', 'x')).toBe('x');
  expect(paint({ colour: true }, 'red', 'x')).toBe('\u001b[31mx\u001b[39m');
});

test('tables', () => {
  expect(
    formatTable(
      ['name', 'port(s)', 'note'],
      [
        ['a', '', 'two\nlines'],
        ['longer-name', '80/TCP', ''],
      ],
    ),
  ).toBe('NAME          PORT(S)   NOTE\na             -         two lines\nlonger-name   80/TCP    -\n');
});

test('control characters do not reach the terminal, tabs and newlines do', () => {
  expect(printable('a\u001b[31m\u0007\u009b\tb\n')).toBe('a\ufffd[31m\ufffd\ufffd\tb\n');
});
