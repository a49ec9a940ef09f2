import { durationMs } from '@lateen/api/duration.ts';
import type { TrafficPolicy as TrafficPolicySettings } from '@lateen/api/istio/traffic-policy.ts';
import type { SourceRef } from '../proxy/ir/source.ts';
import type { RetryLimitIr } from '../proxy/ir/upstream-policy.ts';
import { buildClientTls, type ClientTls, withoutCredentials } from './client-tls.ts';
import { buildConnectionPool, type ConnectionPool } from './connection-pool.ts';
import { defined } from './defined.ts';
import { buildLoadBalancing, type LoadBalancing } from './load-balancer.ts';
import { buildOutlierDetection, type OutlierDetection } from './outlier-detection.ts';

/** `trafficPolicy` of a DestinationRule or of one of its subsets. What is absent is as a wider policy or the mesh has it. */
export interface TrafficSettings extends PortSettings {
  readonly tunnel?: Tunnel;
  readonly proxyProtocol?: 'v1' | 'v2';
  readonly retryBudget?: RetryBudget;
  /** `portLevelSettings`: what holds in place of the four settings of `PortSettings`, by service port. */
  readonly ports: Readonly<Record<number, PortSettings>>;
}

interface PortSettings {
  readonly loadBalancing?: LoadBalancing;
  readonly connectionPool?: ConnectionPool;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTls;
}

/** TCP connections to the host go through it, as a proxy, to the target. */
export interface Tunnel {
  readonly method: 'CONNECT' | 'POST';
  /** `HOST:PORT` */
  readonly target: string;
}

export type RetryBudget = Extract<RetryLimitIr, { type: 'budget' }>;

/**
 * One request in five may be a retry, so that retries cannot multiply the load of what is failing. A few more than Envoy's
 * three are always allowed: where little is under way, an instance that dies must not cost requests that can be repeated.
 */
export const DEFAULT_RETRY_BUDGET: RetryBudget = { type: 'budget', percent: 20, minRetryConcurrency: 10 };

/** Of a budget that is asked for. Envoy's. */
const BUDGET_PERCENT = 20;
const MIN_RETRY_CONCURRENCY = 3;

/** Whether some of the settings need credentials of the namespace that the proxy is in. */
export function usesCredentials(settings: TrafficSettings): boolean {
  return [settings, ...Object.values(settings.ports)].some(
    ({ tls }) => tls?.type === 'originate' && tls.credentials.length > 0,
  );
}

/** As for proxies that may not use credentials. */
export function settingsWithoutCredentials(settings: TrafficSettings): TrafficSettings {
  const without = <T extends PortSettings>(each: T): T =>
    each.tls === undefined ? each : { ...each, tls: withoutCredentials(each.tls) };
  return {
    ...without(settings),
    ports: Object.fromEntries(Object.entries(settings.ports).map(([port, each]) => [port, without(each)])),
  };
}

export const NO_SETTINGS: TrafficSettings = { ports: {} };

/** @param source of the policy */
export function buildTrafficSettings(policy: TrafficPolicySettings, source: SourceRef): TrafficSettings {
  const { tunnel, proxyProtocol, retryBudget, portLevelSettings = [] } = policy;
  return defined({
    ...buildPortSettings(policy, source),
    tunnel: tunnel === undefined ? undefined : buildTunnel(tunnel),
    proxyProtocol: proxyProtocol === undefined ? undefined : headerVersion(proxyProtocol.version),
    retryBudget: retryBudget === undefined ? undefined : buildRetryBudget(retryBudget),
    ports: Object.fromEntries(
      portLevelSettings.map(
        ({ port, ...settings }, i) =>
          [port.number, buildPortSettings(settings, below(source, `portLevelSettings[${i}]`))] as const,
      ),
    ),
  });
}

/** What holds for one port of a subset, or of the host as a whole (`subset` absent). Istio's order. */
export function settingsFor(
  host: TrafficSettings,
  subset: TrafficSettings | undefined,
  port: number,
): Omit<TrafficSettings, 'ports'> {
  const { ports: _, ...wide } = atPort(host, port);
  if (subset === undefined) return wide;
  const { ports: __, ...narrow } = subset;
  const merged = { ...wide, ...narrow };
  return subset.ports[port] === undefined ? merged : replaced(merged, subset.ports[port]);
}

function atPort(settings: TrafficSettings, port: number): TrafficSettings {
  const own = settings.ports[port];
  return own === undefined ? settings : replaced(settings, own);
}

/** Settings of a port inherit nothing: what they leave out has its default. */
function replaced<T extends PortSettings>(settings: T, port: PortSettings): T {
  const { loadBalancing: _, connectionPool: __, outlierDetection: ___, tls: ____, ...others } = settings;
  return { ...others, ...port } as T;
}

function buildPortSettings(
  settings: Pick<TrafficPolicySettings, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>,
  source: SourceRef,
): PortSettings {
  const { loadBalancer, connectionPool, outlierDetection, tls } = settings;
  return defined({
    loadBalancing: loadBalancer === undefined ? undefined : buildLoadBalancing(loadBalancer),
    connectionPool: connectionPool === undefined ? undefined : buildConnectionPool(connectionPool),
    outlierDetection: outlierDetection === undefined ? undefined : buildOutlierDetection(outlierDetection),
    tls: tls === undefined ? undefined : buildClientTls(tls, below(source, 'tls')),
  });
}

function below(source: SourceRef, field: string): SourceRef {
  return { ...source, path: `${source.path}.${field}` };
}

function headerVersion(version: 'V1' | 'V2' = 'V1'): 'v1' | 'v2' {
  return version === 'V1' ? 'v1' : 'v2';
}

function buildTunnel({ protocol = 'CONNECT', targetHost, targetPort }: NonNullable<TrafficPolicySettings['tunnel']>) {
  const host = targetHost.includes(':') ? `[${targetHost}]` : targetHost;
  return { method: protocol, target: `${host}:${targetPort}` };
}

function buildRetryBudget(budget: NonNullable<TrafficPolicySettings['retryBudget']>): RetryBudget {
  const { percent, minRetryConcurrency, budgetInterval = '0s' } = budget;
  const intervalMs = durationMs(budgetInterval) ?? 0;
  return {
    type: 'budget',
    percent: percent ?? BUDGET_PERCENT,
    minRetryConcurrency: minRetryConcurrency ?? MIN_RETRY_CONCURRENCY,
    ...(intervalMs === 0 ? {} : { intervalMs }),
  };
}
