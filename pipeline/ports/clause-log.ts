import type { Mode } from '../demand.ts';
import type { ClauseFrame, SkipReason, UtteranceFrame } from '../frames.ts';
import type { LanguageCode } from './engine.ts';

export type ClauseLogEntry =
  | { readonly kind: 'clause'; readonly clause: Omit<ClauseFrame, 'pcm'> }
  | {
      readonly kind: 'utterance';
      readonly mode: Mode;
      readonly utterance: Omit<UtteranceFrame, 'pcm' | 'phonemes'>;
      readonly startUs: number;
    }
  | {
      /** A clause that was wanted and is not spoken. */
      readonly kind: 'skipped';
      readonly clauseId: number;
      readonly language: LanguageCode;
      readonly mode: Mode;
      readonly reason: SkipReason;
    };

/** Append-only, one per channel. An entry is durable before `append` resolves, and speech goes out only after that. */
export interface ClauseLog {
  append(entry: ClauseLogEntry): Promise<void>;
  /** All entries so far, oldest first; a torn last line is dropped. */
  read(): Promise<readonly ClauseLogEntry[]>;
  close(): Promise<void>;
}
