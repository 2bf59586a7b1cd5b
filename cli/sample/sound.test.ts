import { describe, expect, it } from 'vitest';
import { joinSpeech, mouthOpenings, wavOf } from './sound.ts';

const tone = (seconds: number, level: number) => ({
  pcm: Float32Array.from({ length: 16_000 * seconds }, (_, index) => level * Math.sin(index / 5)),
  sampleRateHz: 16_000,
});

describe('the sound of the sample', () => {
  it('has silence around every sentence and a peak of −3 dBFS', () => {
    const speech = joinSpeech([tone(1, 0.1), tone(2, 0.2)], 500);
    expect(speech.pcm.length).toBe(16_000 * 4.5);
    expect(speech.pcm.subarray(0, 8000).every((sample) => sample === 0)).toBe(true);
    expect(speech.pcm.subarray(24_000, 32_000).every((sample) => sample === 0)).toBe(true);
    expect(Math.max(...speech.pcm)).toBeCloseTo(0.708, 2);
  });

  it('refuses voices that differ in sample rate', () => {
    expect(() => joinSpeech([tone(1, 1), { ...tone(1, 1), sampleRateHz: 8000 }], 0)).toThrow('sample rate');
  });

  it('is written as 16-bit WAV', () => {
    const wav = Buffer.from(wavOf({ pcm: Float32Array.of(0, 1, -1, 2), sampleRateHz: 22_050 }));
    expect(wav.toString('latin1', 0, 4)).toBe('RIFF');
    expect(wav.readUInt32LE(24)).toBe(22_050);
    expect([0, 1, 2, 3].map((index) => wav.readInt16LE(44 + index * 2))).toEqual([
      0, 32_767, -32_767, 32_767,
    ]);
  });

  it('shuts the mouth in silence and opens it with the level', () => {
    const openings = mouthOpenings(joinSpeech([tone(1, 0.1), tone(1, 0.5)], 1000), 25);
    expect(openings).toHaveLength(125);
    expect(openings.slice(1, 24).every((mouth) => mouth === 0)).toBe(true);
    expect(openings.slice(27, 48).every((mouth) => mouth === 1)).toBe(true);
    expect(openings.slice(77, 98).every((mouth) => mouth === 2)).toBe(true);
  });
});
