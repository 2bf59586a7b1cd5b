import { describe, expect, it } from 'vitest';
import { SessionPool } from '../../session-pool.ts';
import { Batches } from './batches.ts';

describe('batches', () => {
  const pool = new SessionPool({ concurrency: 1 });
  const { signal } = new AbortController();

  it('take live jobs first, then in the order they came, so many at a time', async () => {
    const runs: (readonly number[])[] = [];
    const batches = new Batches<number, number>({
      ...{ pool, engine: 'doubler', most: 3 },
      run: async (jobs) => {
        runs.push(jobs);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return jobs.map((job) => 2 * job);
      },
    });
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map((job) => batches.add(job, { signal, priority: job > 3 ? 'live' : 'upload' })),
    );
    expect(answers).toEqual([2, 4, 6, 8, 10]);
    expect(runs).toEqual([
      [4, 5, 1],
      [2, 3],
    ]);
  });

  it('fail together, and go on', async () => {
    let runs = 0;
    const batches = new Batches<number, number>({
      ...{ pool, engine: 'flaky' },
      run: async (jobs) => {
        if (runs++ === 0) throw new Error('lost');
        return jobs;
      },
    });
    const call = { signal, priority: 'live' as const };
    const failed = await Promise.allSettled([batches.add(1, call), batches.add(2, call)]);
    for (const { status, reason } of failed as PromiseRejectedResult[]) {
      expect(status).toBe('rejected');
      expect(reason).toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
    }
    expect(await batches.add(3, call)).toBe(3);
  });

  it('stop a run only when nobody wants any of it', async () => {
    const stops = [new AbortController(), new AbortController()];
    let seen: AbortSignal | undefined;
    const batches = new Batches<number, number>({
      ...{ pool, engine: 'slow' },
      run: async (jobs, slot) => {
        seen = slot.signal;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return jobs;
      },
    });
    const asked = stops.map((stop, i) => batches.add(i, { signal: stop.signal, priority: 'live' }));
    const settled = Promise.allSettled(asked);
    await new Promise((resolve) => setTimeout(resolve, 8));
    stops[0]!.abort();
    expect(seen!.aborted).toBe(false);
    stops[1]!.abort();
    expect(seen!.aborted).toBe(true);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
