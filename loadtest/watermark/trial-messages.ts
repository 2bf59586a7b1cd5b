import type { MarkCandidate, MarkDetection } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';

/** What a detector is made with; a process keeps one for each name. */
export interface TrialSetup {
  readonly name: string;
  readonly keys: readonly MarkKey[];
  readonly candidates: readonly MarkCandidate[];
}

/** To a process: a setup, or a clip to look at with one. */
export type TrialRequest =
  | { readonly kind: 'setup'; readonly setup: TrialSetup }
  | {
      readonly kind: 'detect';
      readonly id: number;
      readonly setup: string;
      /** 16 kHz mono. */
      readonly clip: Float32Array;
      /** Searches the clip as one window, and gives the best synchronisation of every key, whether it is believed or not. */
      readonly withScores: boolean;
    };

export interface TrialResult {
  readonly detection: MarkDetection;
  /** By place in the setup's keys; empty without `withScores`. */
  readonly syncScores: readonly number[];
  /** Threshold that these have to reach. */
  readonly syncThreshold: number;
  readonly ms: number;
}

/** From a process. */
export type TrialReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: TrialResult }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
