import type { Collection, Reader } from '../../incremental/collection.ts';
import type { Graph } from '../../incremental/graph.ts';
import { intersectHosts } from '../hostname.ts';
import type { Attachment } from './attachment.ts';
import { compareRanks, type Rank } from './precedence.ts';
import { sharedHosts } from './route-hostnames.ts';

/** A route for requests that a listener would take if it were alone. */
export interface RequestRoute {
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  /** `NAMESPACE/NAME` */
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly age: Rank;
  readonly listeners: readonly string[];
}

/** Routes that a listener does not take because of one of the other kind, by `KIND NAMESPACE/NAME`: whose hosts it shares. */
export type Rivals = Collection<ReadonlyMap<string, string>>;

/**
 * An HTTPRoute and a GRPCRoute that share a host at a listener exclude each other: the older has it, then the first by name
 * (GRPCRoute.spec.hostnames).
 *
 * @param hostOf the host of a listener, undefined for all
 */
export function deriveRivals(
  graph: Graph,
  routes: Collection<RequestRoute>,
  hostOf: (listener: string, read: Reader) => string | undefined,
): Rivals {
  const byListener = graph.index('requests by listener', routes, ({ listeners }) => listeners);
  return graph.derive('rivals at listeners', byListener, (list, read, listener) => {
    // Most listeners have routes of one kind.
    if (new Set(list.map(({ kind }) => kind)).size < 2) return undefined;
    const host = hostOf(listener, read);
    const taken: (RequestRoute & { readonly hosts: readonly string[] })[] = [];
    const refused = new Map<string, string>();
    for (const route of list.toSorted((a, b) => compareRanks(a.age, b.age))) {
      const hosts = sharedHosts(route.hostnames, host);
      const rival = taken.find(
        (other) =>
          other.kind !== route.kind &&
          other.hosts.some((theirs) => hosts.some((own) => intersectHosts(own, theirs) !== undefined)),
      );
      if (rival === undefined) taken.push({ ...route, hosts });
      else refused.set(routeName(route), routeName(rival));
    }
    return refused.size === 0 ? undefined : refused;
  });
}

export function routeName({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind} ${name}`;
}

/** What is left of an attachment where routes of the other kind have listeners already. */
export function withoutRivals(attachment: Attachment, route: string, rivals: Rivals, read: Reader): Attachment {
  const rivalAt = (listener: string) => read.get(rivals, listener)?.get(route);
  const listeners = attachment.listeners.filter((listener) => rivalAt(listener) === undefined);
  const [first] = attachment.listeners;
  if (first === undefined || listeners.length === attachment.listeners.length) return attachment;
  if (listeners.length > 0) return { ...attachment, listeners };
  const message = `${rivalAt(first)} shares a host with it at the listener and comes first; an HTTPRoute and a GRPCRoute cannot share one`;
  return {
    ...attachment,
    listeners,
    problems: [
      ...attachment.problems,
      { type: 'Accepted', reason: 'HostnameConflict', message, path: 'spec.hostnames' },
    ],
  };
}
