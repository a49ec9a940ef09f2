import { type Counter, type Histogram, MetricsRegistry } from '../../metrics/registry.ts';
import { resourceHeadsMade, resourcesEncoded } from './encode-response.ts';
import { type Response, resourceType } from './state.ts';

/** Seconds. Goals are at 8 to 150 ms, and what is wrong shows at seconds. */
const CONVERGENCE_BOUNDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const STAGE_BOUNDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Streams that have something to do or to wait for. */
export interface QueueDepth {
  readonly turn: number;
  readonly gate: number;
  readonly answer: number;
}

/** What the xDS server tells of itself. Names that Istio has for the same are Istio's. */
export interface ServerMetrics {
  readonly registry: MetricsRegistry;
  readonly eachProxy: Histogram;
  readonly lastProxy: Histogram;
  /** Seconds, by stage. */
  readonly stages: Histogram;
  readonly rejects: Counter;
  readonly ends: Counter;
  sent(response: Response, bytes: number): void;
}

export function createServerMetrics(
  read: { readonly connected: () => number; readonly queue: () => QueueDepth },
  registry = new MetricsRegistry(),
): ServerMetrics {
  registry.gauge('pilot_xds', 'Proxies that are connected.', read.connected);
  registry.gauge(
    'pilot_xds_queue',
    'Streams that wait for their turn or for a place among large writes, and proxies that have not answered.',
    () => ({ ...read.queue() }),
    'for',
  );
  const responses = registry.counter('pilot_xds_pushes_total', 'Responses that were sent, by type.', 'type');
  const bytes = registry.counter('pilot_xds_sent_bytes_total', 'Bytes of the responses, by type.', 'type');
  const resources = registry.counter('pilot_xds_sent_resources_total', 'Resources in them, by type.', 'type');
  const removals = registry.counter(
    'pilot_xds_sent_removals_total',
    'Names of resources that are gone, by type.',
    'type',
  );
  registry.counted(
    'pilot_xds_encoded_resources_total',
    'Resources in incremental responses whose frame was made for it, or taken from before.',
    () => ({ made: resourceHeadsMade(), shared: resourcesEncoded() - resourceHeadsMade() }),
    'outcome',
  );
  return {
    registry,
    eachProxy: registry.histogram(
      'pilot_proxy_convergence_time',
      'Seconds from a change of what a proxy should hold to its answer, for each proxy that a change concerns.',
      CONVERGENCE_BOUNDS,
    ),
    lastProxy: registry.histogram(
      'pilot_change_convergence_time',
      'Seconds from a change to the answer of the last proxy that it concerns.',
      CONVERGENCE_BOUNDS,
    ),
    stages: registry.histogram(
      'pilot_stage_time',
      'Seconds of work at a time: admit (check and derive what changed), push (serve streams; connects are in it).',
      STAGE_BOUNDS,
      'stage',
    ),
    rejects: registry.counter('pilot_xds_rejects_total', 'Responses that a proxy refused (NACK), by type.', 'type'),
    ends: registry.counter('pilot_xds_ended_streams_total', 'Streams that were ended because of a fault.'),
    sent(response, size) {
      // What is not served is answered as well, whatever it is called.
      const type = resourceType(response.typeUrl) ?? 'other';
      responses.add(1, type);
      bytes.add(size, type);
      resources.add(response.resources.length, type);
      removals.add(response.removed.length, type);
    },
  };
}
