import { describe, expect, it } from 'vitest';
import { type Call, readCall } from './call-file.ts';
import type { Answer } from './client.ts';
import { judge, type Outcome } from './judge.ts';

function call(expectation: object, more: object = {}): Call {
  return readCall({ name: 'a call', from: 'client', get: 'http://a/', ...more, expect: expectation }, 'calls[0]');
}

function answer(workload: string, status = 200): Answer {
  const body = JSON.stringify({
    workload,
    instance: `${workload}-0`,
    protocol: 'HTTP/1.1',
    body: '',
    headers: { a: '12' },
  });
  return { type: 'response', status, headers: { location: 'http://b/' }, body };
}

const failure: Answer = { type: 'failure', reason: 'reset' };

function problems(expectation: object, ...answers: Answer[]): string[] {
  return judge(
    call(expectation),
    answers.map((each) => ({ answer: each, attempts: 1 })),
  );
}

describe('a verdict', () => {
  it.each([
    [{ status: 200, workload: 'a', instance: 'a-0', location: 'http://b/', attempts: 1 }, []],
    [{ headers: { a: { matches: '[0-9]+' }, b: null } }, []],
    [{ status: 404 }, ['the status is 200, not 404']],
    [{ workload: 'b' }, ['the workload that the application saw is "a", not "b"']],
    [{ headers: { a: { matches: '[0-9]' } } }, ['the request header a is "12", not /^(?:[0-9])$/']],
    [{ headers: { b: { matches: '.*' } } }, ['the request header b is undefined, not /^(?:.*)$/']],
    [{ headers: { a: null } }, ['the request header a is "12", not null']],
    [{ responseHeaders: { location: null } }, ['the response header location is "http://b/", not null']],
    [{ attempts: 2 }, ['the number of attempts is 1, not 2']],
    [{ fails: true }, [expect.stringContaining('there is an answer, with status 200')]],
    [{ peer: 'spiffe://a' }, ['the server\'s identity is undefined, not "spiffe://a"']],
  ])('on %j is %j', (expectation, expected) => {
    expect(problems(expectation, answer('a'))).toEqual(expected);
  });

  it('holds for every answer', () => {
    expect(problems({ status: 200 }, answer('a'), answer('b', 503))).toEqual(['the status is 503, not 200']);
    expect(problems({ status: 200 }, answer('a'), failure)).toEqual(['the call failed: reset']);
    expect(problems({ fails: true }, failure)).toEqual([]);
  });

  it('needs an application where it says what one saw', () => {
    const local: Answer = { type: 'response', status: 200, headers: {}, body: 'no healthy upstream' };
    expect(problems({ workload: 'a' }, local)).toEqual([expect.stringContaining('no application answered')]);
    expect(problems({ status: 200 }, local)).toEqual([]);
  });

  it('counts shares, also of workloads that are not expected', () => {
    expect(problems({ instances: [1, 1] }, answer('a'), answer('a'))).toEqual([]);
    expect(problems({ instances: [2, 3] }, answer('a'))).toEqual(['1 instances answered (a-0), not 2 to 3']);
    const distribution = { a: [0.5, 1] };
    expect(problems({ distribution }, answer('a'), answer('a'))).toEqual([]);
    expect(problems({ distribution }, answer('a'), answer('b'))).toEqual(['b gave 0.5 of the answers, not 0 to 0']);
    expect(problems({ distribution: { a: [0, 0.4] } }, answer('a'))).toEqual(['a gave 1 of the answers, not 0 to 0.4']);
  });

  it('counts the weights that a simulation gives', () => {
    const outcomes = [
      { answer: answer('a'), attempts: 1, weight: 0.75 },
      { answer: answer('b'), attempts: 1, weight: 0.25 },
    ];
    expect(judge(call({ distribution: { a: [0.75, 0.75], b: [0.25, 0.25] } }), outcomes)).toEqual([]);
    expect(judge(call({ distribution: { a: [0.5, 0.5], b: [0, 1] } }), outcomes)).toHaveLength(1);
  });
});

describe('what is known of calls that were really made', () => {
  const made = (expectation: object, more: Partial<Outcome>) =>
    judge(call(expectation), [{ answer: answer('a'), attempts: 1, ...more }]);

  it('is how long they took', () => {
    expect(made({ atLeastMs: 10, atMostMs: 20 }, { durationMs: 15 })).toEqual([]);
    expect(made({ atLeastMs: 10 }, { durationMs: 9 })).toEqual(['the answer came after 9 ms, not 10 or more']);
    expect(made({ atMostMs: 20 }, { durationMs: 21 })).toEqual(['the answer came after 21 ms, not 20 or less']);
    expect(made({ atLeastMs: 10 }, {})).toEqual([]);
  });

  it('is who got copies', () => {
    const copies = (...workloads: string[]) => ({ mirrored: new Set(workloads) });
    expect(made({ mirrored: { b: [1, 1] } }, copies('b'))).toEqual([]);
    expect(made({ mirrored: { b: [1, 1] } }, copies())).toEqual(['b got copies of 0 of the requests, not 1 to 1']);
    expect(made({ mirrored: {} }, copies('c'))).toEqual(['c got copies of 1 of the requests, not 0 to 0']);
    expect(made({ mirrored: { b: [1, 1] } }, {})).toEqual([]);
  });

  it('is what was counted, and how names are spelt', () => {
    expect(made({ countedAs: 'x' }, { counted: false })).toEqual(['the requests were not counted as x']);
    expect(made({ countedAs: 'x' }, { counted: true })).toEqual([]);
    expect(made({ responseHeaderNames: ['X-A'] }, {})).toEqual(['there is no response header spelt X-A']);
    expect(made({ headerNames: ['X-A'] }, {})).toEqual(['the application saw no header spelt X-A']);
  });
});

describe('a call', () => {
  it.each([
    [{ expect: {} }, 'expects nothing'],
    [{ expect: { stauts: 200 } }, 'has the unknown field stauts'],
    [{ expect: { status: '200' } }, 'must be a whole number'],
    [{ expect: { status: 200 }, via: 'proxy' }, 'must be http-proxy or service-port or connect'],
    [{ expect: { distribution: { a: 0.5 } } }, 'must be [least, most]'],
  ])('with %j is refused', (more, message) => {
    expect(() => readCall({ name: 'a', from: 'b', get: 'http://a/', ...more }, 'calls[0]')).toThrow(message);
  });
});
