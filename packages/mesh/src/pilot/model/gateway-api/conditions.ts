/** What status says of an object, or of a part of it (`metav1.Condition` without its times). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, for programs; those that the Gateway API names are used as it means them. */
  readonly reason: string;
  readonly message: string;
}

/** A condition that does not hold. Of several for one type, the first tells. */
export interface Problem {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** Field path of what is wrong, in the object whose problem it is. */
  readonly path?: string;
}

/** The condition of a type: it holds, unless a problem says otherwise. */
export function conditionOf(type: string, problems: readonly Problem[], reasonIfTrue: string = type): Condition {
  const problem = problems.find((each) => each.type === type);
  return problem === undefined
    ? { type, status: 'True', reason: reasonIfTrue, message: '' }
    : { type, status: 'False', reason: problem.reason, message: problem.message };
}
