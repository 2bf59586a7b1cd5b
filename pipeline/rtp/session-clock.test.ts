import { describe, expect, it } from 'vitest';
import { SessionClock } from './session-clock.ts';

const SECOND_US = 1_000_000;

describe('SessionClock', () => {
  it('ties the first packet to its arrival and runs by the RTP clock from there, over its wrap', () => {
    const track = new SessionClock().track(48_000, true);
    expect(track.mediaTimeUs(0xffff_fc40, 5_000_000)).toBe(5_000_000);
    // Arrival jitters; media time does not.
    expect(track.mediaTimeUs(0, 5_090_000)).toBe(5_020_000);
    expect(track.mediaTimeUs(48_000, 7_000_000)).toBe(6_020_000);
  });

  it('moves the picture to where the reports say it belongs, a little at a time, never the sound', () => {
    const clock = new SessionClock();
    const sound = clock.track(48_000, true);
    const picture = clock.track(90_000, false);
    const wall = 1_700_000_000_000_000;
    sound.mediaTimeUs(0, 100_000);
    // This picture was captured with the first sound, but encoding it took 60 ms.
    picture.mediaTimeUs(0, 160_000);
    sound.senderReport(wall, 0);
    picture.senderReport(wall, 0);
    let before = 160_000;
    for (let frame = 1; frame <= 100; frame += 1) {
      const at = picture.mediaTimeUs(frame * 3600, 0);
      expect(at - before).toBeGreaterThan(30_000);
      expect(at - before).toBeLessThan(50_000);
      before = at;
    }
    expect(Math.abs(before - (100_000 + 100 * 40_000))).toBeLessThan(3001);
    expect(sound.mediaTimeUs(48_000, 0)).toBe(100_000 + SECOND_US);
  });

  it('gives a late packet the time that its frame had', () => {
    const clock = new SessionClock();
    const sound = clock.track(48_000, true);
    const picture = clock.track(90_000, false);
    sound.mediaTimeUs(0, 0);
    picture.mediaTimeUs(0, 50_000);
    const first = picture.mediaTimeUs(3600, 0);
    sound.senderReport(10, 0);
    picture.senderReport(10, 0);
    picture.mediaTimeUs(7200, 0);
    expect(picture.mediaTimeUs(3600, 0)).toBe(first);
  });

  it('leaves the picture alone while the sound has no report', () => {
    const clock = new SessionClock();
    clock.track(48_000, true).mediaTimeUs(0, 0);
    const picture = clock.track(90_000, false);
    picture.mediaTimeUs(0, 50_000);
    picture.senderReport(123_456, 0);
    expect(picture.mediaTimeUs(90_000, 0)).toBe(50_000 + SECOND_US);
  });
});
