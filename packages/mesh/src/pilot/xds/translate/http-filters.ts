import { create } from '@bufbuild/protobuf';
import { packAny } from '@lateen/envoy-api/encode';
import { FilterConfigSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js';
import { RouterSchema } from '@lateen/envoy-api/envoy/extensions/filters/http/router/v3/router_pb.js';
import {
  type HttpFilter,
  HttpFilterSchema,
} from '@lateen/envoy-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { HttpConnectionIr } from '../../proxy/ir/listener.ts';
import { DNS_CACHE } from './dns-cache.ts';

/** Every HTTP filter, in the order that a request passes them. The router is the last. */
const ORDER: readonly ((ir: HttpConnectionIr) => HttpFilter | undefined)[] = [dynamicForwardProxy, router];

export function httpFilters(ir: HttpConnectionIr): HttpFilter[] {
  return ORDER.map((filter) => filter(ir)).filter((filter) => filter !== undefined);
}

function dynamicForwardProxy(ir: HttpConnectionIr): HttpFilter | undefined {
  if (!ir.dynamicForward) return undefined;
  const config = create(FilterConfigSchema, {
    implementationSpecifier: { case: 'dnsCacheConfig', value: DNS_CACHE },
  });
  return named('envoy.filters.http.dynamic_forward_proxy', packAny(FilterConfigSchema, config));
}

function router(): HttpFilter {
  return named('envoy.filters.http.router', packAny(RouterSchema, create(RouterSchema)));
}

function named(name: string, config: ReturnType<typeof packAny>): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: 'typedConfig', value: config } });
}
