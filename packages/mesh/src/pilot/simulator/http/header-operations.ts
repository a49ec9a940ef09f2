import type { HeaderChange } from '@lateen/api/verdict.ts';
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
} from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import { type FormatContext, formatValue } from './format.ts';
import { type RoutedRequest, removeHeader, setHeader } from './request.ts';

/** What one level (a weighted cluster, a route, a virtual host, a table) does to headers: it removes, then adds. */
export interface HeaderOperations {
  readonly remove: readonly string[];
  readonly add: readonly HeaderAddition[];
}

interface HeaderAddition {
  readonly name: string;
  readonly template: string;
  readonly action: Exclude<HeaderChange['action'], 'remove'>;
  readonly keepEmpty: boolean;
}

export function headerOperations(
  toAdd: readonly HeaderValueOption[],
  toRemove: readonly string[],
): HeaderOperations | undefined {
  if (toAdd.length === 0 && toRemove.length === 0) return undefined;
  return { remove: toRemove.map((name) => name.toLowerCase()), add: toAdd.map(addition) };
}

export function addition({ header, append, appendAction, keepEmptyValue }: HeaderValueOption): HeaderAddition {
  const raw = header?.rawValue;
  return {
    name: (header?.key ?? '').toLowerCase(),
    template: raw !== undefined && raw.length > 0 ? new TextDecoder().decode(raw) : (header?.value ?? ''),
    action: append === undefined ? ACTIONS[appendAction] : append ? 'append' : 'overwrite',
    keepEmpty: keepEmptyValue,
  };
}

const ACTIONS: Readonly<Record<HeaderValueOption_HeaderAppendAction, HeaderAddition['action']>> = {
  [HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [HeaderValueOption_HeaderAppendAction.ADD_IF_ABSENT]: 'add-if-absent',
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite',
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS]: 'overwrite-if-present',
};

/**
 * The operations of several levels as one list of changes. All values of a level are made from the headers before it,
 * and its overwriting comes before its appending, as in Envoy.
 */
export function headerChanges(
  levels: readonly (HeaderOperations | undefined)[],
  context: FormatContext,
): HeaderChange[] {
  return levels.flatMap((level) => (level === undefined ? [] : changesOf(level, context)));
}

function changesOf(level: HeaderOperations, context: FormatContext): HeaderChange[] {
  return [...removals(level), ...additionsOf(level, context)];
}

function removals({ remove }: HeaderOperations): HeaderChange[] {
  return remove.map((name) => ({ action: 'remove', name, value: null }));
}

function additionsOf({ add }: HeaderOperations, context: FormatContext): HeaderChange[] {
  const additions = add
    .map(({ name, template, action, keepEmpty }) => ({
      name,
      value: formatValue(template, context),
      action,
      keepEmpty,
    }))
    .filter(({ value, keepEmpty }) => value !== '' || keepEmpty)
    .map(({ name, value, action }): HeaderChange => ({ action, name, value }));
  return [
    ...additions.filter(({ action }) => action.startsWith('overwrite')),
    ...additions.filter(({ action }) => !action.startsWith('overwrite')),
  ];
}

/** Does to the request what each level asks for, one after the other. */
export function changeRequest(
  request: RoutedRequest,
  levels: readonly (HeaderOperations | undefined)[],
  context: Omit<FormatContext, 'request'>,
): void {
  for (const level of levels) {
    if (level === undefined) continue;
    for (const change of removals(level)) applyChange(request.headers, request.madeUp, change);
    // Values can refer to headers, and do not see what was just removed.
    for (const change of additionsOf(level, { ...context, request }))
      applyChange(request.headers, request.madeUp, change);
  }
}

/** `madeUp` collects the names whose values cannot be known. */
export function applyChange(headers: RoutedRequest['headers'], madeUp: Set<string>, change: HeaderChange): void {
  const { action, name, value } = change;
  const present = madeUp.has(name) || headers.some(([each]) => each === name);
  if (action === 'remove') {
    removeHeader(headers, name);
    madeUp.delete(name);
  } else if ((action === 'add-if-absent' && present) || (action === 'overwrite-if-present' && !present)) {
    return;
  } else if (value === null) {
    madeUp.add(name);
  } else if (action === 'append' || action === 'add-if-absent') {
    headers.push([name, value]);
  } else {
    setHeader(headers, name, value);
    madeUp.delete(name);
  }
}
