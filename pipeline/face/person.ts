import type { FaceCanvas, PatchId, PictureSlot, Rect } from './canvas.ts';
import { FACE_PRIOR } from './face-prior.ts';
import type { FaceView } from './face-view.ts';
import { type GuardVerdict, PersonGuard } from './guards.ts';
import { MouthBank } from './mouth-bank.ts';
import type { PictureFormat } from './picture.ts';
import { SpeakerModel } from './speaker-model.ts';
import { JAW } from './topology.ts';

export interface PersonOptions {
  readonly canvas: FaceCanvas;
  readonly format: PictureFormat;
  /** Most mouths kept of this person. */
  readonly maxViews: number;
  /** A kept mouth is none any more; somebody may still be about to show it. */
  readonly onDrop: (patch: PatchId) => void;
}

/** Faces turned further are not kept. */
const MAX_KEPT_YAW_DEG = 28;
const MIN_KEPT_CONFIDENCE = 0.6;
/** Two mouths closer in time are one, µs. */
const MIN_APART_US = 30_000;
/** Time over which an expression is averaged, so that speech is not part of it, µs. */
const EXPRESSION_US = 500_000;
/** Around the jaw, px of a face whose eyes are 100 px apart. */
const PATCH_MARGIN = 0.07;

/** What is known of one person: how the face moves, and what the mouth looks like. */
export class Person {
  readonly model = new SpeakerModel(FACE_PRIOR);
  readonly bank: MouthBank;
  readonly #o: PersonOptions;
  readonly #guard = new PersonGuard();
  readonly #residual = new Float32Array(1404);
  #expression = new Float32Array(1404);
  #expressionWeight = 0;
  #lastUs = Number.NEGATIVE_INFINITY;
  #keptUs = Number.NEGATIVE_INFINITY;
  /** Points one way for one person; set by whoever can tell. */
  descriptor: Float32Array | undefined;

  constructor(options: PersonOptions) {
    this.#o = options;
    this.bank = new MouthBank(options);
  }

  /** When this person was last seen, µs. */
  get lastSeenUs(): number {
    return this.#lastUs;
  }

  /**
   * Learns from a picture, in order.
   * @param trusted the face alone gives no reason against it
   * @returns what this person's other pictures say about it, and the expression: 1404, canonical units
   */
  see(
    view: FaceView,
    slot: PictureSlot,
    trusted: boolean,
  ): { verdict: GuardVerdict; expression: Float32Array } {
    const { model, bank } = this;
    const range = model.range;
    const unexplained = range === undefined ? undefined : bank.unexplained(view, range);
    const verdict = this.#guard.judge(view, unexplained);
    const good = trusted && verdict.strength === 1 && view.confidence >= MIN_KEPT_CONFIDENCE;
    if (good) model.learn(view.canonical, view.lips, view.asymmetry);
    const expression = this.#express(view);
    this.#lastUs = view.mediaTimeUs;
    if (
      good &&
      Math.abs(view.pose.yawDeg) < MAX_KEPT_YAW_DEG &&
      view.mediaTimeUs - this.#keptUs >= MIN_APART_US
    )
      this.#keep(view, slot, expression);
    return { verdict, expression };
  }

  /** Gives the pixels back. */
  close(): void {
    this.bank.clear();
  }

  #express(view: FaceView): Float32Array {
    const { model } = this;
    model.residual(view.canonical, view.lips, this.#residual);
    const passedUs = Math.min(EXPRESSION_US, Math.max(0, view.mediaTimeUs - this.#lastUs));
    const step = Number.isFinite(passedUs) ? 1 - Math.exp(-passedUs / EXPRESSION_US) : 1;
    // The first pictures count in full, so that the average does not begin at no expression.
    this.#expressionWeight = this.#expressionWeight * (1 - step) + step;
    const share = this.#expressionWeight > 0 ? step / this.#expressionWeight : 1;
    const next = new Float32Array(1404);
    for (let i = 0; i < 1404; i += 1)
      next[i] = this.#expression[i]! + share * (this.#residual[i]! - this.#expression[i]!);
    this.#expression = next;
    return next;
  }

  #keep(view: FaceView, slot: PictureSlot, expression: Float32Array): void {
    const { canvas, format } = this.#o;
    const patch = canvas.keepPatch(slot, patchRect(view, format));
    if (patch === undefined) {
      // Less memory than was thought: fewer mouths, then, so that newer ones can come.
      this.bank.shrink(this.model.range);
      return;
    }
    this.#keptUs = view.mediaTimeUs;
    const points = new Float32Array(936);
    for (let i = 0; i < 468; i += 1) {
      points[i * 2] = view.landmarks[i * 3]!;
      points[i * 2 + 1] = view.landmarks[i * 3 + 1]!;
    }
    this.bank.keep({ ...view, patch, points, expression }, this.model.range);
  }
}

/** The lower face, from the middle of the nose down. */
function patchRect({ landmarks, pose }: FaceView, format: PictureFormat): Rect {
  const margin = Math.max(4, PATCH_MARGIN * pose.scale);
  let left = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  for (const point of JAW) {
    left = Math.min(left, landmarks[point * 3]!);
    right = Math.max(right, landmarks[point * 3]!);
  }
  const x = Math.max(0, Math.floor(left - margin));
  const y = Math.max(0, Math.floor(landmarks[197 * 3 + 1]! - margin));
  const endX = Math.min(format.widthPx, Math.ceil(right + margin));
  const endY = Math.min(format.heightPx, Math.ceil(landmarks[152 * 3 + 1]! + margin + 2));
  return { x, y, widthPx: Math.max(2, endX - x), heightPx: Math.max(2, endY - y) };
}
