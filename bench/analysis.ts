import { analyze } from '../packages/mesh/src/pilot/analysis/analyze.ts';
import { DEFAULT_SETTINGS } from '../packages/mesh/src/pilot/model/settings.ts';
import { meshWithMistakes } from '../packages/mesh/src/pilot/testing/mesh-with-mistakes.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { interleave, median } from './harness/stats.ts';

export const analysis: Benchmark = {
  name: 'analysis',
  summary: 'all checks of a whole mesh, as it grows',
  async run({ quick }) {
    const sizes = quick ? [50, 1_000] : [50, 500, 5_000];
    const rounds = quick ? 3 : 7;
    // The first round is for the compiler.
    const warmUp = 1;
    const meshes = new Map(sizes.map((size) => [size, meshWithMistakes(size)]));
    const measured = await interleave(sizes, rounds + warmUp, (size) => {
      const objects = meshes.get(size) ?? [];
      const startedAt = performance.now();
      const found = analyze({ ...DEFAULT_SETTINGS, objects, placeOf: () => undefined });
      if (found.length < objects.length / 3) throw new Error('mistakes were not found');
      return performance.now() - startedAt;
    });
    const typical = new Map(sizes.map((size) => [size, median((measured.get(size) ?? []).slice(warmUp))]));
    const base = typical.get(sizes[0] as number) as number;
    return {
      tables: [
        {
          title: 'All checks of one mesh, each service of which has mistakes',
          of: 'services',
          columns: [
            { key: 'analysisMs', heading: 'ms' },
            { key: 'ratio', heading: `against ${sizes[0]}`, digits: 2 },
          ],
          rows: sizes.map((size) => ({
            name: size.toLocaleString('en-US'),
            values: { analysisMs: typical.get(size), ratio: (typical.get(size) as number) / base },
          })),
        },
      ],
      notes: ['The ratio may be that of the sizes: what grows faster looks at each object for each other one.'],
    };
  },
};
