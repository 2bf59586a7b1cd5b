import type { PatchId } from './canvas.ts';
import { type LipShape, lipAsymmetry, lipShape } from './lip-shape.ts';
import type { Picture } from './picture.ts';
import { planeLayout } from './picture.ts';
import { canonicalShape, type FacePose, fitPose, inPicture } from './pose.ts';
import { smoothstep } from './smoothstep.ts';
import { LOWER_INNER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, UPPER_OUTER_LIP } from './topology.ts';

/** One face in one picture, as the reanimator looks at it. */
export interface FaceView {
  readonly faceId: number;
  /** Counts the pictures of the stream. */
  readonly index: number;
  readonly mediaTimeUs: number;
  /** Smoothed, 468 × (x, y, z), px. */
  readonly landmarks: Float32Array;
  readonly confidence: number;
  readonly pose: FacePose;
  readonly canonical: Float32Array;
  readonly lips: LipShape;
  readonly asymmetry: number;
  /** Luma of the mouth in the face's own frame, THUMB_COLUMNS × THUMB_ROWS. */
  readonly thumb: Float32Array;
  /** Mean of `thumb`. */
  readonly brightness: number;
  /** How bright and colourless the inside of the mouth is: teeth. */
  readonly teeth: number;
  /** The same of the lips. */
  readonly lipTone: number;
  /** Change of lips and head since the picture before, canonical units per picture of 25 fps: motion blur. */
  readonly speed: number;
  /** Mean step of luma between neighbours around the eyes, which speech does not change: low where the picture is blurred. */
  readonly sharpness: number;
  /** Mean luma there. */
  readonly light: number;
}

/** A view whose pixels were kept. */
export interface KeptView extends FaceView {
  readonly patch: PatchId;
  /** 468 × (x, y), px. */
  readonly points: Float32Array;
  /** Slow part of what the lips do not explain, at that time: 1404, canonical units. */
  readonly expression: Float32Array;
}

export const THUMB_COLUMNS = 24;
export const THUMB_ROWS = 16;
export const THUMB_PIXELS = THUMB_COLUMNS * THUMB_ROWS;
const PICTURE_US = 40_000;

export interface ViewOptions {
  readonly picture: Picture;
  readonly faceId: number;
  readonly index: number;
  readonly landmarks: Float32Array;
  readonly confidence: number;
  readonly template: Float32Array;
  /** Where the mouth is in the template, and half its width. */
  readonly mouth: { readonly x: number; readonly y: number; readonly halfWidth: number };
  /** The same face in the picture before. */
  readonly before: FaceView | undefined;
}

export function lookAt(options: ViewOptions): FaceView {
  const { picture, landmarks, template, before, faceId, index, confidence } = options;
  const pose = fitPose(landmarks, template);
  const canonical = canonicalShape(landmarks, pose);
  const lips = lipShape(canonical);
  const { thumb, brightness } = thumbnail(picture, pose, options.mouth, canonical[13 * 3 + 2]!);
  let speed = 0;
  if (before !== undefined) {
    const pictures = Math.max(0.25, (picture.mediaTimeUs - before.mediaTimeUs) / PICTURE_US);
    speed =
      (Math.abs(lips.opening - before.lips.opening) +
        Math.abs(pose.translation[0] - before.pose.translation[0]) / pose.scale +
        Math.abs(pose.translation[1] - before.pose.translation[1]) / pose.scale) /
      pictures;
  }
  return {
    ...{ faceId, index, landmarks, confidence, pose, canonical, lips, thumb, brightness, speed },
    mediaTimeUs: picture.mediaTimeUs,
    asymmetry: lipAsymmetry(canonical),
    ...toneOf(picture, landmarks),
    ...aroundEyes(picture, landmarks),
  };
}

function thumbnail(picture: Picture, pose: FacePose, mouth: ViewOptions['mouth'], z: number) {
  const { widthPx, heightPx, bytes } = picture;
  const halfWidth = mouth.halfWidth * 1.25;
  const halfHeight = halfWidth * 0.75;
  const thumb = new Float32Array(THUMB_PIXELS);
  let sum = 0;
  const [originX, originY] = pose.translation;
  for (let row = 0, k = 0; row < THUMB_ROWS; row += 1)
    for (let column = 0; column < THUMB_COLUMNS; column += 1, k += 1) {
      const [dx, dy] = inPicture(
        pose,
        mouth.x + (((column + 0.5) * 2) / THUMB_COLUMNS - 1) * halfWidth,
        mouth.y + (((row + 0.5) * 2) / THUMB_ROWS - 1) * halfHeight,
        z,
      );
      const x = Math.round(originX + dx);
      const y = Math.round(originY + dy);
      if (x < 0 || y < 0 || x >= widthPx || y >= heightPx) continue;
      const value = bytes[y * widthPx + x]!;
      thumb[k] = value;
      sum += value;
    }
  return { thumb, brightness: sum / THUMB_PIXELS };
}

/** Mean of luma less colour, over points between the lips and over points on them. */
function toneOf(picture: Picture, landmarks: Float32Array): { teeth: number; lipTone: number } {
  const inside: number[] = [];
  const lips: number[] = [];
  for (let i = 1; i < 10; i += 1) {
    const at = (contour: readonly number[]) => contour[i]! * 3;
    const upper = at(UPPER_INNER_LIP);
    const lower = at(LOWER_INNER_LIP);
    for (const share of [0.25, 0.5, 0.75]) inside.push(...paleness(picture, landmarks, upper, lower, share));
    lips.push(...paleness(picture, landmarks, upper, at(UPPER_OUTER_LIP), 0.5));
    lips.push(...paleness(picture, landmarks, lower, at(LOWER_OUTER_LIP), 0.5));
  }
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return { teeth: mean(inside), lipTone: mean(lips) };
}

/** Of the pixel a share of the way from one point to another; none outside the picture. */
function paleness(picture: Picture, l: Float32Array, from: number, to: number, share: number): number[] {
  const { widthPx, heightPx, bytes } = picture;
  const { chromaWidthPx, uOffset, vOffset } = planeLayout(picture);
  const x = Math.round(l[from]! * (1 - share) + l[to]! * share);
  const y = Math.round(l[from + 1]! * (1 - share) + l[to + 1]! * share);
  if (x < 0 || y < 0 || x >= widthPx || y >= heightPx) return [];
  const chroma = (y >> 1) * chromaWidthPx + (x >> 1);
  const colour = Math.hypot(bytes[uOffset + chroma]! - 128, bytes[vOffset + chroma]! - 128);
  return [bytes[y * widthPx + x]! - 1.4 * colour];
}

const EYES_STEPS = 28;
/** What is nearly black says little about light. */
const LIGHT_FLOOR = 10;

/** How much brighter a face is in one picture than in another, as a logarithm. */
export function lightGap(a: Pick<FaceView, 'light'>, b: Pick<FaceView, 'light'>): number {
  return Math.log((a.light + LIGHT_FLOOR) / (b.light + LIGHT_FLOOR));
}

/** How much paler than the lips what lies between them is: perhaps teeth, and surely teeth. */
const TEETH_SHOWN = [15, 45] as const;

/** Whether teeth are seen, 0…1: in a smile, also between lips whose contours all but touch. */
export function teethShown({ teeth, lipTone }: Pick<FaceView, 'teeth' | 'lipTone'>): number {
  return smoothstep(...TEETH_SHOWN, teeth - lipTone);
}

/** Between the outer corners of the eyes, from above the eyes to the middle of the nose. */
function aroundEyes(picture: Picture, landmarks: Float32Array): Pick<FaceView, 'sharpness' | 'light'> {
  const { widthPx, heightPx, bytes } = picture;
  const at = (point: number) => [landmarks[point * 3]!, landmarks[point * 3 + 1]!] as const;
  const [rightX, rightY] = at(33);
  const [leftX, leftY] = at(263);
  const [noseX, noseY] = at(5);
  const downX = noseX - (rightX + leftX) / 2;
  const downY = noseY - (rightY + leftY) / 2;
  let steps = 0;
  let luma = 0;
  let count = 0;
  for (let i = 0; i < EYES_STEPS; i += 1)
    for (let j = 0; j < EYES_STEPS; j += 1) {
      const across = i / (EYES_STEPS - 1);
      const down = (1.3 * j) / (EYES_STEPS - 1) - 0.4;
      const x = Math.round(rightX + across * (leftX - rightX) + down * downX);
      const y = Math.round(rightY + across * (leftY - rightY) + down * downY);
      if (x < 0 || y < 0 || x >= widthPx - 1 || y >= heightPx - 1) continue;
      const p = y * widthPx + x;
      steps += Math.abs(bytes[p]! - bytes[p + 1]!) + Math.abs(bytes[p]! - bytes[p + widthPx]!);
      luma += bytes[p]!;
      count += 1;
    }
  return { sharpness: steps / Math.max(1, 2 * count), light: luma / Math.max(1, count) };
}
