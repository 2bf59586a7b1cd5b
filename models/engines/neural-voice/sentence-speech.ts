import type { PhonemeTime, SynthesisedSpeech } from '../../../pipeline/ports/synthesiser.ts';

/** Speech of one sentence as a model gave it. */
export interface SentenceSpeech {
  readonly pcm: Float32Array;
  readonly phonemes: readonly PhonemeTime[];
}

/** One symbol that was fed to the model and how long it lasts. */
export interface TimedSymbol {
  /** A phoneme, `' '`, punctuation, or '' for padding. */
  readonly symbol: string;
  readonly durationMs: number;
}

const PAUSE = /^\p{P}+$/u;
const STRESS = /[ˈˌ]/gu;

/**
 * Phoneme times from symbol durations. Stress marks go, spaces and padding lengthen what came before them, and
 * punctuation is a pause: the phoneme ''.
 */
export function phonemeTimes(symbols: readonly TimedSymbol[]): PhonemeTime[] {
  const times: PhonemeTime[] = [];
  let atMs = 0;
  for (const { symbol, durationMs } of symbols) {
    const phoneme = symbol.replace(STRESS, '');
    if (PAUSE.test(phoneme)) {
      if (times.length > 0 && times.at(-1)?.phoneme !== '') times.push({ phoneme: '', startMs: atMs });
    } else if (phoneme.trim() !== '') times.push({ phoneme, startMs: atMs });
    atMs += durationMs;
  }
  return times;
}

/** Puts sentences one behind the other with a short pause. */
export function joinSentences(
  sentences: readonly SentenceSpeech[],
  sampleRateHz: number,
  pauseMs = 150,
): SynthesisedSpeech {
  const pause = Math.round((pauseMs * sampleRateHz) / 1000);
  const length =
    sentences.reduce((sum, { pcm }) => sum + pcm.length, 0) + pause * Math.max(0, sentences.length - 1);
  const pcm = new Float32Array(length);
  const phonemes: PhonemeTime[] = [];
  let at = 0;
  for (const sentence of sentences) {
    pcm.set(sentence.pcm, at);
    for (const { phoneme, startMs } of sentence.phonemes) {
      phonemes.push({ phoneme, startMs: startMs + (at * 1000) / sampleRateHz });
    }
    at += sentence.pcm.length + pause;
  }
  return { pcm, sampleRateHz, ...(phonemes.length > 0 ? { phonemes } : {}) };
}
