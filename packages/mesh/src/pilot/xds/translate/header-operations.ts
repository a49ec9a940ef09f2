import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from '@lateen/envoy-api/envoy/config/core/v3/base_pb.js';
import type { HeaderChangesIr, HeaderOperationsIr, HeaderValueIr } from '../../proxy/ir/header-operations.ts';

type Options = MessageInitShape<typeof HeaderValueOptionSchema>[];

const { APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;

/** The fields that a route and a weighted cluster have in common. Empty ones are left out. */
export function translateHeaderOperations(
  operations: HeaderOperationsIr | undefined,
  stripResponseHeaders: readonly string[] = [],
): {
  requestHeadersToAdd?: Options;
  requestHeadersToRemove?: string[];
  responseHeadersToAdd?: Options;
  responseHeadersToRemove?: string[];
} {
  const { request = NOTHING, response = NOTHING } = operations ?? {};
  return {
    requestHeadersToAdd: added(request),
    requestHeadersToRemove: [...request.remove],
    responseHeadersToAdd: added(response),
    responseHeadersToRemove: [...stripResponseHeaders, ...response.remove],
  };
}

const NOTHING: HeaderChangesIr = { set: [], add: [], remove: [] };

function added({ set, add }: HeaderChangesIr): Options {
  return [
    ...set.map((header) => option(header, OVERWRITE_IF_EXISTS_OR_ADD)),
    ...add.map((header) => option(header, APPEND_IF_EXISTS_OR_ADD)),
  ];
}

/** A value that is asked to be empty stays; one that turns out to be empty is left out. */
function option({ name, value }: HeaderValueIr, appendAction: HeaderValueOption_HeaderAppendAction): Options[number] {
  return { header: { key: name, value }, appendAction, keepEmptyValue: value === '' };
}
