import type { EngineInfo, LanguageCode } from './ports/engine.ts';
import type { PhonemeTime } from './ports/synthesiser.ts';

/**
 * What flows between stages: plain readonly objects told apart by `kind`. Every frame carries media time (µs on the
 * channel's timeline) and keeps it unchanged from ingest to rendition.
 */

/** Decoded sound, planar. */
export interface AudioFrame {
  readonly kind: 'audio';
  readonly mediaTimeUs: number;
  readonly sampleRateHz: number;
  /** One array per audio channel, all of the same length, −1…1. */
  readonly planes: readonly Float32Array[];
}

/** One stretch of speech by one speaker, as the VAD found it. Grows until `final`. */
export interface SegmentFrame {
  readonly kind: 'segment';
  readonly id: number;
  /** Start of the sound kept, a little before the speech. */
  readonly startUs: number;
  /** Onset of the speech. */
  readonly speechStartUs: number;
  /** End of the sound so far (not final) or of the speech (final). */
  readonly endUs: number;
  readonly final: boolean;
  /** Not final, but the speaker pauses: unless speech goes on, the final frame will hold the same sound. */
  readonly paused?: boolean;
  /** 16 kHz mono from startUs to endUs. */
  readonly pcm: Float32Array;
  readonly mediaTimeUs: number;
}

export interface TimedWord {
  readonly text: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly confidence: number;
}

/** What recognition believes about a segment now. */
export interface HypothesisFrame {
  readonly kind: 'hypothesis';
  readonly segmentId: number;
  /** Onset of the segment's speech. */
  readonly speechStartUs: number;
  readonly revision: number;
  readonly language: LanguageCode;
  readonly words: readonly TimedWord[];
  /** How many leading words of `words` are committed and will never change. */
  readonly stablePrefix: number;
  readonly final: boolean;
  readonly mediaTimeUs: number;
}

/** The unit that is committed and translated; never retracted. */
export interface ClauseFrame {
  readonly kind: 'clause';
  /** Counts up from 0 in a channel. */
  readonly id: number;
  readonly segmentId: number;
  readonly language: LanguageCode;
  readonly text: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly confidence: number;
  /** True when the clause closes its segment (a pause follows). */
  readonly endsSegment: boolean;
  /** Media time at which it was committed: the ingest position then. */
  readonly mediaTimeUs: number;
  readonly recogniser: EngineInfo;
  /** Median pitch of the speaker in this clause, Hz; 0 when unvoiced. */
  readonly pitchHz: number;
  /** The clause's own sound, 16 kHz mono. */
  readonly pcm: Float32Array;
  /** Stable label of who speaks, when speakers are told apart. */
  readonly speaker?: string;
}

/** A clause in a target language. */
export interface TranslationFrame {
  readonly kind: 'translation';
  readonly clause: ClauseFrame;
  readonly language: LanguageCode;
  readonly text: string;
  readonly unknownWords: readonly string[];
  readonly translator: EngineInfo;
  readonly mediaTimeUs: number;
  /** Committed before anybody listened: only of use where it can still be on time. */
  readonly recalled?: true;
}

/** "Somebody begins to listen: speak what was committed from this media time on." */
export interface RecallFrame {
  readonly kind: 'recall';
  readonly fromUs: number;
  readonly mediaTimeUs: number;
}

/** Synthesised speech of one clause in one language. */
export interface UtteranceFrame {
  readonly kind: 'utterance';
  readonly clauseId: number;
  readonly language: LanguageCode;
  readonly sourceText: string;
  readonly text: string;
  /** The clause's own span. */
  readonly clauseStartUs: number;
  readonly clauseEndUs: number;
  /** 48 kHz mono. */
  readonly pcm: Float32Array;
  readonly phonemes: readonly PhonemeTime[];
  readonly synthesiser: EngineInfo;
  readonly voiceId: string;
  readonly mediaTimeUs: number;
  /** See TranslationFrame. */
  readonly recalled?: true;
}

/** Why a clause is not spoken: too late, on an operator's order, or because an engine failed. */
export type SkipReason = 'lag' | 'held' | 'failed';

/** A clause that will not be spoken in a language. */
export interface SkippedFrame {
  readonly kind: 'skipped';
  readonly clauseId: number;
  readonly language: LanguageCode;
  /** The translation; empty where there is none. */
  readonly text: string;
  readonly clauseStartUs: number;
  readonly clauseEndUs: number;
  readonly reason: SkipReason;
  readonly mediaTimeUs: number;
}

/** An utterance with its place on the timeline, as it will sound. */
export interface PlacedFrame {
  readonly kind: 'placed';
  readonly clauseId: number;
  readonly startUs: number;
  /** 48 kHz mono. */
  readonly pcm: Float32Array;
  readonly mediaTimeUs: number;
}

/** Original speech that is dubbed, known before the dub is placed: the bed goes down under it. */
export interface DubbedSpanFrame {
  readonly kind: 'dubbed-span';
  readonly startUs: number;
  readonly endUs: number;
  readonly mediaTimeUs: number;
}

/** "Playout may go this far." */
export interface PlayoutFrame {
  readonly kind: 'playout';
  readonly untilUs: number;
  /** Playout goes on from here instead of where it was: at the start, and where a delay was made shorter. */
  readonly jumpToUs?: number;
  readonly mediaTimeUs: number;
}

/** "Everything caused by sound before this media time has passed this point." Lets a virtual clock advance. */
export interface WatermarkFrame {
  readonly kind: 'watermark';
  readonly mediaTimeUs: number;
}

/** Encoded media as RTP carries it, one access unit (audio packet or picture). */
export interface EncodedFrame {
  readonly kind: 'encoded';
  readonly codec: 'opus' | 'vp8' | 'h264';
  readonly mediaTimeUs: number;
  readonly durationUs: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
}

export type Frame =
  | AudioFrame
  | SegmentFrame
  | HypothesisFrame
  | ClauseFrame
  | TranslationFrame
  | RecallFrame
  | UtteranceFrame
  | SkippedFrame
  | PlacedFrame
  | DubbedSpanFrame
  | PlayoutFrame
  | WatermarkFrame
  | EncodedFrame;
