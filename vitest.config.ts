import { defineConfig } from 'vitest/config';

/** Tests in real time: each needs the machine to itself to be right. */
const REAL_TIME = ['test/live/**/*.test.ts', 'server/live/worker/face-host.test.ts'];

const common = { pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 } as const;

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'all',
          include: ['{pipeline,models,sfu,gpu,db,server,cli,client,loadtest,test}/**/*.test.ts'],
          exclude: REAL_TIME,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'real time',
          include: REAL_TIME,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
