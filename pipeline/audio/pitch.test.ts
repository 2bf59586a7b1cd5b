import { describe, expect, it } from 'vitest';
import { estimatePitchHz } from './pitch.ts';

const RATE_HZ = 16_000;

/** A voice-like tone: harmonics that fall by 6 dB an octave, with a slow vibrato. */
function voice(pitchHz: number, seconds: number): Float32Array {
  const pcm = new Float32Array(RATE_HZ * seconds);
  let phase = 0;
  for (let i = 0; i < pcm.length; i++) {
    phase += (2 * Math.PI * pitchHz * (1 + 0.02 * Math.sin((2 * Math.PI * 5 * i) / RATE_HZ))) / RATE_HZ;
    for (let harmonic = 1; harmonic <= 12; harmonic++)
      pcm[i]! += (0.1 * Math.sin(harmonic * phase)) / harmonic;
  }
  return pcm;
}

describe('estimatePitchHz', () => {
  it.each([75, 110, 168, 220, 330])('finds %i Hz within 2 %%', (pitchHz) => {
    expect(Math.abs(estimatePitchHz(voice(pitchHz, 1)) / pitchHz - 1)).toBeLessThan(0.02);
  });

  it('takes the median, so that a short outburst does not count', () => {
    const pcm = new Float32Array(RATE_HZ * 2);
    pcm.set(voice(120, 1.6));
    pcm.set(voice(320, 0.4), RATE_HZ * 1.6);
    expect(Math.abs(estimatePitchHz(pcm) - 120)).toBeLessThan(4);
  });

  it('answers 0 for silence, noise and almost nothing', () => {
    let state = 1;
    const noise = Float32Array.from({ length: RATE_HZ }, () => {
      state = (state * 48271) % 2147483647;
      return (state / 2147483647 - 0.5) * 0.4;
    });
    expect(estimatePitchHz(new Float32Array(RATE_HZ))).toBe(0);
    expect(estimatePitchHz(noise)).toBe(0);
    expect(estimatePitchHz(new Float32Array(10))).toBe(0);
  });

  it('costs less than 15 ms a second of speech', () => {
    const pcm = voice(140, 5);
    estimatePitchHz(pcm);
    const startedMs = performance.now();
    estimatePitchHz(pcm);
    expect(performance.now() - startedMs).toBeLessThan(75);
  });
});
