import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Handling, TcpTarget, Unknown } from '@lateen/api/verdict.ts';
import type { Listener } from '@lateen/envoy-api/envoy/config/listener/v3/listener_pb.js';
import { RouteSchema } from '@lateen/envoy-api/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js';
import {
  type UdpProxyConfig,
  UdpProxyConfigSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js';
import { RuntimeFractionSchema } from '@lateen/envoy-api/envoy/extensions/matching/input_matchers/runtime_fraction/v3/runtime_fraction_pb.js';
import { FractionalPercent_DenominatorType } from '@lateen/envoy-api/envoy/type/v3/percent_pb.js';
import type { Matcher_OnMatch } from '@lateen/envoy-api/xds/type/matcher/v3/matcher_pb.js';
import { typeName } from './any-type.ts';
import type { SocketAddress } from './call.ts';
import type { PreparedProxy } from './proxy.ts';
import { unknownFields } from './unknowns.ts';

/** What becomes of a datagram; undefined: the listener has no filter that passes datagrams on. */
export function handleDatagrams(
  proxy: PreparedProxy,
  { name, listenerFilters }: Listener,
  destination: SocketAddress,
  unknowns: Unknown[],
): Handling | undefined {
  const config = listenerFilters
    .map(({ configType }) => (configType.case === 'typedConfig' ? configType.value : undefined))
    .find((each) => typeName(each) === UdpProxyConfigSchema.typeName);
  if (config === undefined) return undefined;
  const where = `listener ${name}`;
  const udp = fromBinary(UdpProxyConfigSchema, config.value);
  unknowns.push(...unknownFields(UdpProxyConfigSchema, udp, UDP_FIELDS, where));
  const targets = sharesOf(udp, where, unknowns).map(({ name: clusterName, share }): TcpTarget => {
    const cluster = proxy.clusterVerdict(clusterName, (each) => each.forTcp(destination, undefined));
    unknowns.push(...cluster.unknowns);
    return { share, cluster, hash: [] };
  });
  return targets.length === 0
    ? { type: 'closed', reason: 'the UDP proxy leads to no cluster' }
    : { type: 'tcp', tcp: { targets } };
}

interface Share {
  readonly name: string;
  readonly share: number;
}

/** Each matcher takes its part of what those before it left. */
function sharesOf({ routeSpecifier: route }: UdpProxyConfig, where: string, unknowns: Unknown[]): Share[] {
  if (route.case === 'cluster') return [{ name: route.value, share: 1 }];
  if (route.case === undefined) return [];
  const { matcherType, onNoMatch } = route.value;
  const shares: Share[] = [];
  let left = 1;
  const lead = (to: Matcher_OnMatch | undefined, share: number) => {
    const action = to?.onMatch.case === 'action' ? to.onMatch.value.typedConfig : undefined;
    if (share > 0 && typeName(action) === RouteSchema.typeName) {
      shares.push({ name: fromBinary(RouteSchema, bytesOf(action)).cluster, share });
    }
  };
  for (const { predicate, onMatch } of matcherType.case === 'matcherList' ? matcherType.value.matchers : []) {
    const type = predicate?.matchType;
    const custom = type?.case === 'singlePredicate' ? type.value.matcher : undefined;
    const fraction = custom?.case === 'customMatch' ? custom.value.typedConfig : undefined;
    if (typeName(fraction) !== RuntimeFractionSchema.typeName) {
      unknowns.push({ what: 'a matcher of datagrams', where });
      continue;
    }
    const share = left * partOf(bytesOf(fraction));
    lead(onMatch, share);
    left -= share;
  }
  lead(onNoMatch, left);
  return shares;
}

function partOf(config: Uint8Array): number {
  const { numerator = 0, denominator } = fromBinary(RuntimeFractionSchema, config).runtimeFraction?.defaultValue ?? {};
  return numerator / DENOMINATORS[denominator ?? FractionalPercent_DenominatorType.HUNDRED];
}

const DENOMINATORS: Readonly<Record<FractionalPercent_DenominatorType, number>> = {
  [FractionalPercent_DenominatorType.HUNDRED]: 100,
  [FractionalPercent_DenominatorType.TEN_THOUSAND]: 10_000,
  [FractionalPercent_DenominatorType.MILLION]: 1_000_000,
};

function bytesOf(config: Any | undefined): Uint8Array {
  return config?.value ?? new Uint8Array();
}

const UDP_FIELDS = new Set(['stat_prefix', 'cluster', 'matcher', 'idle_timeout', 'upstream_socket_config']);
