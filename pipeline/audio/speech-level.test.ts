import { describe, expect, it } from 'vitest';
import { SpeechLeveller } from './speech-level.ts';

const RATE_HZ = 16_000;

/** Bursts of a tone with pauses, as speech has them. */
function bursts(seconds: number, level: number): Float32Array {
  return Float32Array.from({ length: seconds * RATE_HZ }, (_, i) => {
    const loud = (i / RATE_HZ) % 0.8 < 0.5 ? 1 : 0.02;
    return level * loud * Math.sin((2 * Math.PI * 180 * i) / RATE_HZ);
  });
}

function levelled(pcm: Float32Array, pieces = 1): Float32Array {
  const leveller = new SpeechLeveller();
  const parts: Float32Array[] = [];
  const size = Math.ceil(pcm.length / pieces);
  for (let at = 0; at < pcm.length; at += size) parts.push(leveller.process(pcm.slice(at, at + size)));
  parts.push(leveller.flush());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

const peakOf = (pcm: Float32Array) => pcm.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);

describe('SpeechLeveller', () => {
  it('leaves ordinary speech as it is', () => {
    const pcm = bursts(6, 0.3);
    expect(levelled(pcm)).toEqual(pcm);
  });

  it('raises speech that is 40 dB too quiet within a few seconds', () => {
    const out = levelled(bursts(10, 0.001));
    expect(peakOf(out.subarray(6 * RATE_HZ))).toBeGreaterThan(0.03);
  });

  it('does not raise steady noise', () => {
    let state = 1;
    const noise = Float32Array.from({ length: 8 * RATE_HZ }, () => {
      state = (state * 16_807) % 2_147_483_647;
      return 0.001 * (state / 1_073_741_824 - 1);
    });
    expect(levelled(noise)).toEqual(noise);
  });

  it('never clips when loud speech follows quiet speech', () => {
    const pcm = new Float32Array(16 * RATE_HZ);
    pcm.set(bursts(10, 0.001));
    pcm.set(bursts(6, 0.9), 10 * RATE_HZ);
    expect(peakOf(levelled(pcm))).toBeLessThanOrEqual(0.951);
  });

  it('gives the same however the input is split', () => {
    const pcm = bursts(5, 0.002);
    expect(levelled(pcm, 37)).toEqual(levelled(pcm));
  });
});
