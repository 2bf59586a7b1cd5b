import { OnnxModels } from '../../models/engines/lip-sync/onnx-models.ts';
import { SessionPool } from '../../models/session-pool.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { type CropBox, cutCrop, placeCrop } from '../../pipeline/face/affine-paste.ts';
import type { Picture } from '../../pipeline/face/picture.ts';
import type { EngineCall } from '../../pipeline/ports/engine.ts';
import { FACE_POINTS } from '../../pipeline/ports/face-tracker.ts';
import { MFCC_COEFFICIENTS, speechMfcc } from './mfcc.ts';

export interface SyncClip {
  /** In order, one look of one person. */
  readonly pictures: readonly Picture[];
  /** Of each picture; undefined where no face was found. */
  readonly landmarks: readonly (Float32Array | undefined)[];
  /** 16 kHz mono, from the first picture's time on. */
  readonly pcm: Float32Array;
}

export interface SyncScore {
  /** Lip-sync error, distance: mean distance of lips and sound at the best offset; less is better. */
  readonly lseD: number;
  /** Lip-sync error, confidence: how much nearer they are there than at most offsets; more is better. */
  readonly lseC: number;
  /** That offset, pictures of 25 fps; positive: the sound comes early. */
  readonly offsetPictures: number;
}

/** Pictures are taken at this pace, whatever the clip's is. */
const PICTURE_US = 40_000;
const FACE_PX = 224;
const WINDOW_PICTURES = 5;
const WINDOW_FRAMES = 20;
const FRAMES_PER_PICTURE = 4;
const SAMPLES_PER_PICTURE = 640;
/** Offsets are tried so far both ways. */
const MOST_OFFSET = 15;
const BATCH = 4;
/** Boxes are steadied by the median over so many pictures, and widened by this share on each side (run_pipeline.py). */
const MEDIAN_PICTURES = 13;
const WIDER = 0.4;
/** Where a face detector's box begins, as a share of the mesh's height. */
const TOP_SHARE = 0.08;

/**
 * Scores how well lips fit a sound, as SyncNet v2 does (Chung and Zisserman 2016; https://github.com/joonson/syncnet_python,
 * SyncNetInstance.py; LSE-D and LSE-C: Prajwal et al. 2020, https://arxiv.org/abs/2008.10010). Model files: `lip`, five pictures of a
 * face [B, 3, 5, 224, 224], blue first, 0…255 → [B, 1024]; `audio`, cepstral coefficients of 200 ms [B, 1, 13, 20] → [B, 1024].
 */
export class SyncNet {
  readonly #models: OnnxModels;
  readonly #pool: SessionPool;

  private constructor(models: OnnxModels, pool: SessionPool) {
    this.#models = models;
    this.#pool = pool;
  }

  /** @returns undefined where it is not installed */
  static async openInstalled(store: ModelStore = new ModelStore()): Promise<SyncNet | undefined> {
    if ((await store.status('syncnet')).state !== 'installed') return undefined;
    const { lip, audio } = await store.paths('syncnet');
    return SyncNet.load({ lip: lip!, audio: audio! });
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(paths: { readonly lip: string; readonly audio: string }): Promise<SyncNet> {
    return new SyncNet(await OnnxModels.load({ paths, engine: 'syncnet' }), new SessionPool());
  }

  /** @returns undefined for a clip that is too short or shows no face */
  async score(clip: SyncClip, call: EngineCall): Promise<SyncScore | undefined> {
    const looks = looksOf(clip);
    const windows =
      Math.min(looks.length, Math.floor(clip.pcm.length / SAMPLES_PER_PICTURE)) - WINDOW_PICTURES;
    if (windows < 1) return undefined;
    const lips = await this.#inBatches('lip', windows, call, lipWindows(looks));
    const sounds = await this.#inBatches('audio', windows, call, soundWindows(speechMfcc(clip.pcm)));
    return bestOffset(lips, sounds);
  }

  async close(): Promise<void> {
    await this.#models.close();
    await this.#pool.close();
  }

  async #inBatches(
    model: string,
    windows: number,
    call: EngineCall,
    { dims, fill }: Windows,
  ): Promise<Float32Array[]> {
    const input = this.#models.input(model, 'windows', (tensor) => tensor.dims.length === dims.length + 1);
    const length = dims.reduce((product, dim) => product * dim, 1);
    const features: Float32Array[] = [];
    for (let from = 0; from < windows; from += BATCH) {
      const rows = Math.min(BATCH, windows - from);
      const data = new Float32Array(rows * length);
      for (let row = 0; row < rows; row++) fill(from + row, data.subarray(row * length, (row + 1) * length));
      const [made] = await this.#pool.run(call, { engine: 'syncnet' }, (slot) =>
        this.#models.run(slot, model, rows, { [input.name]: { dims: [rows, ...dims], data } }),
      );
      const width = made!.length / rows;
      for (let row = 0; row < rows; row++) features.push(made!.slice(row * width, (row + 1) * width));
    }
    return features;
  }
}

/** Where a picture's face lies. */
interface Look {
  readonly picture: Picture;
  readonly box: CropBox;
}

interface Windows {
  /** Of one window. */
  readonly dims: readonly number[];
  readonly fill: (window: number, into: Float32Array) => void;
}

function lipWindows(looks: readonly Look[]): Windows {
  const area = FACE_PX * FACE_PX;
  const faces = new Map<number, Float32Array>();
  const faceOf = (i: number): Float32Array => {
    const known = faces.get(i);
    if (known !== undefined) return known;
    const { picture, box } = looks[i]!;
    const face = cutCrop(picture, placeCrop(box, FACE_PX));
    faces.set(i, face);
    faces.delete(i - WINDOW_PICTURES);
    return face;
  };
  return {
    dims: [3, WINDOW_PICTURES, FACE_PX, FACE_PX],
    fill: (window, into) => {
      for (let k = 0; k < WINDOW_PICTURES; k++) {
        const face = faceOf(window + k);
        for (let channel = 0; channel < 3; channel++) {
          const from = (2 - channel) * area;
          const to = (channel * WINDOW_PICTURES + k) * area;
          for (let i = 0; i < area; i++) into[to + i] = face[from + i]! * 255;
        }
      }
    },
  };
}

function soundWindows(mfcc: Float32Array): Windows {
  return {
    dims: [1, MFCC_COEFFICIENTS, WINDOW_FRAMES],
    fill: (window, into) => {
      for (let frame = 0; frame < WINDOW_FRAMES; frame++) {
        const from = (window * FRAMES_PER_PICTURE + frame) * MFCC_COEFFICIENTS;
        for (let c = 0; c < MFCC_COEFFICIENTS; c++) into[c * WINDOW_FRAMES + frame] = mfcc[from + c] ?? 0;
      }
    },
  };
}

/** One picture each 40 ms, the nearest in time, with a steady box; empty where no face was found at all. */
function looksOf({ pictures, landmarks }: SyncClip): Look[] {
  const boxes: CropBox[] = [];
  const first = landmarks.find((found) => found !== undefined);
  if (first === undefined) return [];
  let box = detectorBox(first);
  for (const found of landmarks) {
    if (found !== undefined) box = detectorBox(found);
    boxes.push(box);
  }
  const steady = boxes.map((_, i) => {
    const near = boxes.slice(Math.max(0, i - (MEDIAN_PICTURES >> 1)), i + (MEDIAN_PICTURES >> 1) + 1);
    const median = (of: (box: CropBox) => number): number =>
      near.map(of).sort((a, b) => a - b)[near.length >> 1]!;
    const half = median(({ widthPx, heightPx }) => Math.max(widthPx, heightPx) / 2);
    const side = 2 * (1 + WIDER) * half;
    return {
      centreX: median(({ centreX }) => centreX),
      centreY: median(({ centreY }) => centreY) + WIDER * half,
      widthPx: side,
      heightPx: side,
      angleRad: 0,
    };
  });
  const startUs = pictures[0]!.mediaTimeUs;
  const looks: Look[] = [];
  for (let at = 0, tick = 0; at < pictures.length; tick++) {
    const atUs = startUs + tick * PICTURE_US;
    while (at + 1 < pictures.length && distance(pictures[at + 1]!, atUs) <= distance(pictures[at]!, atUs))
      at++;
    if (at === pictures.length - 1 && atUs - pictures[at]!.mediaTimeUs > PICTURE_US / 2) break;
    looks.push({ picture: pictures[at]!, box: steady[at]! });
  }
  return looks;
}

const distance = (picture: Picture, us: number): number => Math.abs(picture.mediaTimeUs - us);

/** About what a face detector's box is: upright, from the forehead to the chin. */
function detectorBox(landmarks: Float32Array): CropBox {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let point = 0; point < FACE_POINTS; point++) {
    const [x, y] = [landmarks[point * 3]!, landmarks[point * 3 + 1]!];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  top += TOP_SHARE * (bottom - top);
  return {
    centreX: (left + right) / 2,
    centreY: (top + bottom) / 2,
    widthPx: right - left,
    heightPx: bottom - top,
    angleRad: 0,
  };
}

/** Beyond the clip's ends the sound's features are zeros, as published. */
function bestOffset(lips: readonly Float32Array[], sounds: readonly Float32Array[]): SyncScore {
  const nothing = new Float32Array(sounds[0]!.length);
  const means = Array.from({ length: 2 * MOST_OFFSET + 1 }, (_, shift) => {
    const sum = lips.reduce(
      (total, lip, i) => total + apart(lip, sounds[i + shift - MOST_OFFSET] ?? nothing),
      0,
    );
    return sum / lips.length;
  });
  const lseD = Math.min(...means);
  const median = [...means].sort((a, b) => a - b)[MOST_OFFSET]!;
  return { lseD, lseC: median - lseD, offsetPictures: MOST_OFFSET - means.indexOf(lseD) };
}

/** Euclidean, with torch's epsilon on each difference. */
function apart(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]! + 1e-6) ** 2;
  return Math.sqrt(sum);
}
