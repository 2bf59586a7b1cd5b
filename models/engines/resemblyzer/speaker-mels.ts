import { MelSpectrogram } from '../mel-spectrogram.ts';

export const SPEAKER_BANDS = 40;
/** Frames of one partial utterance: 1.6 s. */
export const PARTIAL_FRAMES = 160;
const HOP_SAMPLES = 160;
/** 1.3 partials a second. */
const STEP_FRAMES = 77;
/** Of the last partial so much must be sound. */
const MIN_COVERAGE = 0.75;
/** Quieter speech is brought up to −30 dBFS. */
const TARGET_RMS = 10 ** (-30 / 20);

const spectrogram = new MelSpectrogram({
  sampleRateHz: 16_000,
  windowSamples: 400,
  hopSamples: HOP_SAMPLES,
  bands: SPEAKER_BANDS,
});

/**
 * Resemblyzer's front end (audio.py, hparams.py, `compute_partial_slices`): level, 40 power mel bands (no logarithm), cut
 * into overlapping pieces of 1.6 s. Long silences are left in: the VAD has cut the segment already.
 * @returns [pieces, 160, 40], row-major
 */
export function speakerMels(pcm: Float32Array): { readonly pieces: number; readonly data: Float32Array } {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  const gain = Math.max(1, TARGET_RMS / (Math.sqrt(sum / Math.max(1, pcm.length)) || TARGET_RMS));
  const frames = Math.ceil((pcm.length + 1) / HOP_SAMPLES);
  const starts = [0];
  for (let start = STEP_FRAMES; start < frames - PARTIAL_FRAMES + STEP_FRAMES + 1; start += STEP_FRAMES)
    starts.push(start);
  const covered = (frames - starts.at(-1)!) / PARTIAL_FRAMES;
  if (covered < MIN_COVERAGE && starts.length > 1) starts.pop();
  const needed = (starts.at(-1)! + PARTIAL_FRAMES) * HOP_SAMPLES;
  const level = new Float32Array(Math.max(needed, pcm.length));
  for (let i = 0; i < pcm.length; i++) level[i] = pcm[i]! * gain;
  const mels = spectrogram.compute(level);
  const piece = PARTIAL_FRAMES * SPEAKER_BANDS;
  const data = new Float32Array(starts.length * piece);
  for (const [i, start] of starts.entries()) {
    data.set(mels.subarray(start * SPEAKER_BANDS, start * SPEAKER_BANDS + piece), i * piece);
  }
  return { pieces: starts.length, data };
}
