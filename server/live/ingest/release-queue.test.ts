import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../pipeline/clock.ts';
import { ReleaseQueue } from './release-queue.ts';

describe('ReleaseQueue', () => {
  const clock = new ManualClock();
  let out: { at: number; item: number }[] = [];
  let queue: ReleaseQueue<number>;
  const run = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1);
      vi.advanceTimersByTime(1);
    }
  };
  beforeEach(() => {
    vi.useFakeTimers();
    out = [];
    const startMs = clock.nowMs();
    queue = new ReleaseQueue({
      clock,
      release: (item) => out.push({ at: Math.round(clock.nowMs() - startMs), item }),
    });
  });
  afterEach(() => {
    queue.close();
    vi.useRealTimers();
  });

  it('lets a burst out at the pace of its media times, in their order', () => {
    for (const item of [0, 20, 60, 40, 80]) queue.push(1_000_000 + item * 1000, item);
    run(100);
    expect(out.map(({ item }) => item)).toEqual([0, 20, 40, 60, 80]);
    for (const { at, item } of out) expect(Math.abs(at - item)).toBeLessThanOrEqual(2);
  });

  it('lets what is late out at once, and keeps the pace for what follows', () => {
    queue.push(0, 0);
    run(500);
    queue.push(100_000, 100);
    queue.push(700_000, 700);
    run(300);
    expect(out.map(({ item }) => item)).toEqual([0, 100, 700]);
    expect(out[1]!.at).toBe(500);
    expect(Math.abs(out[2]!.at - 700)).toBeLessThanOrEqual(2);
  });

  it('makes a sender wait that is far ahead, and lets it go on when closed', async () => {
    queue.push(0, 0);
    queue.push(5_000_000, 5000);
    let ready = false;
    const waiting = queue.ready().then(() => {
      ready = true;
    });
    run(100);
    await Promise.resolve();
    expect(ready).toBe(false);
    queue.close();
    await waiting;
    expect(queue.length).toBe(0);
  });

  it('does not fill up when the sender has a faster clock', () => {
    // 0.1 % fast, for half an hour: nearly two seconds.
    let longest = 0;
    for (let second = 0; second < 1800; second++) {
      for (let i = 0; i < 10; i++) {
        queue.push((second * 10 + i) * 100_100, 0);
        clock.advance(100);
        vi.advanceTimersByTime(100);
      }
      longest = Math.max(longest, queue.length);
    }
    expect(longest).toBeLessThan(6);
  });
});
