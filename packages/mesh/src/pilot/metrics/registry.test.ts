import { expect, test } from 'vitest';
import { MetricsRegistry } from './registry.ts';

test('prints what Prometheus reads', () => {
  const metrics = new MetricsRegistry();
  const plain = metrics.counter('pushes_total', 'Responses that were sent.');
  const byType = metrics.counter('bytes_total', 'Bytes that were sent.', 'type');
  metrics.gauge('proxies', 'Connected.', () => 3);
  metrics.gauge('queue', 'Waiting.', () => ({ turn: 1, gate: 2 }), 'for');
  metrics.counted('encodings_total', 'Made and shared.', () => ({ made: 4 }), 'outcome');
  const seconds = metrics.histogram('convergence_seconds', 'Until the last ACK.', [0.01, 0.1]);
  const stages = metrics.histogram('stage_seconds', 'By stage.', [1], 'stage');
  plain.add();
  plain.add(2);
  byType.add(10, 'cluster');
  for (const value of [0.01, 0.05, 7]) seconds.observe(value);
  stages.observe(0.5, 'commit');
  expect(metrics.print()).toBe(`# HELP pushes_total Responses that were sent.
# TYPE pushes_total counter
pushes_total 3
# HELP bytes_total Bytes that were sent.
# TYPE bytes_total counter
bytes_total{type="cluster"} 10
# HELP proxies Connected.
# TYPE proxies gauge
proxies 3
# HELP queue Waiting.
# TYPE queue gauge
queue{for="turn"} 1
queue{for="gate"} 2
# HELP encodings_total Made and shared.
# TYPE encodings_total counter
encodings_total{outcome="made"} 4
# HELP convergence_seconds Until the last ACK.
# TYPE convergence_seconds histogram
convergence_seconds_bucket{le="0.01"} 1
convergence_seconds_bucket{le="0.1"} 2
convergence_seconds_bucket{le="+Inf"} 3
convergence_seconds_sum 7.06
convergence_seconds_count 3
# HELP stage_seconds By stage.
# TYPE stage_seconds histogram
stage_seconds_bucket{stage="commit",le="1"} 1
stage_seconds_bucket{stage="commit",le="+Inf"} 1
stage_seconds_sum{stage="commit"} 0.5
stage_seconds_count{stage="commit"} 1
`);
});
