import { afterEach, describe, expect, it } from 'vitest';
import { workerBin } from './test-support.ts';
import { SfuWorkerPool } from './worker-pool.ts';

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('SfuWorkerPool without a worker program', () => {
  it('says what is missing', async () => {
    await expect(
      SfuWorkerPool.start({ workerBin: '/nonexistent/mediasoup-worker', count: 2 }),
    ).rejects.toMatchObject({
      code: 'LIVEDUB_E_DEPENDENCY_MISSING',
    });
  });
});

describe.skipIf(workerBin === undefined)('SfuWorkerPool', () => {
  let pool: SfuWorkerPool;
  afterEach(() => pool?.close());

  it('spreads routers over its workers and leaves no process behind', async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 2 });
    const routers = await Promise.all([1, 2, 3, 4].map(() => pool.createRouter()));
    const pids = pool.pids as number[];
    expect(routers.filter((router) => router.workerPid === pids[0])).toHaveLength(2);
    await Promise.all([pool.close(), pool.close()]);
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(routers.every((router) => router.closed.aborted)).toBe(true);
    await expect(pool.createRouter()).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('starts a killed worker again and reports its routers lost, the others untouched', async () => {
    const lost: string[] = [];
    const died: number[] = [];
    pool = await SfuWorkerPool.start({
      workerBin: workerBin!,
      count: 2,
      restartDelayMs: 50,
      observer: {
        workerDied: ({ pid }) => died.push(pid),
        routerLost: ({ routerId }) => lost.push(routerId),
      },
    });
    const first = await pool.createRouter();
    const second = await pool.createRouter();
    const feed = await first.createFeed({ codec: 'opus', cname: 'a' });
    const tap = await first.createTap({ producerId: feed.id });
    process.kill(first.workerPid, 'SIGKILL');
    await expect(tap.ended).rejects.toMatchObject({ code: 'LIVEDUB_E_SFU_FAILED' });
    expect(first.closed.reason).toMatchObject({ code: 'LIVEDUB_E_SFU_FAILED', retryable: true });
    expect(() => feed.send(Buffer.alloc(20))).toThrow(
      expect.objectContaining({ code: 'LIVEDUB_E_SFU_FAILED' }),
    );
    expect(died).toEqual([first.workerPid]);
    expect(lost).toEqual([first.id]);
    expect(second.closed.aborted).toBe(false);
    await expect.poll(() => pool.pids[0], { timeout: 5000 }).toBeTypeOf('number');
    expect(pool.pids[0]).not.toBe(first.workerPid);
    const again = await pool.createRouter();
    expect(again.workerPid).toBe(pool.pids[0]);
  });

  it('waits for the restart when no worker is left, and obeys abort while it waits', async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1, restartDelayMs: 300 });
    const router = await pool.createRouter();
    process.kill(router.workerPid, 'SIGKILL');
    await expect.poll(() => router.closed.aborted).toBe(true);
    await expect(pool.createRouter({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect((await pool.createRouter()).workerPid).not.toBe(router.workerPid);
  });
});
