import type { TCPRoute, TLSRoute, UDPRoute } from '@lateen/api/kinds.ts';
import type { SourceRef } from '../../proxy/ir/source.ts';
import type { L4Rule } from '../l4-rule.ts';
import type { BackendContext } from './backend.ts';
import { splitRequests } from './backend-split.ts';
import type { Problem } from './conditions.ts';

/** The rules of a route for connections, and what is wrong with them. */
export interface BuiltL4Rules {
  readonly rules: readonly L4Rule[];
  readonly problems: readonly Problem[];
}

/** TLSRoutes are for the server names that they list, TCPRoutes for all connections, UDPRoutes for all datagrams. */
export function buildL4RouteRules(object: TLSRoute | TCPRoute | UDPRoute, context: BackendContext): BuiltL4Rules {
  const { kind, metadata, spec } = object;
  const { namespace, name } = metadata;
  const problems: Problem[] = [];
  const sniHosts = kind === 'TLSRoute' ? { sniHosts: object.spec.hostnames } : {};
  const rules = spec.rules.map((rule, i): L4Rule => {
    const source: SourceRef = { kind, namespace, name, path: `spec.rules[${i}]` };
    const refs = (rule.backendRefs ?? []).map((ref) => ({ ref }));
    const { destinations, refused, problems: found } = splitRequests(refs, `${source.path}.backendRefs`, context);
    problems.push(...found);
    return {
      matches: [{ ...sniHosts, destinationSubnets: [], sourceLabels: {}, source }],
      destinations,
      ...(refused === 0 && destinations.length > 0 ? {} : { refused: refused || 1 }),
      source,
    };
  });
  return { rules, problems };
}
