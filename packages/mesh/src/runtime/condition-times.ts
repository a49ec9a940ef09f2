import type { Collection } from '#pilot/incremental/collection.ts';
import type { Condition } from '#pilot/model/gateway-api/conditions.ts';
import type { GatewayApiStatus } from '#pilot/model/gateway-api/status/statuses.ts';

/** A condition as Kubernetes shows it (`metav1.Condition`). */
export interface TimedCondition extends Condition {
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

/** Since when a condition has the status that it has. */
interface Since {
  readonly status: Condition['status'];
  readonly time: string;
}

/** Remembers since when each condition holds, or does not. A new reason or message changes nothing about that. */
export class ConditionTimes {
  readonly #now: () => number;
  /** By object key, then by place and type of the condition. */
  readonly #since = new Map<string, ReadonlyMap<string, Since>>();

  constructor(statuses: Collection<GatewayApiStatus>, now: () => number = Date.now) {
    this.#now = now;
    statuses.onChange((keys) => {
      for (const key of keys) this.#update(key, statuses.get(key));
    });
  }

  /** The status with times, as of an object of that generation. */
  withTimes(key: string, status: GatewayApiStatus, observedGeneration: number): Readonly<Record<string, unknown>> {
    const since = this.#since.get(key);
    return mapConditions(status, (condition, place) => ({
      ...condition,
      observedGeneration,
      lastTransitionTime: since?.get(place)?.time ?? this.#time(),
    }));
  }

  #update(key: string, status: GatewayApiStatus | undefined): void {
    if (status === undefined) {
      this.#since.delete(key);
      return;
    }
    const before = this.#since.get(key);
    const after = new Map<string, Since>();
    mapConditions(status, (condition, place) => {
      const known = before?.get(place);
      after.set(place, known?.status === condition.status ? known : { status: condition.status, time: this.#time() });
      return condition;
    });
    this.#since.set(key, after);
  }

  /** Kubernetes' times have whole seconds. */
  #time(): string {
    return `${new Date(this.#now()).toISOString().slice(0, 19)}Z`;
  }
}

/** Conditions of the object, of each listener, and of each parent or ancestor. Those of one place and type are the same condition. */
function mapConditions(
  status: GatewayApiStatus,
  change: (condition: Condition, place: string) => Condition | TimedCondition,
): Readonly<Record<string, unknown>> {
  const changed = (conditions: readonly Condition[], place: string) =>
    conditions.map((condition) => change(condition, `${place} ${condition.type}`));
  if ('parents' in status) {
    return {
      parents: status.parents.map((parent) => ({
        ...parent,
        conditions: changed(parent.conditions, JSON.stringify(parent.parentRef)),
      })),
    };
  }
  if ('ancestors' in status) {
    return {
      ancestors: status.ancestors.map((ancestor) => ({
        ...ancestor,
        conditions: changed(ancestor.conditions, JSON.stringify(ancestor.ancestorRef)),
      })),
    };
  }
  const own = { ...status, conditions: changed(status.conditions, '') };
  if (!('listeners' in status)) return own;
  return {
    ...own,
    listeners: status.listeners.map((listener) => ({
      ...listener,
      conditions: changed(listener.conditions, listener.name),
    })),
  };
}
