import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { checked, forEachRepeated, object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const MAX_TARGETS = 16;
const MAX_WINDOWS = 32;

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** `09:30`; the end of a day may be written 24:00. */
const TIME_FROM = /^([01]\d|2[0-3]):[0-5]\d$/;
const TIME_TO = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;

const date = v.syntax(isDate, 'a date such as 2026-12-24');

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const made = new Date(Date.UTC(year, month - 1, day));
  return year >= 1970 && made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
}

/** Names of the time zone database only: an offset such as +02:00 would not follow daylight saving. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text) || text.length > 64) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

const GROUP_OF = {
  VirtualService: 'networking.istio.io',
  HTTPRoute: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
} as const;

const target = object(
  {
    group: required(
      v.oneOf(['networking.istio.io', 'gateway.networking.k8s.io']),
      'API group of the target: networking.istio.io or gateway.networking.k8s.io.',
    ),
    kind: required(
      v.oneOf(['VirtualService', 'HTTPRoute', 'GRPCRoute']),
      'Kind of the target: VirtualService, HTTPRoute or GRPCRoute.',
    ),
    name: required(v.dnsSubdomain(), 'Name of the target, in the same namespace.'),
    sectionName: optional(
      checked(v.nonEmpty(), (name) => (name.length > 253 ? 'must have at most 253 characters' : undefined)),
      'Name of a rule of the target (`spec.http[].name` or `spec.rules[].name`). Without it, all of its rules.',
    ),
  },
  {
    rules({ group, kind }, report) {
      if (group !== GROUP_OF[kind]) report(`must be ${GROUP_OF[kind]} for the kind ${kind}`, ['group']);
    },
  },
);

const window = object(
  {
    name: optional(v.dnsLabel(), 'Name of the window, for people.'),
    days: optional(v.nonEmptyArray(v.oneOf(DAYS)), 'Days of the week on which the window opens; every day by default.'),
    from: optional(
      v.syntax((text) => TIME_FROM.test(text), 'a time from 00:00 to 23:59, in quotes'),
      'Time at which the window opens, as HH:MM; 00:00 by default.',
    ),
    to: optional(
      v.syntax((text) => TIME_TO.test(text), 'a time from 00:00 to 24:00, in quotes'),
      'Time at which the window closes, as HH:MM; 24:00 by default. If it is not after `from`, the window closes on the next day.',
    ),
    startDate: optional(date, 'First date on which the window opens, as YYYY-MM-DD.'),
    endDate: optional(date, 'Last date on which the window opens, as YYYY-MM-DD.'),
  },
  {
    rules({ days = [], startDate, endDate }, report) {
      forEachRepeated(
        days,
        (day) => day,
        (day, index) => report(`${day} is listed twice`, ['days', index]),
      );
      if (startDate !== undefined && endDate !== undefined && startDate > endDate) {
        report(`must not be before startDate, ${startDate}`, ['endDate']);
      }
    },
  },
);

const trafficScheduleSpec = object(
  {
    targetRefs: required(
      checked(v.nonEmptyArray(target), (targets) =>
        targets.length > MAX_TARGETS ? `must have at most ${MAX_TARGETS} elements, not ${targets.length}` : undefined,
      ),
      'Rules that hold inside of the windows only. Outside, requests are treated as if these rules were not there. Where several schedules select a rule, their windows add up.',
    ),
    timeZone: optional(
      v.syntax(isTimeZone, 'a time zone such as Europe/Berlin or UTC'),
      'Time zone of all dates and times, by its name in the IANA database; UTC by default. A window is open while a clock on the wall there shows a time inside of it: a time that is skipped when clocks go forward never comes, and one that comes twice when they go back counts both times.',
    ),
    windows: required(
      checked(v.nonEmptyArray(window), (windows) =>
        windows.length > MAX_WINDOWS ? `must have at most ${MAX_WINDOWS} elements, not ${windows.length}` : undefined,
      ),
      'The rules hold while at least one of these is open.',
    ),
  },
  {
    rules({ targetRefs, windows }, report) {
      forEachRepeated(
        targetRefs,
        ({ kind, name, sectionName = '' }) => JSON.stringify([kind, name, sectionName]),
        ({ name, sectionName }, index) =>
          report(`${sectionName === undefined ? name : `the rule ${sectionName} of ${name}`} is listed twice`, [
            'targetRefs',
            index,
          ]),
      );
      forEachRepeated(
        windows,
        ({ name }) => name,
        ({ name }, index) => report(`the window ${name} is defined twice`, ['windows', index, 'name']),
      );
    },
  },
);

export const trafficSchedule = objectSchema('policy.lateen.dev/v1alpha1', 'TrafficSchedule', trafficScheduleSpec);

export type TrafficSchedule = z.infer<typeof trafficSchedule>;
