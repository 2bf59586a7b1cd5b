import { MESH_POINTS, type MouthJob, type PatchView, type Rect } from '../pipeline/face/canvas.ts';
import { CANVAS_REGION } from '../pipeline/face/cpu-canvas.ts';
import { FACE_PRIOR } from '../pipeline/face/face-prior.ts';
import { type Picture, type PictureFormat, planeLayout } from '../pipeline/face/picture.ts';
import { JAW, LOWER_INNER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP } from '../pipeline/face/topology.ts';

/** Where a drawn face is. */
export interface FacePlace {
  readonly x: number;
  readonly y: number;
  /** Between the outer corners of the eyes, px. */
  readonly eyesPx: number;
}

/** A picture with soft light, hard edges and grain, the same every time. Only tests and measurements of speed look at it. */
export function paintedPicture(format: PictureFormat, seed = 1): Picture {
  const { widthPx, heightPx } = format;
  const { chromaWidthPx, totalBytes, uOffset, vOffset } = planeLayout(format);
  const bytes = new Uint8Array(totalBytes);
  let state = seed;
  const grain = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let y = 0; y < heightPx; y += 1)
    for (let x = 0; x < widthPx; x += 1) {
      const light = 120 + 50 * Math.sin((x + 20 * seed) / 17) * Math.cos(y / 23);
      const edge = (Math.floor(x / 31) + Math.floor(y / 19)) % 5 === 0 ? 50 : 0;
      bytes[y * widthPx + x] = light + edge + 8 * grain();
    }
  for (let i = uOffset; i < totalBytes; i += 1) {
    const at = i < vOffset ? i - uOffset : i - vOffset;
    const [x, y] = [at % chromaWidthPx, Math.floor(at / chromaWidthPx)];
    bytes[i] = 128 + (i < vOffset ? -18 : 22) + 12 * Math.sin((x + y + seed) / 9) + 3 * grain();
  }
  return { ...format, mediaTimeUs: 0, bytes };
}

/** The mesh of an average face, with lips as far apart as `openingPx` says. @returns MESH_POINTS × (x, y), px */
export function faceMesh({ x, y, eyesPx }: FacePlace, openingPx = 0): Float32Array {
  const mesh = new Float32Array(2 * MESH_POINTS);
  const { template } = FACE_PRIOR;
  for (let i = 0; i < MESH_POINTS - JAW.length; i += 1) {
    mesh[2 * i] = x + eyesPx * template[3 * i]!;
    mesh[2 * i + 1] = y + eyesPx * template[3 * i + 1]!;
  }
  for (const [i, point] of [...LOWER_INNER_LIP, ...LOWER_OUTER_LIP].entries())
    mesh[2 * point + 1]! += openingPx * Math.sin((Math.PI * (i % 11)) / 10);
  mesh[2 * 152 + 1]! += openingPx / 2;
  const [mouthX, mouthY] = [
    (mesh[2 * 61]! + mesh[2 * 291]!) / 2,
    (mesh[2 * 61 + 1]! + mesh[2 * 291 + 1]!) / 2,
  ];
  for (const [i, point] of JAW.entries()) {
    mesh[2 * (468 + i)] = mouthX + 1.4 * (x + eyesPx * template[3 * point]! - mouthX);
    mesh[2 * (468 + i) + 1] = mouthY + 1.4 * (y + eyesPx * template[3 * point + 1]! - mouthY);
  }
  return mesh;
}

/** What a bank keeps of such a face. */
export function lowerFace(mesh: Float32Array, { widthPx, heightPx }: PictureFormat): Rect {
  const points = JAW.map((point) => [mesh[2 * point]!, mesh[2 * point + 1]!] as const);
  const x = Math.max(0, Math.floor(Math.min(...points.map((point) => point[0])) - 6));
  const y = Math.max(0, Math.floor(mesh[2 * 197 + 1]! - 4));
  const right = Math.min(widthPx, Math.ceil(Math.max(...points.map((point) => point[0])) + 6));
  const bottom = Math.min(heightPx, Math.ceil(Math.max(...points.map((point) => point[1])) + 8));
  return { x, y, widthPx: right - x, heightPx: bottom - y };
}

export function patchView(id: number, mesh: Float32Array): PatchView {
  return { id, points: mesh.slice(0, 2 * 468) };
}

/** A mouth that opens to `openingPx` with the pixels of a patch. */
export function mouthJob(options: {
  readonly slot: number;
  readonly place: FacePlace;
  readonly patch: PatchView;
  readonly openingPx: number;
  readonly more?: Partial<MouthJob>;
}): MouthJob {
  const { slot, place, patch, openingPx, more } = options;
  return {
    ...{ slot, stream: 0, fresh: true, opacity: 1, patch, alpha: CANVAS_REGION.alpha },
    source: faceMesh(place),
    target: faceMesh(place, openingPx),
    ...more,
  };
}

/** What closes and what opens a mouth of such a face beyond its patch. */
export function lipWork(target: Float32Array, { eyesPx }: FacePlace) {
  const line = new Float32Array(22);
  for (let i = 0; i < 11; i += 1)
    for (const axis of [0, 1])
      line[2 * i + axis] =
        (target[2 * UPPER_INNER_LIP[i]! + axis]! + target[2 * LOWER_INNER_LIP[i]! + axis]!) / 2;
  return {
    seam: {
      ...{ weight: 0.9, line, halfWidthPx: 0.03 * eyesPx, shadowPx: 0.012 * eyesPx },
      upperLip: [150, 90, 85],
      lowerLip: [165, 100, 95],
    },
    cavity: {
      ...{ weight: 0.8, teethPx: 0.075 * eyesPx, gapPx: 0.15 * eyesPx },
      dark: [40, 20, 18],
      tongue: [110, 60, 55],
      teeth: [220, 210, 200],
    },
  } as const;
}
