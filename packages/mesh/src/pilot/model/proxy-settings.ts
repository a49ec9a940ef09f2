import { optionalDurationMs } from '@lateen/api/duration.ts';
import type { ProxyDefaults } from '@lateen/api/istio/mesh-config-proxy.ts';
import type { ProxyConfig } from '@lateen/api/kinds.ts';
import {
  COMPONENT_LOG_LEVEL_ANNOTATION,
  LOG_LEVEL_ANNOTATION,
  type ProxySettings,
} from '@lateen/api/proxy-settings.ts';
import { defined } from './defined.ts';
import { hasLabels } from './service.ts';

export interface ProxySettingsSources {
  /** `defaultConfig` of the mesh. */
  readonly mesh: ProxyDefaults;
  /** In the order of their keys. */
  readonly configs: readonly ProxyConfig[];
  readonly rootNamespace: string;
}

export interface ProxiedWorkload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Its annotation `proxy.istio.io/config`. */
  readonly annotation?: ProxyDefaults;
}

/**
 * What holds for the proxy of a workload, field by field; of environment variables, name by name. A ProxyConfig that
 * selects the workload goes before its annotation, then come those of its namespace, of the root namespace, and the
 * configuration of the mesh. Of several ProxyConfigs of one rank the first counts.
 */
export function buildProxySettings(
  { mesh, configs, rootNamespace }: ProxySettingsSources,
  { namespace, labels, annotations = {}, annotation = {} }: ProxiedWorkload,
): ProxySettings {
  const wide = (inNamespace: string) =>
    configs.find((each) => each.metadata.namespace === inNamespace && Object.keys(labelsOf(each)).length === 0);
  const selecting = configs.find(
    (each) =>
      each.metadata.namespace === namespace &&
      Object.keys(labelsOf(each)).length > 0 &&
      hasLabels(labels, labelsOf(each)),
  );
  const ranks: readonly ProxyDefaults[] = [
    defaultsIn(selecting),
    annotation,
    defaultsIn(wide(namespace)),
    defaultsIn(wide(rootNamespace)),
    mesh,
  ];
  const first = <K extends keyof ProxyDefaults>(key: K) => ranks.find((each) => each[key] !== undefined)?.[key];
  const environment: Record<string, string> = {};
  for (const { proxyMetadata = {} } of ranks.toReversed()) Object.assign(environment, proxyMetadata);
  return defined({
    concurrency: first('concurrency'),
    environment: Object.keys(environment).length === 0 ? undefined : environment,
    drainMs: optionalDurationMs(first('drainDuration')),
    terminationDrainMs: optionalDurationMs(first('terminationDrainDuration')),
    holdsApplication: first('holdApplicationUntilProxyStarts'),
    logLevel: annotations[LOG_LEVEL_ANNOTATION],
    componentLogLevel: annotations[COMPONENT_LOG_LEVEL_ANNOTATION],
    gatewayTopology: annotation.gatewayTopology,
  });
}

function labelsOf({ spec }: ProxyConfig): Readonly<Record<string, string>> {
  return spec.selector?.matchLabels ?? {};
}

function defaultsIn(config: ProxyConfig | undefined): ProxyDefaults {
  return defined({ concurrency: config?.spec.concurrency, proxyMetadata: config?.spec.environmentVariables });
}
