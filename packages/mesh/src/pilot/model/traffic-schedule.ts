import type { TrafficSchedule as TrafficScheduleObject } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { RouteRuleSet } from './route-rule.ts';
import type { TimeWindow } from './time-window.ts';
import { SECONDS_PER_DAY } from './wall-clock.ts';

/** Rules that hold only at some times. */
export interface TrafficSchedule {
  readonly targets: readonly ScheduleTarget[];
  /** Name in the time zone database. */
  readonly timeZone: string;
  readonly windows: readonly TimeWindow[];
  readonly source: SourceRef;
}

export interface ScheduleTarget {
  /** `KIND/NAMESPACE/NAME` of the object with the rules. */
  readonly ruleSet: string;
  /** Name of one of its rules; absent: all of them. */
  readonly rule?: string;
}

export function buildTrafficSchedule(object: TrafficScheduleObject): TrafficSchedule {
  const { name, namespace } = object.metadata;
  const { targetRefs, timeZone = 'UTC', windows } = object.spec;
  return {
    targets: targetRefs.map((target) => ({
      ruleSet: `${target.kind}/${namespace}/${target.name}`,
      ...(target.sectionName === undefined ? {} : { rule: target.sectionName }),
    })),
    timeZone,
    windows: windows.map(buildWindow),
    source: { kind: 'TrafficSchedule', namespace, name },
  };
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function buildWindow(window: TrafficScheduleObject['spec']['windows'][number]): TimeWindow {
  const { days = WEEKDAYS, from = '00:00', to = '24:00', startDate, endDate } = window;
  return {
    weekdays: new Set(days.map((day) => WEEKDAYS.indexOf(day))),
    from: secondsOf(from),
    to: secondsOf(to),
    ...(startDate === undefined ? {} : { firstDay: dayOf(startDate) }),
    ...(endDate === undefined ? {} : { lastDay: dayOf(endDate) }),
  };
}

/** `09:30` */
function secondsOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (hours * 60 + minutes) * 60;
}

/** `2026-12-24` */
function dayOf(date: string): number {
  return Date.parse(`${date}T00:00Z`) / 1000 / SECONDS_PER_DAY;
}

/** By which targets of schedules find the rules. */
export function scheduledKey({ source: { kind, namespace, name } }: Pick<RouteRuleSet, 'source'>): string {
  return `${kind}/${namespace}/${name}`;
}

/** The rules that are left when those of closed schedules are taken as if they were not there. */
export function withoutClosedRules(rules: RouteRuleSet, closed: readonly TrafficSchedule[]): RouteRuleSet {
  const key = scheduledKey(rules);
  const targets = closed.flatMap((schedule) => schedule.targets).filter(({ ruleSet }) => ruleSet === key);
  if (targets.length === 0) return rules;
  const isClosed = (name: string | undefined) => targets.some(({ rule }) => rule === undefined || rule === name);
  return { ...rules, rules: rules.rules.filter(({ name }) => !isClosed(name)) };
}
