import { MESH_POINTS, type MouthJob, type Rect, type Rgb } from '../pipeline/face/canvas.ts';
import type { PictureFormat } from '../pipeline/face/picture.ts';
import { wordStretches } from './picture-format.ts';

/** Sizes of `MouthJob` and `mesh` in gpu/kernels/mouth-job.wgsl. */
export const JOB_BYTES = 240;
const FACE_POINTS = 468;
const PATCH_AT = 2 * MESH_POINTS;
const FORMER_AT = PATCH_AT + FACE_POINTS;
const ALPHA_AT = FORMER_AT + FACE_POINTS;
const SEAM_AT = ALPHA_AT + FACE_POINTS;
const SEAM_POINTS = 11;
export const MESH_BYTES = 8 * (SEAM_AT + SEAM_POINTS);

export interface PackedJob {
  readonly job: Uint8Array;
  readonly mesh: Float32Array;
}

/** Puts down a job as its kernels read it. */
export function packJob(
  job: MouthJob,
  more: {
    readonly format: PictureFormat;
    /** What is drawn of the picture. */
    readonly rect: Rect;
    /** Where the patch was cut from; undefined: none is laid. */
    readonly patch: Rect | undefined;
    readonly former: Rect | undefined;
    readonly isFresh: boolean;
    /** Where the stream's gain is kept. */
    readonly gainAt: number;
    /** Of the picture's mesh, the patch's, the former's. */
    readonly triangles: readonly [number, number, number];
    readonly minMovePx: number;
  },
): PackedJob {
  const { rect, patch, former } = more;
  const bytes = new ArrayBuffer(JOB_BYTES);
  const words = new Uint32Array(bytes);
  const numbers = new Float32Array(bytes);
  const stretches = wordStretches(more.format, rect);
  words.set(rectWords(rect), 0);
  words.set(
    [Number(patch !== undefined), Number(former !== undefined), more.gainAt, Number(more.isFresh)],
    4,
  );
  if (patch !== undefined) words.set(rectWords(patch), 8);
  if (former !== undefined) words.set(rectWords(former), 12);
  words.set([more.triangles[0], patch ? more.triangles[1] : 0, former ? more.triangles[2] : 0], 16);
  const { seam, cavity } = job;
  numbers.set([job.opacity, more.minMovePx, seam?.weight ?? 0, cavity?.weight ?? 0], 20);
  numbers.set([seam?.halfWidthPx ?? 1, seam?.shadowPx ?? 1, cavity?.teethPx ?? 1, cavity?.gapPx ?? 0], 24);
  const none: Rgb = [0, 0, 0];
  const colours = [seam?.upperLip, seam?.lowerLip, cavity?.dark, cavity?.tongue, cavity?.teeth];
  for (const [i, colour] of colours.entries()) numbers.set(colour ?? none, 28 + 4 * i);
  if (seam !== undefined) new Int32Array(bytes).set(seamBounds(seam, rect), 48);
  words.set(stretches.firstWords, 52);
  words.set(stretches.wordsBefore, 56);
  return { job: new Uint8Array(bytes), mesh: packMesh(job) };
}

function packMesh({ source, target, patch, former, alpha, seam }: MouthJob): Float32Array {
  const mesh = new Float32Array(MESH_BYTES / 4);
  mesh.set(target.subarray(0, 2 * MESH_POINTS));
  mesh.set(source.subarray(0, 2 * MESH_POINTS), 2 * MESH_POINTS);
  mesh.set(patch.points.subarray(0, 2 * FACE_POINTS), 2 * PATCH_AT);
  if (former !== undefined) mesh.set(former.points.subarray(0, 2 * FACE_POINTS), 2 * FORMER_AT);
  for (let i = 0; i < FACE_POINTS; i += 1) mesh[2 * (ALPHA_AT + i)] = alpha[i]!;
  if (seam !== undefined) mesh.set(seam.line.subarray(0, 2 * SEAM_POINTS), 2 * SEAM_AT);
  return mesh;
}

/** Pixels of the raster that can be near the line: left, top, right, bottom. */
function seamBounds({ line, halfWidthPx }: NonNullable<MouthJob['seam']>, rect: Rect): readonly number[] {
  const xs = line.filter((_, i) => i % 2 === 0);
  const ys = line.filter((_, i) => i % 2 === 1);
  return [
    Math.floor(Math.min(...xs) - rect.x),
    Math.floor(Math.min(...ys) - halfWidthPx - rect.y),
    Math.ceil(Math.max(...xs) - rect.x),
    Math.ceil(Math.max(...ys) + halfWidthPx - rect.y),
  ];
}

function rectWords({ x, y, widthPx, heightPx }: Rect): readonly number[] {
  return [x, y, widthPx, heightPx];
}
