import { defineConfig } from 'vitest/config';

/** A condition that is waited for is given up after this time: a busy machine is slow, and what hangs is found all the same. */
const patience = { poll: { timeout: 15_000 } };

/** `fast` needs nothing but Node and git; `web` needs Chromium; `real` needs the servers that `npm run servers` builds. */
export default defineConfig({
  test: {
    // Most of the fast tests wait for servers of their own more than they compute.
    maxWorkers: 5,
    projects: [
      {
        test: {
          name: 'fast',
          expect: patience,
          include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/architecture/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
          exclude: ['test/contract/**/*.real.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'web',
          expect: patience,
          include: ['test/web/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'real',
          expect: patience,
          globalSetup: ['test/support/shared-stack.ts'],
          include: [
            'test/contract/**/*.real.test.ts',
            'test/integration/**/*.test.ts',
            'test/e2e/**/*.test.ts',
            'test/faults/**/*.test.ts',
          ],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
