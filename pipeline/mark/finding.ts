import type { MarkPayload } from './payload.ts';

/** One mark found in a clip. */
export interface MarkFinding {
  readonly payload: MarkPayload;
  /** `read`: all 64 bits decoded by themselves; `matched`: recognised among issued payloads. */
  readonly how: 'read' | 'matched';
  /** Where in the clip it was found, s. */
  readonly startS: number;
  readonly endS: number;
  /** Correlation with the mark, in standard deviations of an unmarked clip. */
  readonly score: number;
  /** What `score` has to reach for one false alarm in a million clips, by the union bound over everything that was tried. */
  readonly threshold: number;
  /** Natural logarithm of the bound on the probability that an unmarked clip gives this finding. */
  readonly logFalseAlarm: number;
  /** Speed of the clip against the original, 1: unchanged. Of a picture: its scale. */
  readonly speed: number;
}

/** What a detector says of one clip with the keys it was given. */
export interface MarkDetection {
  /** By place in the clip. None of them is a guess: each is over its threshold. */
  readonly findings: readonly MarkFinding[];
  /** A key's synchronisation was found, but no payload that could be trusted: "marked, but by whom for what is lost". */
  readonly presence:
    | { readonly keyId: number; readonly score: number; readonly threshold: number }
    | undefined;
  /** What was looked at, s. */
  readonly examinedS: number;
}

/** Payloads that were issued, for the look-up: every rendition with how many minutes of it there may be. */
export interface MarkCandidate {
  readonly keyId: number;
  readonly rendition: number;
  readonly minutes: number;
}
