import type { Call, Expectation } from './call-file.ts';
import type { Answer } from './client.ts';
import type { EchoReport } from './echo-application.ts';

/** One answer, and how often applications saw the request. Whoever makes the calls gives these: Envoy, or a simulation. */
export interface Outcome {
  readonly answer: Answer;
  readonly attempts: number;
  /** Not known of a call that was not really made, as what follows. */
  readonly durationMs?: number;
  /** Workloads that got a copy. */
  readonly mirrored?: ReadonlySet<string>;
  /** Whether it was counted as the call expects. */
  readonly counted?: boolean;
  /** How much it counts among all: the share that a simulation gives it. Default 1. */
  readonly weight?: number;
}

/** What is not as a call expects it, one sentence each. */
export function judge(call: Call, outcomes: readonly Outcome[]): string[] {
  const { distribution, instances, mirrored } = call.expect;
  const problems = new Set(outcomes.flatMap((outcome) => judgeOne(call.expect, outcome)));
  return [
    ...problems,
    ...(instances === undefined ? [] : judgeInstances(instances, outcomes)),
    ...(distribution === undefined ? [] : judgeShares(distribution, outcomes)),
    ...(mirrored === undefined ? [] : judgeCopies(mirrored, outcomes)),
  ];
}

function judgeOne(expected: Expectation, { answer, attempts, durationMs, counted }: Outcome): string[] {
  const problems: string[] = [];
  if (durationMs !== undefined) {
    const { atLeastMs = 0, atMostMs = Number.POSITIVE_INFINITY } = expected;
    if (durationMs < atLeastMs) problems.push(`the answer came after ${durationMs} ms, not ${atLeastMs} or more`);
    if (durationMs > atMostMs) problems.push(`the answer came after ${durationMs} ms, not ${atMostMs} or less`);
  }
  if (counted === false) problems.push(`the requests were not counted as ${expected.countedAs}`);
  const compare = (what: string, wanted: unknown, actual: unknown) => {
    if (wanted === undefined || wanted === (actual ?? null)) return;
    if (wanted instanceof RegExp && actual !== undefined && wanted.test(String(actual))) return;
    problems.push(
      `${what} is ${JSON.stringify(actual)}, not ${wanted instanceof RegExp ? wanted : JSON.stringify(wanted)}`,
    );
  };
  compare('the number of attempts', expected.attempts, attempts);
  if (answer.type === 'failure') {
    const mayFail = expected.fails === true || expected.distribution?.has('none') === true;
    return mayFail ? problems : [...problems, `the call failed: ${answer.reason}`];
  }
  if (expected.fails === true) return [...problems, `there is an answer, with status ${answer.status}: ${answer.body}`];
  compare('the status', expected.status, answer.status);
  compare('the body of the answer', expected.answer, answer.body);
  compare('the location', expected.location, answer.headers.location);
  compare("the server's identity", expected.peer, answer.peer);
  for (const [name, value] of expected.responseHeaders ?? []) {
    compare(`the response header ${name}`, value, answer.headers[name]);
  }
  const missing = (expected.responseHeaderNames ?? []).filter((name) => !answer.rawHeaders?.includes(name));
  for (const name of missing) problems.push(`there is no response header spelt ${name}`);
  const report = reportOf(answer.body);
  if (report === undefined) {
    if (needsReport(expected))
      problems.push(`no application answered, but somebody with ${answer.status}: ${answer.body}`);
    return problems;
  }
  for (const field of SEEN) compare(`the ${field} that the application saw`, expected[field], report[field]);
  for (const [name, value] of expected.headers ?? []) {
    compare(`the request header ${name}`, value, report.headers?.[name]);
  }
  for (const name of expected.headerNames ?? []) {
    if (!report.headerNames?.includes(name)) problems.push(`the application saw no header spelt ${name}`);
  }
  return problems;
}

const SEEN = [
  'workload',
  'instance',
  'port',
  'path',
  'method',
  'host',
  'body',
  'protocol',
  'clientCertificate',
] as const;

function needsReport(expected: Expectation): boolean {
  return (
    expected.headers !== undefined ||
    expected.headerNames !== undefined ||
    SEEN.some((field) => expected[field] !== undefined)
  );
}

function judgeInstances([least, most]: readonly [number, number], outcomes: readonly Outcome[]): string[] {
  const answered = new Set(
    outcomes.map(({ answer }) => (answer.type === 'response' ? reportOf(answer.body)?.instance : undefined) ?? 'none'),
  );
  return answered.size >= least && answered.size <= most
    ? []
    : [`${answered.size} instances answered (${[...answered].sort().join(', ')}), not ${least} to ${most}`];
}

function judgeShares(
  distribution: ReadonlyMap<string, readonly [number, number]>,
  outcomes: readonly Outcome[],
): string[] {
  const counts = new Map<string, number>();
  let total = 0;
  for (const { answer, weight = 1 } of outcomes) {
    const workload = (answer.type === 'response' ? reportOf(answer.body)?.workload : undefined) ?? 'none';
    counts.set(workload, (counts.get(workload) ?? 0) + weight);
    total += weight;
  }
  const workloads = new Set([...distribution.keys(), ...counts.keys()]);
  return [...workloads].flatMap((workload) => {
    const share = (counts.get(workload) ?? 0) / total;
    const [least, most] = distribution.get(workload) ?? [0, 0];
    return share >= least && share <= most ? [] : [`${workload} gave ${share} of the answers, not ${least} to ${most}`];
  });
}

function judgeCopies(mirrored: ReadonlyMap<string, readonly [number, number]>, outcomes: readonly Outcome[]): string[] {
  const known = outcomes.flatMap((outcome) => outcome.mirrored ?? []);
  if (known.length === 0) return [];
  const workloads = new Set([...mirrored.keys(), ...known.flatMap((copies) => [...copies])]);
  return [...workloads].flatMap((workload) => {
    const share = known.filter((copies) => copies.has(workload)).length / known.length;
    const [least, most] = mirrored.get(workload) ?? [0, 0];
    return share >= least && share <= most
      ? []
      : [`${workload} got copies of ${share} of the requests, not ${least} to ${most}`];
  });
}

function reportOf(body: string): EchoReport | undefined {
  try {
    const report = JSON.parse(body) as Partial<EchoReport>;
    return typeof report.workload === 'string' ? (report as EchoReport) : undefined;
  } catch {
    return undefined;
  }
}
