import { describe, expect, it } from 'vitest';
import { downmix, Resampler, resample } from './resample.ts';

function sine(hz: number, rateHz: number, seconds: number): Float32Array {
  return Float32Array.from(
    { length: Math.round(rateHz * seconds) },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / rateHz),
  );
}

function rmsDb(pcm: Float32Array): number {
  let sum = 0;
  for (const x of pcm) sum += x * x;
  return 10 * Math.log10(sum / pcm.length + 1e-20);
}

describe('Resampler', () => {
  for (const [fromHz, toHz] of [
    [48_000, 16_000],
    [16_000, 48_000],
    [22_050, 48_000],
    [24_000, 48_000],
    [8000, 48_000],
    [44_100, 16_000],
  ] as const) {
    it(`keeps a 1 kHz tone in level and place from ${fromHz} to ${toHz} Hz`, () => {
      const got = resample(sine(1000, fromHz, 1), fromHz, toHz);
      const want = sine(1000, toHz, 1);
      expect(got.length).toBe(toHz);
      const edge = Math.round(toHz / 50);
      const difference = want.map((x, i) => x - got[i]!).subarray(edge, -edge);
      expect(rmsDb(difference)).toBeLessThan(-65);
    });
  }

  it('removes what the lower rate cannot carry', () => {
    const got = resample(sine(9000, 48_000, 1), 48_000, 16_000).subarray(400, -400);
    expect(rmsDb(got) - rmsDb(sine(9000, 48_000, 1))).toBeLessThan(-60);
  });

  it('keeps speech frequencies up to 6.8 kHz within 1 dB', () => {
    const got = resample(sine(6800, 48_000, 1), 48_000, 16_000).subarray(400, -400);
    expect(Math.abs(rmsDb(got) - rmsDb(sine(6800, 48_000, 1)))).toBeLessThan(1);
  });

  it('gives the same samples however the input is split', () => {
    const input = sine(440, 48_000, 0.5).map((x, i) => x + (((i * 7919) % 101) / 101 - 0.5) * 0.1);
    const whole = resample(input, 48_000, 16_000);
    const resampler = new Resampler({ fromHz: 48_000, toHz: 16_000 });
    const parts: number[] = [];
    for (let at = 0, size = 1; at < input.length; at += size, size = (size * 13 + 7) % 1999) {
      parts.push(...resampler.process(input.subarray(at, at + size)));
    }
    parts.push(...resampler.flush());
    expect(Float32Array.from(parts)).toEqual(whole);
  });

  it('can be used again after a flush', () => {
    const resampler = new Resampler({ fromHz: 24_000, toHz: 48_000 });
    const input = sine(300, 24_000, 0.1);
    const run = () => [...resampler.process(input), ...resampler.flush()];
    expect(run()).toEqual(run());
  });

  it('refuses a rate of 0 Hz', () => {
    expect(() => new Resampler({ fromHz: 0, toHz: 48_000 })).toThrow(/0 Hz/);
  });
});

describe('downmix', () => {
  it('takes the mean of the channels', () => {
    expect([...downmix([Float32Array.of(1, 0), Float32Array.of(0, -1)])]).toEqual([0.5, -0.5]);
  });
});
