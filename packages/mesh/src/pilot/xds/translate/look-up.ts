import { create } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { packAny } from '@lateen/envoy-api/encode';
import { ConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js';
import type { WeightedDestinationIr } from '../../proxy/ir/route-action.ts';
import { FILTER_STATE } from './http-filters.ts';

/** What the dynamic forward proxy looks up. */
const DYNAMIC_HOST = 'envoy.upstream.dynamic_host';
const DYNAMIC_PORT = 'envoy.upstream.dynamic_port';

/** The request may name the port of a gateway, or any other that led here. */
const HOST_WITHOUT_PORT = '%CEL(re.extract(request.host, "([^:]+)", "\\\\1"))%';

/**
 * For a destination that has no endpoints: which host is looked up for a request, and on which port it is met.
 *
 * @param authority the host that all requests of the route get
 */
export function translateLookUp(
  { lookUpPort, authority: own }: WeightedDestinationIr,
  authority: string | undefined,
): Record<string, Any> {
  if (lookUpPort === undefined) return {};
  const host = (authority ?? own)?.split(':')[0] ?? HOST_WITHOUT_PORT;
  const config = create(ConfigSchema, {
    onRequestHeaders: [stateValue(DYNAMIC_HOST, host), stateValue(DYNAMIC_PORT, String(lookUpPort))],
  });
  return { [FILTER_STATE]: packAny(ConfigSchema, config) };
}

function stateValue(objectKey: string, text: string) {
  return {
    key: { case: 'objectKey' as const, value: objectKey },
    value: {
      case: 'formatString' as const,
      value: {
        format: {
          case: 'textFormatSource' as const,
          value: { specifier: { case: 'inlineString' as const, value: text } },
        },
      },
    },
  };
}
