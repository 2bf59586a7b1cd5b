import { describe, expect, it } from 'vitest';
import { Limiter, truePeakDbtp } from './limiter.ts';

const RATE = 48_000;

function run(limiter: Limiter, planes: Float32Array[], block: number): Float32Array[] {
  const length = planes[0]!.length;
  const out = planes.map(() => new Float32Array(length + limiter.delaySamples));
  let at = 0;
  const put = (part: Float32Array[]) => {
    part.forEach((plane, channel) => {
      out[channel]!.set(plane, at);
    });
    at += part[0]!.length;
  };
  for (let from = 0; from < length; from += block)
    put(limiter.process(planes.map((p) => p.subarray(from, from + block))));
  put(limiter.flush());
  return out.map((plane) => plane.subarray(limiter.delaySamples));
}

/** Loud sound with clicks and a tone whose true peaks lie between samples. */
function harsh(seconds: number): Float32Array {
  let seed = 7;
  return Float32Array.from({ length: RATE * seconds }, (_, i) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const noise = seed / 0x40000000 - 1;
    const tone = 1.3 * Math.sin((2 * Math.PI * 12_000 * i) / RATE + Math.PI / 4);
    const swell = 0.5 + 0.5 * Math.sin(i / 9000);
    return (i % 4801 === 0 ? 2 : 0) + tone * swell + noise * 0.3 * (1 - swell);
  });
}

/** Comparing large arrays element by element takes seconds. */
function same(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.slice().buffer).equals(Buffer.from(b.slice().buffer));
}

describe('Limiter', () => {
  it('keeps true peaks at or below the ceiling', () => {
    const got = run(new Limiter({ channels: 1, ceilingDbtp: -1 }), [harsh(3)], 960);
    expect(truePeakDbtp(got)).toBeLessThanOrEqual(-1);
    expect(truePeakDbtp(got)).toBeGreaterThan(-1.6);
  });

  it('passes quiet sound unchanged, late by delaySamples', () => {
    const quiet = harsh(1).map((x) => x * 0.1);
    const got = run(new Limiter({ channels: 1 }), [quiet], 480);
    expect(same(got[0]!, quiet)).toBe(true);
  });

  it('returns to unity after a peak', () => {
    const sound = new Float32Array(RATE * 2).map((_, i) => 0.5 * Math.sin(i / 10));
    sound[5000] = 2;
    const got = run(new Limiter({ channels: 1 }), [sound], 960)[0]!;
    expect(same(got.subarray(RATE), sound.subarray(RATE))).toBe(true);
    expect(same(got.subarray(0, 4500), sound.subarray(0, 4500))).toBe(true);
  });

  it('turns both channels down together', () => {
    const left = harsh(1);
    const right = left.map((x) => x * 0.25);
    const got = run(new Limiter({ channels: 2 }), [left, right], 960);
    for (let i = 0; i < left.length; i += 97) expect(got[1]![i]!).toBeCloseTo(got[0]![i]! * 0.25, 5);
  });

  it('gives the same samples however the input is split', () => {
    const sound = harsh(1);
    const whole = run(new Limiter({ channels: 1 }), [sound], sound.length)[0]!;
    const parts = run(new Limiter({ channels: 1 }), [sound], 333)[0]!;
    let largest = 0;
    for (let i = 0; i < whole.length; i++) largest = Math.max(largest, Math.abs(whole[i]! - parts[i]!));
    expect(largest).toBeLessThan(1e-6);
  });

  it('can be used again after a flush', () => {
    const limiter = new Limiter({ channels: 1 });
    const sound = harsh(0.2);
    expect(same(run(limiter, [sound], 960)[0]!, run(limiter, [sound], 960)[0]!)).toBe(true);
  });
});
