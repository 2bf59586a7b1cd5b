import { FACE_GUARDS, type FaceGuard, type FaceVerdict } from '../../../pipeline/ports/reanimator.ts';

/** What became of one language's pictures since it was asked last. */
export interface FaceSecond {
  /** Mean, 0…1. */
  readonly strength: number;
  /** Pictures in which the face followed by less than half, by reason. */
  readonly guards: Partial<Record<FaceGuard, number>>;
  /** Pictures sent a second. */
  readonly fps: number;
  /** Mean over pictures, from the moment in which all that a picture needs was there until it was encoded. */
  readonly computeMs: number;
}

/** A face follows from so much strength on. */
const FOLLOWS = 0.5;

/** Counts the pictures of one language. */
export class FaceFigures {
  #fromMs = performance.now();
  #strengths = 0;
  #made = 0;
  #sent = 0;
  #computeMs = 0;
  #encoded = 0;
  readonly #guards = new Map<FaceGuard, number>();

  made({ strength, guard }: FaceVerdict): void {
    this.#made += 1;
    this.#strengths += strength;
    if (guard && strength < FOLLOWS) this.#guards.set(guard, (this.#guards.get(guard) ?? 0) + 1);
  }

  encoded(computeMs: number): void {
    this.#encoded += 1;
    this.#computeMs += computeMs;
  }

  sent(): void {
    this.#sent += 1;
  }

  /** Begins to count anew. */
  take(): FaceSecond {
    const nowMs = performance.now();
    const guards = Object.fromEntries(
      FACE_GUARDS.flatMap((guard) => (this.#guards.has(guard) ? [[guard, this.#guards.get(guard)]] : [])),
    );
    const second: FaceSecond = {
      strength: this.#made === 0 ? 0 : this.#strengths / this.#made,
      guards,
      fps: (this.#sent * 1000) / Math.max(1, nowMs - this.#fromMs),
      computeMs: this.#encoded === 0 ? 0 : this.#computeMs / this.#encoded,
    };
    this.#fromMs = nowMs;
    this.#strengths = 0;
    this.#made = 0;
    this.#sent = 0;
    this.#computeMs = 0;
    this.#encoded = 0;
    this.#guards.clear();
    return second;
  }
}
