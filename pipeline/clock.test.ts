import { describe, expect, it } from 'vitest';
import { ManualClock, ManualTicker, systemTicker } from './clock.ts';

describe('clocks', () => {
  it('a manual clock stands until it is moved', () => {
    const clock = new ManualClock();
    clock.advance(1000);
    expect(clock.nowMs()).toBe(1000);
  });

  it('tickers call back until they are ended', async () => {
    const manual = new ManualTicker();
    let calls = 0;
    const end = manual.every(20, () => calls++);
    manual.tick();
    end();
    end();
    manual.tick();
    expect(calls).toBe(1);
    await new Promise<void>((resolve) => {
      const stop = systemTicker.every(1, () => {
        stop();
        resolve();
      });
    });
  });
});
