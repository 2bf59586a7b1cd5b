import type { ClauseFrame, UtteranceFrame } from '../frames.ts';

export type ClauseLogEntry =
  | { readonly kind: 'clause'; readonly clause: Omit<ClauseFrame, 'pcm'> }
  | {
      readonly kind: 'utterance';
      readonly utterance: Omit<UtteranceFrame, 'pcm' | 'phonemes'>;
      readonly startUs: number;
    };

/** Append-only, one per channel. An entry is durable before `append` resolves, and speech goes out only after that. */
export interface ClauseLog {
  append(entry: ClauseLogEntry): Promise<void>;
  /** All entries so far, oldest first; a torn last line is dropped. */
  read(): Promise<readonly ClauseLogEntry[]>;
  close(): Promise<void>;
}
