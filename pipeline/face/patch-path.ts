import { type FaceView, type KeptView, lightGap, THUMB_PIXELS, teethShown } from './face-view.ts';
import type { MouthBank } from './mouth-bank.ts';
import type { LipRange } from './speaker-model.ts';

/** Lips as they are to be, canonical units. */
export interface LipTarget {
  readonly opening: number;
  readonly width: number;
}

interface Candidate {
  readonly view: KeptView;
  readonly cost: number;
  /** Least cost of a way here. */
  total: number;
  /** Candidate of the column before on that way. */
  from: number;
}

const CANDIDATES = 16;
/** The next pictures of so many of the last column's best are candidates, too. */
const FOLLOWED = 6;
/** Light that differs by less than this is the same; by so much more, it is another (logarithms). */
const SAME_LIGHT = 0.08;
const OTHER_LIGHT = 0.12;

/**
 * Chooses for each picture the kept mouth that fits it and what follows best: a Viterbi search over costs of fit (lip shape, pose,
 * light, blur, grimace, expression) and of the steps from mouth to mouth, decided some pictures late.
 */
export class PatchPath {
  #columns: Candidate[][] = [];
  /** How far the pose of the best candidate of each column is from the picture's, degrees. */
  #poseGap: number[] = [];

  /** Columns that are not decided. */
  get length(): number {
    return this.#columns.length;
  }

  /** Forgets everything: a cut, or another face. */
  reset(): void {
    this.#columns = [];
    this.#poseGap = [];
  }

  /** Adds a picture. The bank must not be empty. */
  push(target: LipTarget, view: FaceView, expression: Float32Array, bank: MouthBank, range: LipRange): void {
    const column = best(bank.views, (kept) => fitCost(kept, target, view, expression, range));
    this.#poseGap.push(
      Math.min(
        ...column.map((c) =>
          Math.hypot(c.view.pose.yawDeg - view.pose.yawDeg, c.view.pose.pitchDeg - view.pose.pitchDeg),
        ),
      ),
    );
    const last = this.#columns.at(-1);
    if (last !== undefined) {
      const ahead = [...last].sort((a, b) => a.total - b.total).slice(0, FOLLOWED);
      for (const { view: before } of ahead) {
        const next = bank.after(before);
        if (next === undefined || column.some((candidate) => candidate.view === next)) continue;
        column.push({ view: next, cost: fitCost(next, target, view, expression, range), total: 0, from: -1 });
      }
      let least = Number.POSITIVE_INFINITY;
      for (const candidate of column) {
        let cheapest = Number.POSITIVE_INFINITY;
        for (const [i, before] of last.entries()) {
          if (before.total >= cheapest) continue;
          const total = before.total + stepCost(before.view, candidate.view, cheapest - before.total);
          if (total < cheapest) {
            cheapest = total;
            candidate.from = i;
          }
        }
        candidate.total = cheapest + candidate.cost;
        least = Math.min(least, candidate.total);
      }
      for (const candidate of column) candidate.total -= least;
    }
    this.#columns.push(column);
  }

  /** Decides the oldest picture that is not decided. */
  decide(): { readonly view: KeptView; readonly poseGapDeg: number } | undefined {
    const last = this.#columns.at(-1);
    if (last === undefined) return undefined;
    let at = 0;
    for (const [i, candidate] of last.entries()) if (candidate.total < last[at]!.total) at = i;
    for (let k = this.#columns.length - 1; k > 0; k -= 1) at = this.#columns[k]![at]!.from;
    const decided = this.#columns.shift()![at]!;
    // What is not on a way through the decision is none any more.
    return { view: decided.view, poseGapDeg: this.#poseGap.shift()! };
  }
}

function best(views: readonly KeptView[], costOf: (view: KeptView) => number): Candidate[] {
  const out: Candidate[] = [];
  for (const view of views) {
    const cost = costOf(view);
    if (out.length === CANDIDATES && cost >= out[CANDIDATES - 1]!.cost) continue;
    let at = out.length;
    while (at > 0 && out[at - 1]!.cost > cost) at -= 1;
    out.splice(at, 0, { view, cost, total: cost, from: -1 });
    if (out.length > CANDIDATES) out.pop();
  }
  return out;
}

function fitCost(
  kept: KeptView,
  target: LipTarget,
  view: FaceView,
  expression: Float32Array,
  range: LipRange,
): number {
  const openings = Math.max(0.05, range.openingMax - range.openingMin);
  const widths = Math.max(0.03, range.widthMax - range.widthMin);
  const opening = (kept.lips.opening - target.opening) / openings;
  const width = (kept.lips.width - target.width) / widths;
  const yaw = (kept.pose.yawDeg - view.pose.yawDeg) / 8;
  const pitch = (kept.pose.pitchDeg - view.pose.pitchDeg) / 8;
  const roll = (kept.pose.rollDeg - view.pose.rollDeg) / 15;
  const scale = Math.log(kept.pose.scale / view.pose.scale) / 0.2;
  const smile = (cornerLift(kept.expression) - cornerLift(expression)) / 0.03;
  let cost = 5 * opening * opening + 1.6 * width * width;
  // Lips that touch are best closed by lips that did, without teeth.
  if (target.opening < range.openingMin + 0.08 * openings)
    cost += 3 * Math.max(0, opening - 0.06) + 0.5 * teethShown(kept);
  // A closed mouth cannot be pulled open: what would be inside was not seen.
  if (target.opening > range.openingMin + 0.2 * openings && kept.lips.opening < 0.5 * target.opening)
    cost += 1.2 * (1 - kept.lips.opening / target.opening);
  cost += 0.6 * (yaw * yaw + pitch * pitch) + 0.3 * roll * roll + 0.4 * scale * scale + 0.5 * smile * smile;
  const light = Math.max(0, Math.abs(lightGap(kept, view)) - SAME_LIGHT) / OTHER_LIGHT;
  cost += light * light;
  cost += 6 * kept.speed + 1.5 * Math.max(0, kept.asymmetry / Math.max(1e-4, range.asymmetry) - 1.5);
  return cost;
}

/** How far the corners of the mouth are lifted beyond what lips and person explain. */
function cornerLift(expression: Float32Array): number {
  return -(expression[61 * 3 + 1]! + expression[291 * 3 + 1]!) / 2;
}

/** @param limit a cost from which on the exact one does not matter */
function stepCost(from: KeptView, to: KeptView, limit: number): number {
  if (from === to) return 0.03;
  const pictures = to.index - from.index;
  if (pictures === 1) return 0;
  if (pictures === 2 || pictures === -1) return 0.03;
  const fixed = 0.12 + Math.abs(from.teeth - to.teeth) / 200;
  if (fixed >= limit) return fixed;
  let sum = 0;
  for (let i = 0; i < THUMB_PIXELS; i += 1) sum += Math.abs(from.thumb[i]! - to.thumb[i]!);
  return fixed + sum / (THUMB_PIXELS * 30);
}
