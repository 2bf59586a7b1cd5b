import { MelSpectrogram } from '../mel-spectrogram.ts';

export const WAV2LIP_BANDS = 80;
/** One window of sound for one picture: 200 ms. */
export const WAV2LIP_FRAMES = 16;
const RATE_HZ = 16_000;
const HOP_SAMPLES = 200;
const WINDOW_SAMPLES = 800;
const PRE_EMPHASIS = 0.97;
const REFERENCE_DB = 20;
const FLOOR_DB = -100;
const PEAK = 4;

const spectrogram = new MelSpectrogram({
  sampleRateHz: RATE_HZ,
  windowSamples: WINDOW_SAMPLES,
  hopSamples: HOP_SAMPLES,
  bands: WAV2LIP_BANDS,
  lowHz: 55,
  highHz: 7600,
  of: 'magnitude',
});

/**
 * Wav2Lip's front end (audio.py and hparams.py of https://github.com/Rudrabha/Wav2Lip): pre-emphasis, 80 mel bands of the
 * magnitude, decibels 20 below full scale, −100…0 dB spread over −4…4.
 * @param pcm 16 kHz mono
 * @returns [frame][band], row-major; frame k is centred 12.5 · k ms into the sound
 */
export function wav2lipMel(pcm: Float32Array): Float32Array {
  const sharp = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) sharp[i] = pcm[i]! - PRE_EMPHASIS * (pcm[i - 1] ?? 0);
  const mel = spectrogram.compute(sharp);
  const floor = 10 ** (FLOOR_DB / 20);
  for (let i = 0; i < mel.length; i++) {
    const db = 20 * Math.log10(Math.max(floor, mel[i]!)) - REFERENCE_DB;
    mel[i] = Math.min(PEAK, Math.max(-PEAK, (2 * PEAK * (db - FLOOR_DB)) / -FLOOR_DB - PEAK));
  }
  return mel;
}

/** Frames by which the sound of a window is lengthened on both sides, so that no reflected edge gets into it. */
const EDGE_FRAMES = 3;

/** Samples that `wav2lipWindow` wants, and how many of them lie before the window's first frame. */
export const WAV2LIP_SOUND = {
  samples: (WAV2LIP_FRAMES - 1 + 2 * EDGE_FRAMES) * HOP_SAMPLES,
  before: EDGE_FRAMES * HOP_SAMPLES,
} as const;

/**
 * The sound of one picture as the network takes it.
 * @param pcm `WAV2LIP_SOUND.samples` of 16 kHz mono
 * @returns [band][frame], 80 × 16, row-major
 */
export function wav2lipWindow(pcm: Float32Array): Float32Array {
  const mel = wav2lipMel(pcm);
  const out = new Float32Array(WAV2LIP_BANDS * WAV2LIP_FRAMES);
  for (let frame = 0; frame < WAV2LIP_FRAMES; frame++) {
    const from = (frame + EDGE_FRAMES) * WAV2LIP_BANDS;
    for (let band = 0; band < WAV2LIP_BANDS; band++) out[band * WAV2LIP_FRAMES + frame] = mel[from + band]!;
  }
  return out;
}
