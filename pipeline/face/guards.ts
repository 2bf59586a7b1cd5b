import type { FaceGuard } from '../ports/reanimator.ts';
import type { FaceView } from './face-view.ts';
import type { PictureFormat } from './picture.ts';
import { smoothstep } from './smoothstep.ts';
import { JAW } from './topology.ts';

/** How far a face may follow the dub, and what keeps it from following all the way. */
export interface GuardVerdict {
  readonly strength: number;
  readonly guard?: FaceGuard;
}

const FREE: GuardVerdict = { strength: 1 };
const MIN_CONFIDENCE = 0.5;
/** Between the outer corners of the eyes. */
const MIN_EYES_PX = 32;
/** From the first angle on a face follows less, from the second not at all. */
const YAW_DEG = [20, 32] as const;
const PITCH_DEG = [18, 28] as const;
/** Share of this person's usual sharpness. */
const MIN_SHARPNESS = [0.3, 0.45] as const;
/** Pictures of a shot's beginning that stay as filmed, µs. */
const CUT_US = 60_000;
/** What is unexplained must be more than usual by so much, and more than this share of brightness. */
const OCCLUDED_OVER_USUAL = 1.5;
const MIN_UNEXPLAINED = 0.15;
const USUAL_VALUES = 300;
const OCCLUDED_PICTURES = 3;

/** What a face alone tells, whoever it is. */
export function guardView(view: FaceView, format: PictureFormat, sinceCutUs: number): GuardVerdict {
  if (view.confidence < MIN_CONFIDENCE) return { strength: 0, guard: 'uncertain' };
  if (view.pose.scale < MIN_EYES_PX) return { strength: 0, guard: 'small' };
  if (isCropped(view, format)) return { strength: 0, guard: 'cropped' };
  if (sinceCutUs < CUT_US) return { strength: 0, guard: 'cut' };
  const facing =
    (1 - smoothstep(...YAW_DEG, Math.abs(view.pose.yawDeg))) *
    (1 - smoothstep(...PITCH_DEG, Math.abs(view.pose.pitchDeg)));
  return facing < 1 ? { strength: facing, guard: 'profile' } : FREE;
}

function isCropped({ landmarks }: FaceView, { widthPx, heightPx }: PictureFormat): boolean {
  return JAW.some((point) => {
    const x = landmarks[point * 3]!;
    const y = landmarks[point * 3 + 1]!;
    return x < 2 || y < 2 || x > widthPx - 3 || y > heightPx - 3;
  });
}

/** What only shows against the same person's other pictures: blur, and something before the mouth. */
export class PersonGuard {
  readonly #sharpness: number[] = [];
  readonly #unexplained: number[] = [];
  #suspects = 0;

  /** @param unexplained how badly the mouth can be explained by others of this person; undefined: there is none like it */
  judge(view: FaceView, unexplained: number | undefined): GuardVerdict {
    const usual = remember(this.#sharpness, view.sharpness, 0.5);
    const clear = smoothstep(...MIN_SHARPNESS, view.sharpness / Math.max(0.5, usual));
    if (this.#isOccluded(unexplained)) return { strength: 0, guard: 'occluded' };
    return clear < 1 && this.#sharpness.length > 25 ? { strength: clear, guard: 'blurred' } : FREE;
  }

  #isOccluded(unexplained: number | undefined): boolean {
    if (unexplained === undefined) {
      this.#suspects = 0;
      return false;
    }
    const usual = percentile(this.#unexplained, 0.98);
    const isSuspect =
      this.#unexplained.length > 50 &&
      unexplained > MIN_UNEXPLAINED &&
      unexplained > OCCLUDED_OVER_USUAL * usual;
    this.#suspects = isSuspect ? this.#suspects + 1 : 0;
    // What is before the mouth must not become usual.
    if (!isSuspect) remember(this.#unexplained, unexplained, 0.98);
    return this.#suspects >= OCCLUDED_PICTURES;
  }
}

function remember(values: number[], value: number, share: number): number {
  values.push(value);
  if (values.length > USUAL_VALUES) values.shift();
  return percentile(values, share);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
