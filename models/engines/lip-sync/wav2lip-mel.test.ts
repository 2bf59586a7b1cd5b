import { describe, expect, it } from 'vitest';
import { WAV2LIP_FRAMES, WAV2LIP_SOUND, wav2lipMel, wav2lipWindow } from './wav2lip-mel.ts';

/** Half a second of three tones and a click, silent from sample 6500 on. */
function sound(): Float32Array {
  const pcm = Float32Array.from({ length: 8000 }, (_, i) => {
    const tone = (hz: number): number => Math.sin((2 * Math.PI * hz * i) / 16_000);
    return 0.3 * tone(220) + 0.2 * tone(1330) * tone(3) + (i > 4000 ? 0.1 * tone(4100) : 0);
  });
  pcm[2000]! += 0.5;
  return pcm.fill(0, 6500);
}

describe("Wav2Lip's mel spectrogram", () => {
  const mel = wav2lipMel(sound());

  it('has the values that librosa 0.10.1 gives with the published parameters', () => {
    // Bands 3, 6, 8, 30, 31, 32, 60 of three frames, and the sum over all.
    const golden: readonly [number, readonly number[]][] = [
      [5, [1.0056, -4, -4, -2.4713, -1.4877, 0.9832, -4]],
      [20, [1.0058, -3.2567, -3.0849, -2.0797, -1.3862, 1.0342, -0.4109]],
      [33, [0.4486, -0.1904, -0.4802, -0.17, 0.2764, 1.0111, -0.1802]],
    ];
    for (const [frame, values] of golden) {
      [3, 6, 8, 30, 31, 32, 60].forEach((band, i) => {
        expect(mel[frame * 80 + band]).toBeCloseTo(values[i]!, 2);
      });
    }
    expect(mel.length).toBe(41 * 80);
    expect(mel.reduce((sum, value) => sum + value, 0)).toBeCloseTo(-9582.8, -0.7);
  });

  it('cuts windows that do not depend on what lies around them', () => {
    const pcm = sound();
    const first = 12;
    const from = first * 200 - WAV2LIP_SOUND.before;
    const window = wav2lipWindow(pcm.subarray(from, from + WAV2LIP_SOUND.samples));
    for (let frame = 0; frame < WAV2LIP_FRAMES; frame++)
      for (let band = 0; band < 80; band++)
        expect(window[band * WAV2LIP_FRAMES + frame]).toBeCloseTo(mel[(first + frame) * 80 + band]!, 3);
  });
});
