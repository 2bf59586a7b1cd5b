import { describe, expect, it } from 'vitest';
import { BackOff, pause } from './back-off.ts';

describe('waits between tries', () => {
  it('double up to the longest, and start over after a success', () => {
    const backOff = new BackOff({ firstMs: 100, mostMs: 1000, random: () => 1 });
    expect([1, 2, 3, 4, 5, 6].map(() => backOff.nextMs())).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(backOff.tries).toBe(6);
    backOff.reset();
    expect(backOff.nextMs()).toBe(100);
  });

  it('are shortened by chance by half at most', () => {
    const backOff = new BackOff({ firstMs: 100, random: () => 0 });
    expect(backOff.nextMs()).toBe(50);
  });

  it('end at once when they are called off', async () => {
    const controller = new AbortController();
    const waiting = pause(60_000, controller.signal);
    controller.abort();
    await waiting;
    await pause(60_000, controller.signal);
  });
});
