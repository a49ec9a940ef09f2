import { durationMs } from '@lateen/api/duration.ts';
import type { ConfigObject, XBackendTrafficPolicy } from '@lateen/api/kinds.ts';
import type { Collection } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import { defined } from '../defined.ts';
import type { Session } from '../session.ts';
import type { RetryBudget } from '../traffic-settings.ts';
import type { Problem } from './conditions.ts';
import { ageRank, byRank, type Rank } from './precedence.ts';
import { buildSession } from './session.ts';

/** What an XBackendTrafficPolicy asks for, whatever other policies there are. */
export interface BackendTrafficPolicy extends BackendTraffic {
  readonly namespace: string;
  readonly targets: readonly { readonly service: string; readonly path: string }[];
  readonly problems: readonly Problem[];
  readonly rank: Rank;
}

/** How a service is called, in the place of what a DestinationRule says of the same. */
export interface BackendTraffic {
  readonly retryBudget?: RetryBudget;
  readonly session?: Session;
  readonly source: SourceRef;
}

export interface BackendTrafficPolicies {
  /** By object key. */
  readonly policies: Collection<BackendTrafficPolicy>;
  /** By object key of the policy: those of its own, and where others come first. */
  readonly problems: Collection<readonly Problem[]>;
  /** Those that hold, by `NAMESPACE/NAME` of the Service. */
  readonly ofServices: Collection<BackendTraffic>;
}

export function deriveBackendTraffic(
  graph: Graph,
  apiObjects: Collection<ConfigObject>,
  objects: Collection<ConfigObject>,
): BackendTrafficPolicies {
  const policies = graph.derive('backend traffic policies', apiObjects, (object) =>
    object.kind === 'XBackendTrafficPolicy' ? buildBackendTrafficPolicy(object) : undefined,
  );
  const byService = graph.index('backend traffic policies by service', policies, ({ namespace, targets }) =>
    targets.map(({ service }) => `${namespace}/${service}`),
  );
  const first = graph.derive('first backend traffic policies', byService, (all) => all.toSorted(byRank)[0]);
  return {
    policies,
    problems: graph.derive('problems of backend traffic policies', policies, (policy, read) => [
      ...policy.problems,
      ...policy.targets.flatMap(({ service, path }): Problem[] => {
        const name = `${policy.namespace}/${service}`;
        if (read.get(objects, `Service/${name}`) === undefined) {
          return [{ type: 'Accepted', reason: 'TargetNotFound', message: `there is no Service ${name}`, path }];
        }
        const other = read.get(first, name)?.source.name;
        if (other === undefined || other === policy.source.name) return [];
        const message = `the XBackendTrafficPolicy ${policy.namespace}/${other} is for the Service ${name}, and comes first`;
        return [{ type: 'Accepted', reason: 'Conflicted', message, path }];
      }),
    ]),
    ofServices: graph.derive('backend traffic of services', first, ({ retryBudget, session, source, problems }) =>
      problems.length > 0 ? undefined : defined({ retryBudget, session, source }),
    ),
  };
}

function buildBackendTrafficPolicy({ metadata, spec }: XBackendTrafficPolicy): BackendTrafficPolicy {
  const { namespace, name } = metadata;
  const { targetRefs, retryConstraint, sessionPersistence } = spec;
  const isService = ({ group, kind }: (typeof targetRefs)[number]) => group === '' && kind === 'Service';
  const found =
    sessionPersistence === undefined
      ? { problems: [] }
      : buildSession(sessionPersistence, 'spec.sessionPersistence', `XBackendTrafficPolicy/${namespace}/${name}`);
  return defined({
    namespace,
    targets: targetRefs.flatMap((ref, i) =>
      isService(ref) ? [{ service: ref.name, path: `spec.targetRefs[${i}]` }] : [],
    ),
    retryBudget: retryConstraint === undefined ? undefined : buildRetryBudget(retryConstraint),
    session: 'session' in found ? found.session : undefined,
    problems: [
      ...targetRefs.flatMap((ref, i): Problem[] => {
        const message = `a ${ref.kind} of the API group '${ref.group}' is no target; Services are`;
        return isService(ref) ? [] : [{ type: 'Accepted', reason: 'Invalid', message, path: `spec.targetRefs[${i}]` }];
      }),
      ...found.problems,
    ],
    rank: ageRank(metadata),
    source: { kind: 'XBackendTrafficPolicy', namespace, name },
  });
}

const BUDGET_PERCENT = 20;
const BUDGET_INTERVAL = '10s';
const MIN_RETRIES = 10;

/**
 * Envoy does not count how many retries there are in a time, but how many there are at once. So many at once are always
 * allowed as `minRetryRate` wants in its interval: no fewer than it asks for, as long as a retry takes no longer than that.
 */
function buildRetryBudget({
  budget = {},
  minRetryRate = {},
}: NonNullable<XBackendTrafficPolicy['spec']['retryConstraint']>): RetryBudget {
  return {
    type: 'budget',
    percent: budget.percent ?? BUDGET_PERCENT,
    minRetryConcurrency: minRetryRate.count ?? MIN_RETRIES,
    intervalMs: durationMs(budget.interval ?? BUDGET_INTERVAL) ?? 0,
  };
}
