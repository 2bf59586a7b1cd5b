import { describe, expect, it } from 'vitest';
import type { EngineCall } from '../pipeline/ports/engine.ts';
import { SessionPool } from './session-pool.ts';

const call = (options: Partial<EngineCall> = {}): EngineCall => ({
  signal: new AbortController().signal,
  priority: 'upload',
  ...options,
});

/** A job that ends when told to. */
function gate(): { work: () => Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { work: () => opened, open };
}

describe('SessionPool', () => {
  it('runs live work before uploads, earlier deadlines first, and equals in order of arrival', async () => {
    const pool = new SessionPool({ concurrency: 1 });
    const first = gate();
    const order: string[] = [];
    const note = (name: string) => async () => void order.push(name);
    const lane = { engine: 'a' };
    const jobs = [
      pool.run(call(), lane, first.work),
      pool.run(call(), lane, note('upload 1')),
      pool.run(call(), lane, note('upload 2')),
      pool.run(call({ priority: 'live', deadlineMs: 900 }), lane, note('live late')),
      pool.run(call({ priority: 'live', deadlineMs: 100 }), lane, note('live soon')),
      pool.run(call({ priority: 'live', deadlineMs: 900 }), lane, note('live late too')),
    ];
    first.open();
    await Promise.all(jobs);
    expect(order).toEqual(['live soon', 'live late', 'live late too', 'upload 1', 'upload 2']);
  });

  it('never runs more than its concurrency, nor more of one engine than its sessions', async () => {
    const pool = new SessionPool({ concurrency: 2 });
    const gates = [gate(), gate(), gate()];
    const jobs = [
      pool.run(call(), { engine: 'a' }, gates[0]!.work),
      pool.run(call(), { engine: 'a' }, gates[1]!.work),
      pool.run(call(), { engine: 'b' }, gates[2]!.work),
    ];
    expect(pool.stats()).toMatchObject({ running: 2, waiting: 1 });
    expect(pool.stats().engines.b?.jobs).toBe(1);
    for (const { open } of gates) open();
    await Promise.all(jobs);
    expect(pool.stats()).toMatchObject({ running: 0, waiting: 0, completed: 3 });
  });

  it('drops a waiting job at once when its caller gives up', async () => {
    const pool = new SessionPool({ concurrency: 1 });
    const first = gate();
    const stop = new AbortController();
    const running = pool.run(call(), { engine: 'a' }, first.work);
    const waiting = pool.run(call({ signal: stop.signal }), { engine: 'a' }, async () => 'never');
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(pool.stats()).toMatchObject({ waiting: 0, cancelled: 1 });
    first.open();
    await running;
    await expect(
      pool.run(call({ signal: stop.signal }), { engine: 'a' }, async () => 1),
    ).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
  });

  it('sheds the job that would go last when full, or refuses the newcomer if told so', async () => {
    for (const overflow of ['shed-last', 'reject'] as const) {
      const pool = new SessionPool({ concurrency: 1, limit: 1, overflow });
      const first = gate();
      const running = pool.run(call(), { engine: 'a' }, first.work);
      const upload = pool.run(call(), { engine: 'a' }, async () => 'upload');
      const live = pool.run(call({ priority: 'live' }), { engine: 'a' }, async () => 'live');
      const [loser, winner] = overflow === 'shed-last' ? [upload, live] : [live, upload];
      await expect(loser).rejects.toMatchObject({ code: 'LIVEDUB_E_CHANNEL_OVERFLOW' });
      first.open();
      await running;
      expect(await winner).toBe(overflow === 'shed-last' ? 'live' : 'upload');
      expect(pool.stats().shed).toBe(1);
    }
  });

  it('gives the slot back when a job fails, and books what it used', async () => {
    let nowMs = 0;
    const pool = new SessionPool({ concurrency: 1, nowMs: () => nowMs });
    const bad = pool.run(call(), { engine: 'a' }, async (slot) => {
      slot.addComputeMs(3);
      nowMs = 5;
      throw new Error('broken');
    });
    const good = pool.run(call(), { engine: 'a' }, async () => 'fine');
    nowMs = 7;
    await expect(bad).rejects.toThrow('broken');
    expect(await good).toBe('fine');
    pool.book('b', 0.25);
    const { failed, completed, engines } = pool.stats();
    expect({ failed, completed }).toEqual({ failed: 1, completed: 1 });
    expect(engines.a).toEqual({ jobs: 2, waitedMs: 2, wallMs: 7, cpuMs: 3 });
    expect(engines.b).toMatchObject({ jobs: 1, cpuMs: 0.25 });
  });

  it('closes once: what waits fails, what runs may end, newcomers are refused', async () => {
    const pool = new SessionPool({ concurrency: 1 });
    const first = gate();
    const running = pool.run(call(), { engine: 'a' }, first.work);
    const waiting = pool.run(call(), { engine: 'a' }, async () => 1);
    let closed = false;
    const closing = pool.close().then(() => {
      closed = true;
    });
    await expect(waiting).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    expect(closed).toBe(false);
    first.open();
    await running;
    await closing;
    await pool.close();
    await expect(pool.run(call(), { engine: 'a' }, async () => 1)).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });
});
