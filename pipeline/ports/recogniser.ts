import type { EngineCall, EngineInfo, LanguageCode } from './engine.ts';

export interface RecogniserCapabilities {
  /** Languages it hears. */
  readonly languages: readonly LanguageCode[];
  /** Gives word times itself; where false the pipeline aligns. */
  readonly wordTimes: boolean;
  /** Can tell which language is spoken. */
  readonly identifiesLanguage: boolean;
  /** Longest stretch of sound it takes in one call, ms. */
  readonly maxWindowMs: number;
  /** Media time between two partial hypotheses that its speed allows, ms. */
  readonly partialEveryMs: number;
}

export interface RecogniseRequest extends EngineCall {
  /** 16 kHz mono, −1…1: one segment from its start until now. */
  readonly pcm: Float32Array;
  /** The language spoken, or `auto`. */
  readonly language: LanguageCode | 'auto';
  /** True for the last call on a segment: spend more on it. */
  readonly final: boolean;
}

export interface RecognisedWord {
  readonly text: string;
  /** ms from the start of `pcm`. */
  readonly startMs: number;
  readonly endMs: number;
  /** 0…1. */
  readonly confidence: number;
}

export interface Recognition {
  /** Words with case and punctuation as the engine writes them; empty when it heard none. */
  readonly text: string;
  /** Present when capabilities.wordTimes. */
  readonly words?: readonly RecognisedWord[];
  /** Language heard (equals the request's unless that was `auto`). */
  readonly language: LanguageCode;
  /** 0…1; how sure the engine is of the words as a whole (mean token probability). */
  readonly confidence: number;
  /** Why the text must not be used, when the engine's own gate says so. */
  readonly rejected?: 'language' | 'noise';
}

/** Turns one stretch of speech into text. Stateless between calls: streaming is repeated calls on a growing segment. */
export interface Recogniser {
  readonly info: EngineInfo;
  readonly capabilities: RecogniserCapabilities;
  recognise(request: RecogniseRequest): Promise<Recognition>;
  close(): Promise<void>;
}
