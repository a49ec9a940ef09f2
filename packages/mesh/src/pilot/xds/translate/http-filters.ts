import { create } from '@bufbuild/protobuf';
import { FilterConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import {
  type HttpFilter,
  HttpFilterSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { HttpConnectionIr } from '../../proxy/ir/listener.ts';
import { DNS_CACHE } from './dns-cache.ts';
import { extension } from './values.ts';

/** Every HTTP filter, in the order that a request passes them. The router is the last. */
const ORDER: readonly ((ir: HttpConnectionIr) => HttpFilter | undefined)[] = [dynamicForwardProxy, router];

export function httpFilters(ir: HttpConnectionIr): HttpFilter[] {
  return ORDER.map((filter) => filter(ir)).filter((filter) => filter !== undefined);
}

function dynamicForwardProxy(ir: HttpConnectionIr): HttpFilter | undefined {
  if (!ir.dynamicForward) return undefined;
  return create(
    HttpFilterSchema,
    extension('envoy.filters.http.dynamic_forward_proxy', FilterConfigSchema, {
      implementationSpecifier: { case: 'dnsCacheConfig', value: DNS_CACHE },
    }),
  );
}

function router(): HttpFilter {
  return create(HttpFilterSchema, extension('envoy.filters.http.router', RouterSchema));
}
