import type { EngineCall, EngineInfo, LanguageCode } from './engine.ts';
import type { PhonemeTime } from './synthesiser.ts';

export interface AlignRequest extends EngineCall {
  readonly text: string;
  readonly language: LanguageCode;
  /** 16 kHz mono speech of exactly this text. */
  readonly pcm: Float32Array;
}

export interface Alignment {
  /** One entry per whitespace-separated word of the text, in order; ms from the start of `pcm`. */
  readonly words: readonly { readonly text: string; readonly startMs: number; readonly endMs: number }[];
  readonly phonemes: readonly PhonemeTime[];
}

/** Finds when each word and phoneme of a known text is spoken. */
export interface Aligner {
  readonly info: EngineInfo;
  readonly languages: readonly LanguageCode[];
  align(request: AlignRequest): Promise<Alignment>;
  close(): Promise<void>;
}
