import { LateenError } from '@lateen/api/lateen-error.ts';
import { didYouMean } from '@lateen/api/suggest.ts';
import { type FoundLog, findLogs, listLogs } from '#local/logs.ts';

export interface LogQuery {
  /** `reviews-v1-0`, `reviews-v1`, `control-plane`, `reviews-v1.other`, `other/reviews-v1` */
  readonly name: string;
  readonly container: string | undefined;
  readonly envoy: boolean;
}

/** The logs that are meant. Throws LAT0514 with the names that there are. */
export function findNamedLogs(stateDir: string, query: LogQuery): FoundLog[] {
  const options = { envoy: query.envoy };
  const suffix = query.container === undefined ? '' : `.${query.container}`;
  for (const spelling of spellings(query.name)) {
    const found = findLogs(stateDir, `${spelling}${suffix}`, options);
    if (found.length > 0) return found;
    // A replica of one container has one log, which does not carry the container's name.
    if (query.container !== undefined && !query.envoy) {
      const whole = findLogs(stateDir, spelling, options);
      if (whole.length > 0) throw noSuchContainer(query.container, spelling, whole);
    }
  }
  throw unknownName(query, listLogs(stateDir));
}

/** `NAME.NAMESPACE` is `NAMESPACE/NAME` where logs are kept. */
function spellings(name: string): string[] {
  const dot = name.lastIndexOf('.');
  return dot <= 0 || name.includes('/') ? [name] : [name, `${name.slice(dot + 1)}/${name.slice(0, dot)}`];
}

function noSuchContainer(container: string, name: string, found: readonly FoundLog[]): LateenError {
  const containers = [...new Set(found.map((log) => log.name.split('.')[1]).filter((each) => each !== undefined))];
  return new LateenError(
    'LAT0514',
    `${name} has no log of a container "${container}"${didYouMean(container, containers) || '.'}`,
    containers.length === 0
      ? `It has one container only: lateen logs ${name}`
      : `Its containers: ${containers.join(', ')}.`,
  );
}

function unknownName({ name, envoy }: LogQuery, all: readonly FoundLog[]): LateenError {
  const names = [...new Set(all.map(titleOf))];
  return new LateenError(
    'LAT0514',
    `There is no ${envoy ? 'Envoy log' : 'log'} of "${name}"${guess(name, names)}`,
    names.length === 0 ? 'The mesh has not written any log yet.' : `There are: ${names.join(', ')}.`,
  );
}

/** `reviews` is the application of reviews-v1 and reviews-v2, but no name of a log; other words may be misspelt. */
function guess(name: string, replicas: readonly string[]): string {
  const workloads = [...new Set(replicas.map((each) => each.replace(/-\d+(?=$|\.)/, '')))];
  const [first, ...others] = workloads.filter((each) => each.startsWith(`${name}-`));
  if (first !== undefined) return `, did you mean ${[first, ...others].map((each) => `'${each}'`).join(' or ')}?`;
  return didYouMean(name, [...workloads, ...replicas]) || '.';
}

/** The word to type for a log. */
export function titleOf({ name, namespace }: FoundLog): string {
  const [replica = name] = name.split('.');
  return namespace === 'default' ? replica : `${replica}.${namespace}`;
}
