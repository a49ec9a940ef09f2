import { object, optional, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { headerName, headerValue, namedUpTo, setUpTo } from './common.ts';

const header = object({
  name: required(headerName(), 'Name of the header, in any case.'),
  value: required(headerValue(), 'Value of the header.'),
});

/** Changes of the headers of a request or a response. */
export const headerModifier = object({
  set: optional(namedUpTo(16, header), 'Headers that get this value, in place of what they had.'),
  add: optional(namedUpTo(16, header), 'Headers that get this value beside what they have.'),
  remove: optional(setUpTo(16, v.text()), 'Headers that are taken away, by name in any case.'),
});
