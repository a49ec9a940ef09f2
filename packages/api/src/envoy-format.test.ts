import { describe, expect, it } from 'vitest';
import { formatProblem } from './envoy-format.ts';

describe('a value of a header', () => {
  it.each([
    'plain',
    '',
    '100%%',
    '%%REQ%%',
    '%REQ(x-user)%',
    '%REQ(:authority)%',
    '%REQ(X?:PATH):10% and %PROTOCOL%%%',
    '%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%',
    '%START_TIME%',
    '%CEL(request.path.startsWith("/a"))%',
    '%DYNAMIC_METADATA(a:b):4%',
    '%COALESCE({"operators":[{"command":"REQ","param":"a"},"PROTOCOL"]})%',
  ])('may be %s', (value) => {
    expect(formatProblem(value)).toBeUndefined();
  });

  it.each([
    ['100%', "'%' at character 4"],
    ['50% off', "'%' at character 3"],
    ['a%20b', "'%' at character 2"],
    ['%req(x)%', "'%' at character 1"],
    ['%REQ(X)', "'%' at character 1"],
    ['%%%', "'%' at character 3"],
    ['%REQ%', 'without parameters'],
    ['%REQ()%', 'without parameters'],
    ['%REQ(a b)%', 'header name'],
    ['%REQ(A:B)%', 'header name'],
    ['%REQ(A?B?C)%', 'header name'],
    ['%PROTOCOL(x)%', 'takes none'],
    ['%PROTOCOL:3%', 'takes none'],
    ['%PROTOCAL%', "did you mean 'PROTOCOL'?"],
  ])('must not be %s', (value, problem) => {
    expect(formatProblem(value)).toContain(problem);
  });
});
