import { create } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import { RouteSchema } from '@lateen/envoy-api/envoy/extensions/filters/udp/udp_proxy/v3/route_pb.js';
import { UdpProxyConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy_pb.js';
import { SourcePortInputSchema } from '@lateen/envoy-api/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js';
import { RuntimeFractionSchema } from '@lateen/envoy-api/envoy/extensions/matching/input_matchers/runtime_fraction/v3/runtime_fraction_pb.js';
import type { Matcher_OnMatchSchema } from '@lateen/envoy-api/xds/type/matcher/v3/matcher_pb.js';
import type { DatagramProxyIr } from '../../proxy/ir/listener.ts';
import type { Init } from './init.ts';
import { extension, shareOf } from './values.ts';

const MILLION = 1_000_000;

/**
 * The filter that passes datagrams on. It knows no weights, so each cluster but the last takes its share of what those before
 * it left, by a hash of the port of the client: a client stays where it is, as sessions of UDP should.
 */
export function udpProxy({ statPrefix, clusters }: DatagramProxyIr) {
  const used = clusters.filter(({ weight }) => weight > 0);
  const last = used.at(-1);
  const total = used.reduce((sum, { weight }) => sum + weight, 0);
  let left = total;
  const matchers = used.slice(0, -1).map(({ cluster, weight }, i) => {
    const perMillion = Math.round((weight / left) * MILLION);
    left -= weight;
    return {
      predicate: {
        matchType: {
          case: 'singlePredicate' as const,
          value: {
            input: typed('source port', SOURCE_PORT),
            matcher: { case: 'customMatch' as const, value: typed('share', fraction(perMillion, i + 1)) },
          },
        },
      },
      onMatch: leadTo(cluster),
    };
  });
  return extension('envoy.filters.udp_listener.udp_proxy', UdpProxyConfigSchema, {
    statPrefix,
    routeSpecifier: {
      case: 'matcher',
      value: {
        ...(matchers.length === 0 ? {} : { matcherType: { case: 'matcherList', value: { matchers } } }),
        ...(last === undefined ? {} : { onNoMatch: leadTo(last.cluster) }),
      },
    },
  });
}

const SOURCE_PORT = packAny(SourcePortInputSchema, create(SourcePortInputSchema));

/** Other seeds give other hashes, so that one share does not decide on the next. */
function fraction(perMillion: number, seed: number) {
  return packAny(
    RuntimeFractionSchema,
    create(RuntimeFractionSchema, {
      seed: BigInt(seed),
      runtimeFraction: { runtimeKey: 'lateen.share', defaultValue: shareOf(perMillion) },
    }),
  );
}

function leadTo(cluster: string): Init<typeof Matcher_OnMatchSchema> {
  const route = packAny(RouteSchema, create(RouteSchema, { cluster }));
  return { onMatch: { case: 'action', value: typed('route', route) } };
}

function typed(name: string, typedConfig: ReturnType<typeof packAny>) {
  return { name, typedConfig };
}
