import type { ErrorCode } from '../../pipeline/errors.ts';
import type { MarkCandidate, MarkDetection } from '../../pipeline/mark/finding.ts';
import type { MarkKey } from '../../pipeline/mark/mark-key.ts';
import type { ClipFrame } from './clip-media.ts';

/** What a thread is told at its start. */
export interface DetectSetup {
  readonly keys: readonly MarkKey[];
  readonly candidates: readonly MarkCandidate[];
}

/** To the thread: look at one track, whose units are asked for one by one; `undefined` ends it. */
export type DetectRequest =
  | { readonly kind: 'examine'; readonly medium: 'sound' | 'picture' }
  | { readonly kind: 'unit'; readonly unit: Float32Array | ClipFrame | undefined };

/** From the thread. */
export type DetectReply =
  | { readonly kind: 'pull' }
  | { readonly kind: 'found'; readonly detection: MarkDetection }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
