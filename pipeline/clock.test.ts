import { describe, expect, it } from 'vitest';
import { LiveClock, ManualClock, replayClock } from './clock.ts';

describe('playout clocks', () => {
  it('a replay stands where the stages have come to', () => {
    expect(replayClock.nowUs(1_500_000)).toBe(1_500_000);
  });

  it('a live channel goes on by itself from the media time of its first packet', () => {
    const clock = new ManualClock();
    clock.advance(1000);
    const live = new LiveClock({ clock, originUs: 5_000_000 });
    clock.advance(250);
    expect(live.nowUs(0)).toBe(5_250_000);
    expect(live.nowUs(9_000_000)).toBe(5_250_000);
  });
});
