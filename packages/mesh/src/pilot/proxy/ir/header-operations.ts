/** Changes to the headers of a request on its way to the upstream, and of its response on the way back. */
export interface HeaderOperationsIr {
  readonly request: HeaderChangesIr;
  readonly response: HeaderChangesIr;
}

/** Headers are removed first. Values may have Envoy's commands in them (`%REQ(x-user)%`). */
export interface HeaderChangesIr {
  readonly set: readonly HeaderValueIr[];
  readonly add: readonly HeaderValueIr[];
  readonly remove: readonly string[];
}

export interface HeaderValueIr {
  readonly name: string;
  readonly value: string;
}
