import { defineConfig } from 'vitest/config';

/** Three groups, quickest first, one after the other: a mesh that starts must not fight with other tests for the machine. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/mesh/test/*.test.ts',
            'scripts/**/*.test.ts',
            'samples/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'golden',
          include: ['packages/mesh/test/{golden,traffic}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['packages/mesh/test/{e2e,docs}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Needs a Chromium, so it is not part of `npm test`: `npm run test:browser`.
        test: {
          name: 'browser',
          include: ['packages/mesh/test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
