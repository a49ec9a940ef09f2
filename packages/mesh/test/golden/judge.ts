import type { Call, Expectation } from './call-file.ts';
import type { Answer } from './client.ts';
import type { EchoReport } from './echo-application.ts';

/** One answer, and how often applications saw the request. Whoever makes the calls gives these: Envoy, or a simulation. */
export interface Outcome {
  readonly answer: Answer;
  readonly attempts: number;
}

/** What is not as a call expects it, one sentence each. */
export function judge(call: Call, outcomes: readonly Outcome[]): string[] {
  const { distribution, instances } = call.expect;
  const problems = new Set(outcomes.flatMap((outcome) => judgeOne(call.expect, outcome)));
  return [
    ...problems,
    ...(instances === undefined ? [] : judgeInstances(instances, outcomes)),
    ...(distribution === undefined ? [] : judgeShares(distribution, outcomes)),
  ];
}

function judgeOne(expected: Expectation, { answer, attempts }: Outcome): string[] {
  const problems: string[] = [];
  const compare = (what: string, wanted: unknown, actual: unknown) => {
    if (wanted === undefined || wanted === (actual ?? null)) return;
    if (wanted instanceof RegExp && actual !== undefined && wanted.test(String(actual))) return;
    problems.push(
      `${what} is ${JSON.stringify(actual)}, not ${wanted instanceof RegExp ? wanted : JSON.stringify(wanted)}`,
    );
  };
  compare('the number of attempts', expected.attempts, attempts);
  if (answer.type === 'failure') {
    return expected.fails === true ? problems : [...problems, `the call failed: ${answer.reason}`];
  }
  if (expected.fails === true) return [...problems, `there is an answer, with status ${answer.status}: ${answer.body}`];
  compare('the status', expected.status, answer.status);
  compare('the location', expected.location, answer.headers.location);
  compare("the server's identity", expected.peer, answer.peer);
  for (const [name, value] of expected.responseHeaders ?? []) {
    compare(`the response header ${name}`, value, answer.headers[name]);
  }
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
  return problems;
}

const SEEN = ['workload', 'instance', 'path', 'method', 'host', 'body', 'protocol'] as const;

function needsReport(expected: Expectation): boolean {
  return expected.headers !== undefined || SEEN.some((field) => expected[field] !== undefined);
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
  for (const { answer } of outcomes) {
    const workload = (answer.type === 'response' ? reportOf(answer.body)?.workload : undefined) ?? 'none';
    counts.set(workload, (counts.get(workload) ?? 0) + 1);
  }
  const workloads = new Set([...distribution.keys(), ...counts.keys()]);
  return [...workloads].flatMap((workload) => {
    const share = (counts.get(workload) ?? 0) / outcomes.length;
    const [least, most] = distribution.get(workload) ?? [0, 0];
    return share >= least && share <= most ? [] : [`${workload} gave ${share} of the answers, not ${least} to ${most}`];
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
