import { MelSpectrogram } from '../mel-spectrogram.ts';

const RATE_HZ = 16_000;
const HOP_SAMPLES = 160;
/** Samples per encoder frame (20 ms). */
export const ENCODER_FRAME_SAMPLES = 2 * HOP_SAMPLES;
const LOWEST = 1e-10;

/**
 * Whisper's front end (`log_mel_spectrogram` in https://github.com/openai/whisper/blob/main/whisper/audio.py): 80 mel
 * bands, log10, at most 8 below the loudest, (x + 4) / 4.
 */
export class LogMel {
  readonly bands: number;
  readonly #mel: MelSpectrogram;

  constructor(bands: number) {
    this.bands = bands;
    this.#mel = new MelSpectrogram({
      sampleRateHz: RATE_HZ,
      windowSamples: 400,
      hopSamples: HOP_SAMPLES,
      bands,
    });
  }

  /**
   * @param pcm 16 kHz mono
   * @param frames mel frames wanted; what lies behind the sound is silence
   * @returns [band][frame], row-major, as the encoder takes it
   */
  compute(pcm: Float32Array, frames: number): Float32Array {
    const { bands } = this;
    // One window of silence behind the sound keeps the reflected edge out of it, as padding to 30 s does.
    const padded = new Float32Array(Math.min(frames * HOP_SAMPLES, pcm.length + 400));
    padded.set(pcm.subarray(0, padded.length));
    const count = Math.min(frames, this.#mel.frames(padded.length));
    const power = this.#mel.compute(padded, count);
    let loudest = Math.log10(LOWEST);
    for (let i = 0; i < power.length; i++) {
      const level = Math.log10(Math.max(LOWEST, power[i]!));
      power[i] = level;
      if (level > loudest) loudest = level;
    }
    const floor = Math.max(Math.log10(LOWEST), loudest - 8);
    const out = new Float32Array(bands * frames).fill((floor + 4) / 4);
    for (let frame = 0; frame < count; frame++) {
      for (let band = 0; band < bands; band++) {
        out[band * frames + frame] = (Math.max(floor, power[frame * bands + band]!) + 4) / 4;
      }
    }
    return out;
  }
}
