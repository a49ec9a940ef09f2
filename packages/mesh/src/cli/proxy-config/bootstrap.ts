import { addressText, fieldOf, listOf, textOf } from './envoy-json.ts';
import type { View } from './view.ts';

const REDACTED = '[redacted]';

/** What an Envoy was started with, of what `/config_dump` answers. */
export function bootstrapView(answer: unknown): View {
  const dump = listOf(fieldOf(answer, 'configs')).find((each) =>
    textOf(fieldOf(each, '@type')).endsWith('.BootstrapConfigDump'),
  );
  const bootstrap = asWritten(fieldOf(dump, 'bootstrap'));
  const node = fieldOf(bootstrap, 'node');
  const version = ['major_number', 'minor_number', 'patch']
    .map((field) => textOf(fieldOf(node, 'user_agent_build_version', 'version', field)) || '0')
    .join('.');
  const services = listOf(fieldOf(bootstrap, 'dynamic_resources', 'ads_config', 'grpc_services'));
  const clusters = listOf(fieldOf(bootstrap, 'static_resources', 'clusters'));
  const rows: (readonly [string, string])[] = [
    ['node', textOf(fieldOf(node, 'id'))],
    ['cluster', textOf(fieldOf(node, 'cluster'))],
    ['envoy', version],
    ...Object.entries((fieldOf(node, 'metadata') as object | undefined) ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([key, value]) =>
          [`metadata ${key}`, typeof value === 'object' ? JSON.stringify(value) : textOf(value)] as const,
      ),
    ['admin', addressText(fieldOf(bootstrap, 'admin', 'address'))],
    ['configuration from', services.map((each) => textOf(fieldOf(each, 'envoy_grpc', 'cluster_name'))).join(', ')],
    ...clusters.map((cluster) => [`static cluster ${textOf(fieldOf(cluster, 'name'))}`, endpointsOf(cluster)] as const),
    ...listOf(fieldOf(bootstrap, 'static_resources', 'listeners')).map(
      (each) => [`static listener ${textOf(fieldOf(each, 'name'))}`, addressText(fieldOf(each, 'address'))] as const,
    ),
  ];
  return { titles: ['field', 'value'], rows, document: bootstrap };
}

function endpointsOf(cluster: unknown): string {
  return listOf(fieldOf(cluster, 'load_assignment', 'endpoints'))
    .flatMap((group) => listOf(fieldOf(group, 'lb_endpoints')))
    .map((host) => addressText(fieldOf(host, 'endpoint', 'address')))
    .join(', ');
}

/**
 * Without what Envoy says of itself (hundreds of extensions), and without the token by which the supervisor drains it,
 * which nobody else knows.
 */
function asWritten(bootstrap: unknown): unknown {
  const { extensions: _, ...node } = (fieldOf(bootstrap, 'node') ?? {}) as Record<string, unknown>;
  const admin = fieldOf(bootstrap, 'admin');
  const paths = listOf(fieldOf(admin, 'allow_paths'));
  const allowed = paths.map((each) =>
    textOf(fieldOf(each, 'exact')).startsWith('/drain_listeners') ? { exact: `/drain_listeners?${REDACTED}` } : each,
  );
  return { ...(bootstrap as object), node, admin: { ...(admin as object), allow_paths: allowed } };
}
