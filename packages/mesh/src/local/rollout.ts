const MAX_SURGE = 1;

/** What a Deployment asks for. */
export interface Desired {
  readonly replicas: number;
  /** Of the pod template and everything it refers to. Replicas of another hash are replaced. */
  readonly hash: string;
}

export interface Current {
  readonly ordinal: number;
  readonly hash: string;
  readonly ready: boolean;
  readonly stopping: boolean;
}

export interface Plan {
  /** Ordinals of the replicas to start. */
  readonly start: readonly number[];
  readonly stop: readonly number[];
}

/**
 * Decides what to start and stop now, from what is there now; asked again after every change. Replicas are named
 * `<deployment>-<ordinal>` with the lowest ordinal that is free, so a Deployment of three that was never changed has 0,
 * 1 and 2, and the successor of 0 in a rolling update of a single replica is 1.
 *
 * A changed template is rolled out with one replica more than wanted and none less (maxSurge 1, maxUnavailable 0; the
 * `strategy` of a Deployment is for clusters).
 */
export function planRollout(desired: Desired, current: readonly Current[]): Plan {
  const active = current.filter((replica) => !replica.stopping);
  const fresh = active.filter((replica) => replica.hash === desired.hash);
  const outdated = active.filter((replica) => replica.hash !== desired.hash);
  // Replicas of the old template that are not ready serve nobody: they make room first.
  const gone = [...surplus(fresh, fresh.length - desired.replicas), ...outdated.filter((replica) => !replica.ready)];
  const left = active.filter((replica) => !gone.includes(replica));
  // Of those that serve, as many may go as there are beyond the number that must stay available.
  const spare = left.filter((replica) => replica.ready).length - desired.replicas;
  const retired = surplus(
    outdated.filter((replica) => replica.ready),
    spare,
  );
  const room = desired.replicas + MAX_SURGE - (left.length - retired.length);
  return {
    start: freeOrdinals(current, Math.min(desired.replicas - fresh.length, room)),
    stop: [...gone, ...retired].map((replica) => replica.ordinal),
  };
}

/** The ones to give up when there are too many: those that are not ready, then the highest ordinals. */
function surplus(replicas: readonly Current[], count: number): Current[] {
  if (count <= 0) return [];
  return [...replicas].sort((a, b) => Number(a.ready) - Number(b.ready) || b.ordinal - a.ordinal).slice(0, count);
}

function freeOrdinals(current: readonly Current[], count: number): number[] {
  const taken = new Set(current.map((replica) => replica.ordinal));
  const free: number[] = [];
  for (let ordinal = 0; free.length < count; ordinal += 1) if (!taken.has(ordinal)) free.push(ordinal);
  return free;
}
