import type { MouthJob, PictureSlot, Rgb } from './canvas.ts';
import { CANVAS_REGION } from './cpu-canvas.ts';
import { type FaceView, type KeptView, teethShown } from './face-view.ts';
import { mouthMesh } from './mouth-mesh.ts';
import type { LipTarget } from './patch-path.ts';
import type { Person } from './person.ts';
import { type Picture, planeLayout } from './picture.ts';
import { colourMatrix } from './pixels/colour-convert.ts';
import { smoothstep } from './smoothstep.ts';
import type { LipRange } from './speaker-model.ts';
import { LOWER_INNER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, UPPER_OUTER_LIP } from './topology.ts';

export interface MouthShot {
  readonly picture: Picture;
  readonly slot: PictureSlot;
  readonly view: FaceView;
  readonly person: Person;
  readonly expression: Float32Array;
  /** Chosen mouth. */
  readonly chosen: KeptView;
  /** Lips as they are to be, faded already. */
  readonly lips: LipTarget;
  /** 0…1: how far the face follows. */
  readonly strength: number;
}

/** How much of a chosen mouth's individual shape is kept, and how much of it is new with each picture. */
const DETAIL = 0.45;
const DETAIL_STEP = 0.45;
/** A mouth is stretched by no more than this. */
const MAX_STRETCH = 1.45;
const STRETCH_SLACK = 0.012;
/** Share of the range to which a mouth opens whose inside must be drawn. */
const DRAWN_OPENING = 0.55;
/** More pictures apart than this is a jump. */
const JUMP_PICTURES = 2;

/** Turns decisions about one face in one rendition into pixel work; remembers what goes on from picture to picture. */
export class RenditionFace {
  readonly #stream: number;
  readonly #detail = new Float32Array(1404);
  readonly #sum = new Float32Array(1404);
  readonly #residual = new Float32Array(1404);
  #before: KeptView | undefined;
  #person: Person | undefined;

  /** @param stream tells renditions and faces apart on the canvas */
  constructor(stream: number) {
    this.#stream = stream;
  }

  /** A picture stayed as filmed: what follows begins anew. */
  interrupt(): void {
    this.#before = undefined;
    this.#person = undefined;
  }

  job(shot: MouthShot): MouthJob {
    const { view, person, chosen, picture, strength, expression } = shot;
    const range = person.model.range!;
    const isFresh = this.#person !== person;
    if (isFresh) this.interrupt();
    const { lips, drawn } = reachable(shot.lips, chosen, range, strength);
    this.#follow(chosen, person, isFresh);
    for (let i = 0; i < 1404; i += 1) this.#sum[i] = expression[i]! + DETAIL * this.#detail[i]!;
    const { source, target } = mouthMesh({
      ...{ view, model: person.model, region: CANVAS_REGION, target: lips },
      detail: this.#sum,
      openingMin: range.openingMin,
    });
    const before = this.#before;
    const jumped = before !== undefined && Math.abs(chosen.index - before.index) > JUMP_PICTURES;
    this.#before = chosen;
    this.#person = person;
    const seam = seamOf({ picture, view, chosen, lips, range, target });
    const shines = before !== undefined && closedOver(before, lips, range) > 0.5;
    const cavity = drawn > 0.05 ? cavityOf(picture, view, lips, drawn) : undefined;
    return {
      ...{ slot: shot.slot, stream: this.#stream, fresh: isFresh, source, target },
      patch: { id: chosen.patch, points: chosen.points },
      // What was between open lips would lie pale on closed ones.
      ...(jumped && !shines ? { former: { id: before.patch, points: before.points } } : {}),
      alpha: CANVAS_REGION.alpha,
      opacity: smoothstep(0, 0.5, strength),
      ...(seam ? { seam } : {}),
      ...(cavity ? { cavity } : {}),
    };
  }

  #follow(chosen: KeptView, person: Person, isFresh: boolean): void {
    person.model.residual(chosen.canonical, chosen.lips, this.#residual);
    const step = isFresh ? 1 : DETAIL_STEP;
    for (let i = 0; i < 1404; i += 1) {
      const own = this.#residual[i]! - chosen.expression[i]!;
      this.#detail[i]! += step * (own - this.#detail[i]!);
    }
  }
}

/** What a kept mouth can be brought to, and how much of its inside has to be drawn. */
function reachable(
  wanted: LipTarget,
  chosen: KeptView,
  range: LipRange,
  strength: number,
): { lips: LipTarget; drawn: number } {
  const limit = Math.max(range.openingMin, chosen.lips.opening * MAX_STRETCH + STRETCH_SLACK);
  if (wanted.opening <= limit) return { lips: wanted, drawn: 0 };
  const span = range.openingMax - range.openingMin;
  const lacking = wanted.opening - chosen.lips.opening;
  const hasNone = chosen.lips.opening < range.openingMin + 0.22 * span && lacking > 0.2 * span;
  if (!hasNone || strength < 0.99) return { lips: { opening: limit, width: wanted.width }, drawn: 0 };
  const opening = Math.min(wanted.opening, Math.max(limit, range.openingMin + DRAWN_OPENING * span));
  return { lips: { opening, width: wanted.width }, drawn: smoothstep(0.2, 0.45, lacking / span) };
}

/** How much of what a kept mouth shows between its lips must not be seen, 0…1: all of it where they close. */
function closedOver(kept: KeptView, lips: LipTarget, range: LipRange): number {
  const span = Math.max(0.05, range.openingMax - range.openingMin);
  const share = (opening: number) => (opening - range.openingMin) / span;
  const shown = Math.max(smoothstep(0.05, 0.2, share(kept.lips.opening)), teethShown(kept));
  return shown * (1 - smoothstep(0.02, 0.18, share(lips.opening)));
}

function seamOf(options: {
  readonly picture: Picture;
  readonly view: FaceView;
  readonly chosen: KeptView;
  readonly lips: LipTarget;
  readonly range: LipRange;
  readonly target: Float32Array;
}): MouthJob['seam'] {
  const { picture, view, chosen, lips, range, target } = options;
  const weight = closedOver(chosen, lips, range);
  if (weight < 0.02) return undefined;
  const teeth = teethShown(chosen);
  const line = new Float32Array(22);
  for (let i = 0; i < 11; i += 1)
    for (let axis = 0; axis < 2; axis += 1)
      line[i * 2 + axis] =
        (target[UPPER_INNER_LIP[i]! * 2 + axis]! + target[LOWER_INNER_LIP[i]! * 2 + axis]!) / 2;
  return {
    ...{ weight, line },
    halfWidthPx: (0.03 + 0.015 * teeth) * view.pose.scale,
    shadowPx: 0.012 * view.pose.scale,
    upperLip: lipTone(picture, view, UPPER_OUTER_LIP, UPPER_INNER_LIP),
    lowerLip: lipTone(picture, view, LOWER_OUTER_LIP, LOWER_INNER_LIP),
  };
}

function cavityOf(picture: Picture, view: FaceView, lips: LipTarget, weight: number): MouthJob['cavity'] {
  const lip = meanTone(picture, view, [40, 37, 0, 267, 270, 84, 17, 314]);
  const cheek = meanTone(picture, view, [50, 280, 205, 425]);
  const light = (cheek[0] + cheek[1] + cheek[2]) / 3;
  const white = [238, 228, 212] as const;
  return {
    weight,
    dark: [lip[0] * 0.26, lip[1] * 0.17, lip[2] * 0.17],
    tongue: [lip[0] * 0.62, lip[1] * 0.5, lip[2] * 0.5],
    teeth: tone((c) => Math.min(white[c]!, (cheek[c]! * 0.45 + light * 0.62) * 1.05 + 8)),
    teethPx: 0.075 * view.pose.scale,
    gapPx: Math.max(0.5, lips.opening * view.pose.scale),
  };
}

function lipTone(
  picture: Picture,
  { landmarks }: FaceView,
  outer: readonly number[],
  inner: readonly number[],
): Rgb {
  const samples: Rgb[] = [];
  for (let i = 1; i < 10; i += 1) {
    const o = outer[i]! * 3;
    const n = inner[i]! * 3;
    samples.push(
      colourAt(picture, (landmarks[o]! + landmarks[n]!) / 2, (landmarks[o + 1]! + landmarks[n + 1]!) / 2),
    );
  }
  return tone((c) => samples.map((sample) => sample[c]!).sort((a, b) => a - b)[4]!);
}

function meanTone(picture: Picture, { landmarks }: FaceView, points: readonly number[]): Rgb {
  const samples = points.map((point) => colourAt(picture, landmarks[point * 3]!, landmarks[point * 3 + 1]!));
  return tone((c) => samples.reduce((sum, sample) => sum + sample[c]!, 0) / samples.length);
}

function tone(of: (channel: number) => number): Rgb {
  return [of(0), of(1), of(2)];
}

function colourAt(picture: Picture, x: number, y: number): Rgb {
  const { widthPx, heightPx, bytes } = picture;
  const { chromaWidthPx, uOffset, vOffset } = planeLayout(picture);
  const column = Math.max(0, Math.min(widthPx - 1, Math.round(x)));
  const row = Math.max(0, Math.min(heightPx - 1, Math.round(y)));
  const chroma = (row >> 1) * chromaWidthPx + (column >> 1);
  const { black, gain, rv, gu, gv, bu } = colourMatrix(picture.colour);
  const luma = (bytes[row * widthPx + column]! - black) * gain;
  const u = bytes[uOffset + chroma]! - 128;
  const v = bytes[vOffset + chroma]! - 128;
  const bound = (value: number) => Math.max(0, Math.min(255, value));
  return [bound(luma + rv * v), bound(luma + gu * u + gv * v), bound(luma + bu * u)];
}
