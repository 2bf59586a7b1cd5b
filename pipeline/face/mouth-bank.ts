import type { PatchId } from './canvas.ts';
import { type FaceView, type KeptView, THUMB_PIXELS } from './face-view.ts';
import type { LipRange } from './speaker-model.ts';

export interface MouthBankOptions {
  /** Most views kept. */
  readonly maxViews: number;
  /** Gives the pixels of a view back. */
  readonly onDrop: (patch: PatchId) => void;
}

const LEAST_VIEWS = 16;
/** Neighbours of a view in time look like it whatever is before the mouth. */
const OWN_PICTURES_US = 480_000;
const NO_RANGE: LipRange = {
  openingMin: 0,
  openingMax: 0.1,
  widthMin: 0.45,
  widthMiddle: 0.5,
  widthMax: 0.55,
  asymmetry: 0.01,
};

/** The mouths of one person that were seen lately, in the order in which they were. */
export class MouthBank {
  readonly #o: MouthBankOptions;
  readonly #views: KeptView[] = [];

  constructor(options: MouthBankOptions) {
    this.#o = options;
  }

  get views(): readonly KeptView[] {
    return this.#views;
  }

  /** What was seen right after a view. */
  after(view: KeptView): KeptView | undefined {
    const next = this.#views[this.#indexOf(view) + 1];
    return next !== undefined && next.index - view.index <= 3 ? next : undefined;
  }

  /** Makes room, then keeps. A view like others goes before one of its kind, however old. */
  keep(view: KeptView, range: LipRange = NO_RANGE): void {
    this.#views.push(view);
    if (this.#views.length > this.#o.maxViews) this.#dropOne(range);
  }

  /** Does with fewer. */
  shrink(range: LipRange = NO_RANGE): void {
    if (this.#views.length > LEAST_VIEWS) this.#dropOne(range);
  }

  clear(): void {
    for (const { patch } of this.#views.splice(0)) this.#o.onDrop(patch);
  }

  /**
   * How well a view can be explained by others of like shape and pose: mean difference of luma, brightness taken out, as a share of
   * it. Undefined where there is none like it. Something before the mouth cannot be explained.
   */
  unexplained(view: FaceView, range: LipRange): number | undefined {
    const opening = Math.max(0.05, range.openingMax - range.openingMin);
    const width = Math.max(0.03, range.widthMax - range.widthMin);
    let best: number | undefined;
    for (const kept of this.#views) {
      if (Math.abs(kept.mediaTimeUs - view.mediaTimeUs) < OWN_PICTURES_US) continue;
      const a = (kept.lips.opening - view.lips.opening) / opening;
      const w = (kept.lips.width - view.lips.width) / width;
      const yaw = (kept.pose.yawDeg - view.pose.yawDeg) / 8;
      const pitch = (kept.pose.pitchDeg - view.pose.pitchDeg) / 8;
      if (a * a + w * w * 0.5 + 0.3 * (yaw * yaw + pitch * pitch) > 0.35) continue;
      const difference = worstQuarter(view, kept);
      if (best === undefined || difference < best) best = difference;
    }
    return best;
  }

  #indexOf(view: KeptView): number {
    let low = 0;
    let high = this.#views.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { index } = this.#views[middle]!;
      if (index === view.index) return middle;
      if (index < view.index) low = middle + 1;
      else high = middle - 1;
    }
    return -2;
  }

  #dropOne(range: LipRange): void {
    const counts = new Map<number, number>();
    const cellOf = (view: KeptView) => cell(view, range);
    // The newest stay: they are what is on the screen.
    const old = Math.floor(this.#views.length * 0.8);
    for (const view of this.#views) counts.set(cellOf(view), (counts.get(cellOf(view)) ?? 0) + 1);
    let most = -1;
    let at = 0;
    for (let i = 0; i < old; i += 1) {
      const count = counts.get(cellOf(this.#views[i]!))!;
      if (count > most) [most, at] = [count, i];
    }
    const [dropped] = this.#views.splice(at, 1);
    this.#o.onDrop(dropped!.patch);
  }
}

function cell({ lips, pose }: KeptView, range: LipRange): number {
  const part = (value: number, min: number, max: number, parts: number) =>
    Math.max(0, Math.min(parts - 1, Math.floor(((value - min) / Math.max(1e-6, max - min)) * parts)));
  return (
    part(lips.opening, range.openingMin, range.openingMax, 8) +
    8 * part(lips.width, range.widthMin, range.widthMax, 4) +
    32 * part(pose.yawDeg, -28, 28, 7) +
    224 * part(pose.pitchDeg, -28, 28, 7)
  );
}

/** Largest of the mean differences of the four quarters: a finger at a corner shows in one. */
function worstQuarter(view: FaceView, kept: KeptView): number {
  const gain = (view.brightness + 20) / (kept.brightness + 20);
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < THUMB_PIXELS; i += 1) {
    const quarter = (i >= THUMB_PIXELS / 2 ? 2 : 0) + (i % 24 >= 12 ? 1 : 0);
    sums[quarter]! += Math.abs(view.thumb[i]! - gain * kept.thumb[i]!);
  }
  return (4 * Math.max(...sums)) / (THUMB_PIXELS * Math.max(30, view.brightness));
}
