import type { Mode } from './demand.ts';
import type { ClauseFrame, HypothesisFrame, TranslationFrame } from './frames.ts';
import type { EngineInfo, LanguageCode } from './ports/engine.ts';

/** What became of an utterance. */
export type UtteranceOutcome = 'spoken' | 'skipped-lag' | 'skipped-held' | 'failed';

export interface PlacedUtterance {
  readonly clauseId: number;
  readonly language: LanguageCode;
  readonly mode: Mode;
  readonly text: string;
  readonly outcome: UtteranceOutcome;
  /** Where it was placed on the timeline; equal when it was not spoken. */
  readonly startUs: number;
  readonly endUs: number;
  /** End of the clause in the source. */
  readonly clauseEndUs: number;
  /** Speaking-rate factor applied by stretching. */
  readonly rate: number;
  /** Start of the utterance after the start of its clause, ms. */
  readonly latenessMs: number;
  readonly synthesiser: EngineInfo;
  readonly voiceId: string;
}

/** How far the dubbed voice trails the speaker. */
export interface Lag {
  readonly language: LanguageCode;
  readonly mode: Mode;
  /**
   * Interpret mode: from the end of the clause to the start of its utterance as heard by a listener; synced mode: how late
   * the utterance starts on its clause. ms
   */
  readonly lagMs: number;
}

/** Speech that stays original, and why. */
export interface SkippedSpeech {
  readonly startUs: number;
  readonly endUs: number;
  readonly reason: 'language' | 'noise' | 'engine';
}

/** Time spent in one call of a stage's `process`. */
export interface StageTiming {
  readonly stage: string;
  /** Wall time of the call without waiting for the next stage, ms. */
  readonly busyMs: number;
}

/** Watches a channel from outside; every method is optional and must return at once. */
export interface PipelineObserver {
  hypothesis?(frame: HypothesisFrame): void;
  clause?(frame: ClauseFrame): void;
  translation?(frame: TranslationFrame): void;
  utterance?(placed: PlacedUtterance): void;
  /** Told with every utterance that is spoken. */
  lag?(lag: Lag): void;
  /** Sound of the source as the engines hear it, 16 kHz mono, from a media time on. */
  sound?(pcm: Float32Array, mediaTimeUs: number): void;
  skippedSpeech?(skipped: SkippedSpeech): void;
  /** An engine failed on one clause; the channel goes on a step lower. */
  degraded?(stage: string, error: Error): void;
  stageTiming?(timing: StageTiming): void;
  /** Everything before this media time has been worked off in this rendition. */
  progress?(language: LanguageCode, mediaTimeUs: number): void;
}

/** Calls every observer in turn. */
export function combineObservers(observers: readonly PipelineObserver[]): Required<PipelineObserver> {
  return {
    hypothesis: (frame) => observers.forEach((o) => void o.hypothesis?.(frame)),
    clause: (frame) => observers.forEach((o) => void o.clause?.(frame)),
    translation: (frame) => observers.forEach((o) => void o.translation?.(frame)),
    utterance: (placed) => observers.forEach((o) => void o.utterance?.(placed)),
    lag: (lag) => observers.forEach((o) => void o.lag?.(lag)),
    sound: (pcm, mediaTimeUs) => observers.forEach((o) => void o.sound?.(pcm, mediaTimeUs)),
    skippedSpeech: (skipped) => observers.forEach((o) => void o.skippedSpeech?.(skipped)),
    degraded: (stage, error) => observers.forEach((o) => void o.degraded?.(stage, error)),
    stageTiming: (timing) => observers.forEach((o) => void o.stageTiming?.(timing)),
    progress: (language, mediaTimeUs) => observers.forEach((o) => void o.progress?.(language, mediaTimeUs)),
  };
}
