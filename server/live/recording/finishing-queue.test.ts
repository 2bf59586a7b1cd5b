import { describe, expect, it } from 'vitest';
import { FinishingQueue } from './finishing-queue.ts';

const { signal } = new AbortController();

/** Work that ends when it is told to. */
function job() {
  let end = () => {};
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => done };
}

describe('FinishingQueue', () => {
  it('makes one file after another, in the order in which they came, and tells each how many come first', async () => {
    const queue = new FinishingQueue({ concurrency: 1 });
    const jobs = [job(), job(), job()];
    const told: (number | undefined)[][] = [[], [], []];
    const ended: number[] = [];
    const turns = jobs.map(({ work }, i) =>
      queue.inTurn({ signal, work, onAhead: (ahead) => told[i]!.push(ahead) }).then(() => void ended.push(i)),
    );
    expect(told).toEqual([[], [1], [2]]);
    for (const { end } of jobs) end();
    await Promise.all(turns);
    expect(ended).toEqual([0, 1, 2]);
    expect(told).toEqual([[], [1, undefined], [2, 1, undefined]]);
  });

  it('makes as many side by side as it may', async () => {
    const queue = new FinishingQueue({ concurrency: 2 });
    const jobs = [job(), job(), job()];
    const begun: number[] = [];
    const turns = jobs.map(({ work }, i) =>
      queue.inTurn({ signal, work: () => work().finally(() => begun.push(i)) }),
    );
    jobs[2]!.end();
    jobs[1]!.end();
    await turns[2];
    expect(begun).toEqual([1, 2]);
    jobs[0]!.end();
    await Promise.all(turns);
  });

  it('lets go at once of who gives up while waiting, and not of whose work has begun', async () => {
    const queue = new FinishingQueue({ concurrency: 1 });
    const stop = new AbortController();
    const [first, second, third] = [job(), job(), job()];
    const ahead: (number | undefined)[] = [];
    const running = queue.inTurn({ signal: stop.signal, work: first!.work });
    const waiting = queue.inTurn({ signal: stop.signal, work: second!.work });
    const behind = queue.inTurn({ signal, work: third!.work, onAhead: (files) => ahead.push(files) });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(ahead).toEqual([2, 1]);
    first!.end();
    await running;
    third!.end();
    await behind;
    await expect(queue.inTurn({ signal: stop.signal, work: first!.work })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
  });

  it('goes on after work that fails, and refuses what it has no room for', async () => {
    const queue = new FinishingQueue({ concurrency: 1, limit: 1 });
    const failing = queue.inTurn({ signal, work: () => Promise.reject(new Error('no')) });
    const next = queue.inTurn({ signal, work: async () => 'made' });
    const refused = queue.inTurn({ signal, work: async () => 'made' });
    await expect(refused).rejects.toMatchObject({ code: 'LIVEDUB_E_QUEUE_FULL' });
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('made');
  });
});
