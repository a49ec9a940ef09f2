import type { DetectedProtocols } from '@lateen/api/verdict.ts';
import type { CidrRange } from '@lateen/envoy-api/envoy/config/core/v3/address_pb.js';
import {
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatch_ConnectionSourceType,
} from '@lateen/envoy-api/envoy/config/listener/v3/listener_components_pb.js';
import type { SocketAddress } from '../call.ts';
import { inPrefix, isLoopback, parseIp } from './ip.ts';

/** What chains are chosen by. */
export interface ArrivedConnection {
  readonly destination: SocketAddress;
  readonly source: SocketAddress;
  readonly detected: DetectedProtocols;
}

export interface ChosenChain {
  /** Undefined: none fits, and there is no default. */
  readonly chain: FilterChain | undefined;
  readonly others: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * One property of a connection. `closeness` is how closely a chain's match fits it: the larger the closer, 0 where the
 * chain does not care, undefined where it does not fit.
 */
interface Level {
  readonly closeness: (match: FilterChainMatch, connection: ArrivedConnection) => number | undefined;
  readonly mismatch: (match: FilterChainMatch, connection: ArrivedConnection) => string;
  /** What is told of a chain that fits, but less closely than the one that was chosen. */
  readonly what: string;
}

/**
 * Envoy looks at one property after the other, keeps at each only the chains that fit it most closely, and never turns
 * back: a chain that does not name the server loses to one that does, even if that one then fails on another property.
 */
const LEVELS: readonly Level[] = [
  {
    what: 'destination port',
    closeness: ({ destinationPort }, { destination }) =>
      destinationPort === undefined ? 0 : destinationPort === destination.port ? 1 : undefined,
    mismatch: ({ destinationPort }, { destination }) =>
      `the destination port is ${destination.port}, wanted ${destinationPort}`,
  },
  {
    what: 'destination address',
    closeness: ({ prefixRanges }, { destination }) => rangeCloseness(prefixRanges, destination.host),
    mismatch: ({ prefixRanges }, { destination }) =>
      `the destination address is ${destination.host}, wanted ${rangesText(prefixRanges)}`,
  },
  {
    what: 'server name',
    closeness: ({ serverNames }, { detected }) => nameCloseness(serverNames, detected.serverName ?? ''),
    mismatch: ({ serverNames }, { detected }) =>
      `the server name is ${detected.serverName === undefined ? 'not given' : detected.serverName}, wanted ${anyOf(serverNames)}`,
  },
  {
    what: 'transport protocol',
    closeness: ({ transportProtocol }, { detected }) =>
      transportProtocol === '' ? 0 : transportProtocol === detected.transport ? 1 : undefined,
    mismatch: ({ transportProtocol }, { detected }) =>
      `the transport protocol is ${detected.transport}, wanted ${transportProtocol}`,
  },
  {
    what: 'application protocol',
    closeness({ applicationProtocols }, { detected }) {
      if (applicationProtocols.length === 0) return 0;
      // The first of the client's that some chain has.
      const at = detected.applicationProtocols.findIndex((protocol) => applicationProtocols.includes(protocol));
      return at === -1 ? undefined : detected.applicationProtocols.length - at;
    },
    mismatch: ({ applicationProtocols }, { detected }) =>
      `the application protocols are ${detected.applicationProtocols.join(', ') || 'not known'}, wanted ${anyOf(applicationProtocols)}`,
  },
  {
    what: 'direct source address',
    closeness: ({ directSourcePrefixRanges }, { source }) => rangeCloseness(directSourcePrefixRanges, source.host),
    mismatch: ({ directSourcePrefixRanges }, { source }) =>
      `the direct source address is ${source.host}, wanted ${rangesText(directSourcePrefixRanges)}`,
  },
  {
    what: 'kind of source',
    closeness({ sourceType }, { source, destination }) {
      if (sourceType === FilterChainMatch_ConnectionSourceType.ANY) return 0;
      const isLocal = isLoopback(source.host) || source.host === destination.host;
      return isLocal === (sourceType === FilterChainMatch_ConnectionSourceType.SAME_IP_OR_LOOPBACK) ? 1 : undefined;
    },
    mismatch: ({ sourceType }, { source }) =>
      sourceType === FilterChainMatch_ConnectionSourceType.EXTERNAL
        ? `the source ${source.host} is on the same host, wanted an external one`
        : `the source ${source.host} is external, wanted one on the same host`,
  },
  {
    what: 'source address',
    closeness: ({ sourcePrefixRanges }, { source }) => rangeCloseness(sourcePrefixRanges, source.host),
    mismatch: ({ sourcePrefixRanges }, { source }) =>
      `the source address is ${source.host}, wanted ${rangesText(sourcePrefixRanges)}`,
  },
  {
    what: 'source port',
    closeness: ({ sourcePorts }, { source }) =>
      sourcePorts.length === 0 ? 0 : sourcePorts.includes(source.port) ? 1 : undefined,
    mismatch: ({ sourcePorts }, { source }) => `the source port is ${source.port}, wanted ${sourcePorts.join(' or ')}`,
  },
];

export function chooseChain(
  chains: readonly FilterChain[],
  byDefault: FilterChain | undefined,
  connection: ArrivedConnection,
): ChosenChain {
  const reasons = new Map<FilterChain, string>();
  let left = chains;
  for (const level of LEVELS) {
    if (left.length === 0) break;
    left = closest(level, left, connection, reasons);
  }
  // Two chains with the same match cannot be: Envoy refuses them.
  const chain = left[0] ?? byDefault;
  const others = [...chains, ...(byDefault === undefined ? [] : [byDefault])]
    .filter((each) => each !== chain)
    .map((each) => ({ name: chainName(each), reason: reasons.get(each) ?? 'it is for what no other chain takes' }));
  return { chain, others };
}

function closest(
  { closeness, mismatch, what }: Level,
  chains: readonly FilterChain[],
  connection: ArrivedConnection,
  reasons: Map<FilterChain, string>,
): FilterChain[] {
  const rated = chains.map((chain) => {
    const match = chain.filterChainMatch;
    return { chain, match, rank: match === undefined ? 0 : closeness(match, connection) };
  });
  const best = Math.max(-1, ...rated.map(({ rank }) => rank ?? -1));
  const winner = rated.find(({ rank }) => rank === best);
  for (const { chain, match, rank } of rated) {
    if (rank === best) continue;
    if (rank === undefined && match !== undefined) reasons.set(chain, mismatch(match, connection));
    else if (winner !== undefined) reasons.set(chain, `${chainName(winner.chain)} fits the ${what} more closely`);
  }
  return rated.filter(({ rank }) => rank === best && rank !== undefined).map(({ chain }) => chain);
}

export function chainName({ name }: FilterChain): string {
  return name === '' ? 'the chain without a name' : name;
}

function rangeCloseness(ranges: readonly CidrRange[], address: string): number | undefined {
  if (ranges.length === 0) return 0;
  const ip = parseIp(address);
  if (ip === undefined) return undefined;
  const lengths = ranges.flatMap(({ addressPrefix, prefixLen = 0 }) => {
    const prefix = parseIp(addressPrefix);
    return prefix !== undefined && inPrefix(ip, prefix, prefixLen) ? [prefixLen + 1] : [];
  });
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

/** An exact name is closer than any wildcard, and of those the longest. */
function nameCloseness(names: readonly string[], serverName: string): number | undefined {
  if (names.length === 0) return 0;
  const wanted = serverName.toLowerCase();
  const ranks = names.flatMap((written) => {
    const name = written.toLowerCase();
    if (name === wanted) return [Number.MAX_SAFE_INTEGER];
    if (!name.startsWith('*.')) return [];
    const suffix = name.slice(1);
    return wanted.length > suffix.length && wanted.endsWith(suffix) ? [suffix.length] : [];
  });
  return ranks.length === 0 ? undefined : Math.max(...ranks);
}

function rangesText(ranges: readonly CidrRange[]): string {
  return anyOf(ranges.map(({ addressPrefix, prefixLen = 0 }) => `${addressPrefix}/${prefixLen}`));
}

function anyOf(texts: readonly string[]): string {
  return texts.join(' or ');
}
