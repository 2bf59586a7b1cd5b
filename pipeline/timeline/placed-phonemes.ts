import { positionAfterCuts, type SampleSpan } from '../audio/silence.ts';
import type { PlacedPhoneme } from '../face/dubbed-speech.ts';
import type { PhonemeTime } from '../ports/synthesiser.ts';

export interface PlacePhonemesOptions {
  /** Times in the utterance as it was synthesised. */
  readonly phonemes: readonly PhonemeTime[];
  /** What was cut out of it, in samples of 48 kHz. */
  readonly removed: readonly SampleSpan[];
  /** How much faster it was made then. */
  readonly rate: number;
  /** Where it begins and ends on the timeline. */
  readonly startUs: number;
  readonly endUs: number;
}

const SAMPLES_PER_MS = 48;

/** When the phonemes of an utterance sound, after its pauses were cut and its rate was changed. */
export function placePhonemes(options: PlacePhonemesOptions): PlacedPhoneme[] {
  const { phonemes, removed, rate, startUs, endUs } = options;
  return phonemes.map(({ phoneme, startMs }) => {
    const ms = positionAfterCuts(startMs * SAMPLES_PER_MS, removed) / SAMPLES_PER_MS / rate;
    return { phoneme, startUs: Math.min(endUs, startUs + Math.round(ms * 1000)) };
  });
}
