import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { backendRef } from './references.ts';

const fraction = object(
  {
    numerator: required(v.int(0), 'How many of the requests.'),
    denominator: optional(v.int(1), 'Of how many; 100 by default.'),
  },
  {
    rules({ numerator, denominator = 100 }, report) {
      if (numerator > denominator) report(`must be at most the denominator, ${denominator}`, ['numerator']);
    },
  },
);

/** A copy of requests to another backend, whose answers are thrown away. */
export const requestMirror = object(
  {
    backendRef: required(backendRef, 'Who gets the copies.'),
    percent: optional(v.int(0, 100), 'How many percent of the requests are copied; all by default.'),
    fraction: optional(fraction, 'Which part of the requests is copied; all by default.'),
  },
  { atMostOne: [['percent', 'fraction']] },
);
