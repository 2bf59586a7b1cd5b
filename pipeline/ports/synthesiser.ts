import type { EngineCall, EngineInfo, LanguageCode, QualityTier } from './engine.ts';

export interface Voice {
  readonly id: string;
  readonly language: LanguageCode;
  readonly name: string;
  readonly gender: 'female' | 'male' | 'unknown';
  /** Median pitch of the voice as it comes, Hz; what voice matching starts from. */
  readonly pitchHz: number;
  readonly tier: QualityTier;
}

/** How the source speaker sounds; engines come as near as they can without harming intelligibility. */
export interface VoiceTarget {
  /** Median pitch of the source speaker, Hz. */
  readonly pitchHz: number;
}

export interface SynthesiseRequest extends EngineCall {
  readonly text: string;
  readonly voice: Voice;
  /** Speaking rate against the voice's own, 1 = as it comes; engines clamp to what they do well. */
  readonly rate: number;
  readonly match?: VoiceTarget;
}

export interface PhonemeTime {
  /** IPA. */
  readonly phoneme: string;
  /** ms from the start of the sound. */
  readonly startMs: number;
}

export interface SynthesisedSpeech {
  /** Mono, −1…1. */
  readonly pcm: Float32Array;
  readonly sampleRateHz: number;
  /** Present when the engine knows them. */
  readonly phonemes?: readonly PhonemeTime[];
}

export interface Synthesiser {
  readonly info: EngineInfo;
  readonly voices: readonly Voice[];
  /** The same request gives the same samples. */
  readonly deterministic: boolean;
  synthesise(request: SynthesiseRequest): Promise<SynthesisedSpeech>;
  close(): Promise<void>;
}
