import { describe, expect, it } from 'vitest';
import { stretch, stretchedLength } from './stretch.ts';

const RATE = 48_000;

/** A voice-like buzz at `hz` with formant-like partials, swelling and fading like syllables. */
function voice(hz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: RATE * seconds }, (_, i) => {
    const t = i / RATE;
    let x = 0;
    for (let k = 1; k <= 12; k++) x += Math.sin(2 * Math.PI * hz * k * t + k) / k;
    return 0.2 * x * (0.6 + 0.4 * Math.sin(2 * Math.PI * 3 * t));
  });
}

/** Pitch near `hz` by autocorrelation of 100 ms in the middle. */
function pitchHz(pcm: Float32Array, hz: number): number {
  const from = (pcm.length >> 1) - 2400;
  let best = 0;
  let bestLag = 1;
  for (let lag = Math.round((0.7 * RATE) / hz); lag < (1.4 * RATE) / hz; lag++) {
    let sum = 0;
    for (let i = from; i < from + 4800; i++) sum += pcm[i]! * pcm[i + lag]!;
    if (sum > best) {
      best = sum;
      bestLag = lag;
    }
  }
  return RATE / bestLag;
}

function rms(pcm: Float32Array): number {
  return Math.sqrt(pcm.reduce((sum, x) => sum + x * x, 0) / pcm.length);
}

/** Comparing large arrays element by element takes seconds. */
function same(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

describe('stretch', () => {
  it.each([0.85, 0.95, 1.05, 1.1, 1.25])(
    'at rate %d gives exactly the length asked for, the same pitch and loudness',
    (rate) => {
      for (const hz of [90, 140, 230]) {
        const sound = voice(hz, 2);
        const got = stretch(sound, rate);
        expect(got.length).toBe(stretchedLength(sound.length, rate));
        expect(Math.abs(pitchHz(got, hz) / hz - 1)).toBeLessThan(0.01);
        expect(Math.abs(20 * Math.log10(rms(got) / rms(sound)))).toBeLessThan(0.5);
      }
    },
  );

  it('leaves no step at a splice', () => {
    const sound = voice(140, 2);
    const step = (pcm: Float32Array) =>
      pcm.reduce((most, x, i) => (i === 0 ? 0 : Math.max(most, Math.abs(x - pcm[i - 1]!))), 0);
    expect(step(stretch(sound, 1.2))).toBeLessThan(step(sound) * 1.2);
  });

  it('moves every event to its place', () => {
    const sound = new Float32Array(RATE * 3);
    const tone = voice(200, 1).subarray(0, 4800);
    for (const at of [0.5, 1.5, 2.5]) sound.set(tone, at * RATE);
    for (const rate of [0.85, 1.25]) {
      const got = stretch(sound, rate);
      for (const at of [0.5, 1.5, 2.5]) {
        const place = Math.round((at * RATE) / rate);
        expect(rms(got.subarray(place + 1000, place + 3000))).toBeGreaterThan(0.05);
        expect(rms(got.subarray(place - 3000, place - 1000))).toBeLessThan(0.01);
      }
    }
  });

  it('returns the sound itself at rate 1, and the same samples every time', () => {
    const sound = voice(120, 1);
    expect(same(stretch(sound, 1), sound)).toBe(true);
    expect(same(stretch(sound, 1.13), stretch(sound, 1.13))).toBe(true);
  });

  it('copes with sounds of a few samples, and of none', () => {
    for (const length of [0, 1, 100, 1500, 2500]) {
      for (const rate of [0.85, 1.25])
        expect(stretch(new Float32Array(length).fill(0.1), rate).length).toBe(stretchedLength(length, rate));
    }
  });

  it('refuses rates at which words are lost', () => {
    for (const rate of [0.5, 2, Number.NaN])
      expect(() => stretch(new Float32Array(10), rate)).toThrow(/outside/);
  });
});
