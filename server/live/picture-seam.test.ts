import { describe, expect, it } from 'vitest';
import { PictureSeam } from './picture-seam.ts';

describe('PictureSeam', () => {
  it('leaves times alone that are later than what was sent', () => {
    const seam = new PictureSeam(9000);
    expect([12_600, 16_200, 14_400].map((ticks) => seam.ticksOf(ticks))).toEqual([12_600, 16_200, 14_400]);
    expect(new PictureSeam(undefined).ticksOf(3)).toBe(3);
  });

  it('moves pictures that were shown already just behind what was sent, all packets of one to the same time', () => {
    const seam = new PictureSeam(90_000);
    const packets = [86_400, 86_400, 90_000, 93_600, 90_000, 97_200];
    expect(packets.map((ticks) => seam.ticksOf(ticks))).toEqual([
      90_090, 90_090, 90_180, 93_600, 90_180, 97_200,
    ]);
  });

  it('is past what is caught up with when the newest picture is shown', () => {
    const seam = new PictureSeam(90_000, [3600, 7200, 180_000]);
    expect([3600, 7200, 180_000, 183_600].map((ticks) => seam.ticksOf(ticks))).toEqual([
      179_820, 179_910, 180_000, 183_600,
    ]);
  });

  it('never goes back, though there is more to catch up with than there is time', () => {
    const times = Array.from({ length: 20 }, (_, i) => 80_000 + i * 600);
    const seam = new PictureSeam(91_000, times);
    const sent = times.map((ticks) => seam.ticksOf(ticks));
    expect(sent[0]).toBeGreaterThan(91_000);
    for (let i = 1; i < sent.length; i += 1) expect(sent[i]).toBeGreaterThan(sent[i - 1]!);
  });

  it('works where the 32 bits begin anew', () => {
    const seam = new PictureSeam(4_294_967_290);
    expect([4_294_967_000, 100, 200].map((ticks) => seam.ticksOf(ticks))).toEqual([84, 100, 200]);
  });
});
