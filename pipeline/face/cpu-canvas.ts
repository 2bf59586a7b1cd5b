import { LivedubError } from '../errors.ts';
import type { CanvasOptions, FaceCanvas, MouthJob, PatchId, PatchView, PictureSlot, Rect } from './canvas.ts';
import { FACE_PRIOR } from './face-prior.ts';
import { mouthRegion } from './mouth-region.ts';
import type { Picture } from './picture.ts';
import { drawCavity } from './pixels/cavity.ts';
import { fromRgb, type RgbRaster, type SourceRaster, toRgb } from './pixels/colour-convert.ts';
import { blendPatch, type ColourGain, matchColour } from './pixels/colour-match.ts';
import { warpMesh } from './pixels/mesh-warp.ts';
import { closeSeam } from './pixels/seam.ts';

/** Triangles that move by less than this keep their pixels. */
const MIN_MOVE_PX = 0.02;
/** Cubic sampling looks two pixels around. */
const MARGIN_PX = 4;
/** Streams whose colour match is remembered. */
const MAX_STREAMS = 64;

/** Which parts of the mesh move is the same for everybody. */
export const CANVAS_REGION = mouthRegion(FACE_PRIOR.template);

/** The pixel work on the processor: the reference for every other canvas. */
export class CpuFaceCanvas implements FaceCanvas {
  readonly on = 'cpu';
  readonly epoch = 0;
  readonly #o: Required<CanvasOptions>;
  readonly #pictures = new Map<PictureSlot, Picture>();
  readonly #patches = new Map<PatchId, SourceRaster>();
  readonly #gains = new Map<number, ColourGain>();
  /** The part of the last picture that was needed as colours: its other renditions need it, too. */
  #colours: { readonly slot: PictureSlot; readonly raster: SourceRaster } | undefined;
  #colourSpace = new Uint8ClampedArray(0);
  #nextSlot = 0;
  #nextPatch = 0;
  /** Work space, grown as needed. */
  #space = new WorkSpace(0);

  constructor(options: CanvasOptions) {
    this.#o = { maxPictures: 32, maxPatches: 512, ...options };
  }

  load(picture: Picture): PictureSlot {
    const { format, maxPictures } = this.#o;
    if (picture.widthPx !== format.widthPx || picture.heightPx !== format.heightPx)
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `Pictures are ${format.widthPx} × ${format.heightPx}, not ${picture.widthPx} × ${picture.heightPx}.`,
      );
    if (this.#pictures.size >= maxPictures)
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `No more than ${maxPictures} pictures are held.`);
    const slot = this.#nextSlot;
    this.#nextSlot += 1;
    this.#pictures.set(slot, picture);
    return slot;
  }

  release(slot: PictureSlot): void {
    this.#pictures.delete(slot);
  }

  keepPatch(slot: PictureSlot, rect: Rect): PatchId | undefined {
    if (this.#patches.size >= this.#o.maxPatches) return undefined;
    const data = new Uint8ClampedArray(rect.widthPx * rect.heightPx * 3);
    const id = this.#nextPatch;
    this.#nextPatch += 1;
    this.#patches.set(id, toRgb(this.#held(slot), rect, data));
    return id;
  }

  dropPatch(id: PatchId): void {
    this.#patches.delete(id);
  }

  async render(slot: PictureSlot, jobs: readonly MouthJob[]): Promise<Uint8Array> {
    const picture = this.#held(slot);
    // Not slice(): of a Buffer, that is a view.
    const bytes = new Uint8Array(picture.bytes);
    for (const job of jobs) this.#draw(picture, slot, job, bytes);
    return bytes;
  }

  close(): void {
    this.#pictures.clear();
    this.#patches.clear();
    this.#gains.clear();
  }

  #held(slot: PictureSlot): Picture {
    const held = this.#pictures.get(slot);
    if (held === undefined)
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `Picture ${slot} is not held any more.`);
    return held;
  }

  #draw(picture: Picture, slot: PictureSlot, job: MouthJob, bytes: Uint8Array): void {
    const { source, target } = job;
    const rect = jobRect(job, picture);
    if (rect === undefined) return;
    const from = this.#coloursOf(picture, slot, rect);
    const pixels = rect.widthPx * rect.heightPx;
    if (this.#space.pixels < pixels) this.#space = new WorkSpace(pixels);
    const space = this.#space;
    const into: RgbRaster = { ...rect, data: space.picture.subarray(0, pixels * 3) };
    copyRect(from, into);
    const touched = space.touched.fill(0, 0, pixels).subarray(0, pixels);
    warpMesh({
      triangles: CANVAS_REGION.base,
      ...{ target, source, from, into, touched, minMovePx: MIN_MOVE_PX },
      ...(job.opacity === 1 && this.#patches.has(job.patch.id) ? { hidden: job.alpha } : {}),
    });
    if (job.opacity > 0) this.#drawPatch(job, into, touched);
    if (job.cavity) drawCavity(into, touched, target, job.cavity);
    if (job.seam) closeSeam(into, touched, job.seam);
    fromRgb(into, touched, picture, bytes);
  }

  #drawPatch(job: MouthJob, picture: RgbRaster, touched: Uint8Array): void {
    const space = this.#space;
    const pixels = picture.widthPx * picture.heightPx;
    const alpha = space.alpha.fill(0, 0, pixels).subarray(0, pixels);
    const patch: RgbRaster = { ...picture, data: space.patch.subarray(0, pixels * 3) };
    const ignored = space.ignored.fill(0, 0, pixels).subarray(0, pixels);
    const drawn = this.#warpPatch(job.patch, job, CANVAS_REGION.patch, patch, ignored, alpha);
    if (!drawn) return;
    if (job.former !== undefined) {
      const formerAlpha = space.formerAlpha.fill(0, 0, pixels).subarray(0, pixels);
      const former: RgbRaster = { ...picture, data: space.former.subarray(0, pixels * 3) };
      if (this.#warpPatch(job.former, job, CANVAS_REGION.patchSkin, former, ignored, formerAlpha)) {
        for (let p = 0; p < pixels; p += 1) {
          if (formerAlpha[p]! <= 0) continue;
          for (let c = p * 3; c < p * 3 + 3; c += 1) patch.data[c] = (patch.data[c]! + former.data[c]!) / 2;
        }
      }
    }
    const before = job.fresh ? undefined : this.#gains.get(job.stream);
    const gain = matchColour(picture, patch.data, alpha, before);
    this.#gains.delete(job.stream);
    this.#gains.set(job.stream, gain);
    if (this.#gains.size > MAX_STREAMS) this.#gains.delete(this.#gains.keys().next().value!);
    blendPatch({ picture, patch: patch.data, alpha, gain, opacity: job.opacity, touched });
  }

  #warpPatch(
    { id, points }: PatchView,
    job: MouthJob,
    triangles: Uint16Array,
    into: RgbRaster,
    touched: Uint8Array,
    alphaInto: Float32Array,
  ): boolean {
    const from = this.#patches.get(id);
    if (from === undefined) return false;
    warpMesh({
      ...{ triangles, target: job.target, source: points, from, into, touched },
      ...{ alpha: job.alpha, alphaInto },
    });
    return true;
  }

  #coloursOf(picture: Picture, slot: PictureSlot, rect: Rect): SourceRaster {
    const before = this.#colours;
    if (before?.slot === slot && contains(before.raster, rect)) return before.raster;
    const length = rect.widthPx * rect.heightPx * 3;
    if (this.#colourSpace.length < length) this.#colourSpace = new Uint8ClampedArray(length);
    const raster = toRgb(picture, rect, this.#colourSpace.subarray(0, length));
    this.#colours = { slot, raster };
    return raster;
  }
}

/** Rasters that are overwritten with every picture. */
class WorkSpace {
  readonly picture: Float32Array;
  readonly patch: Float32Array;
  readonly former: Float32Array;
  readonly alpha: Float32Array;
  readonly formerAlpha: Float32Array;
  readonly touched: Uint8Array;
  readonly ignored: Uint8Array;
  readonly pixels: number;

  constructor(pixels: number) {
    this.pixels = pixels;
    this.picture = new Float32Array(pixels * 3);
    this.patch = new Float32Array(pixels * 3);
    this.former = new Float32Array(pixels * 3);
    this.alpha = new Float32Array(pixels);
    this.formerAlpha = new Float32Array(pixels);
    this.touched = new Uint8Array(pixels);
    this.ignored = new Uint8Array(pixels);
  }
}

/** The part of the picture that a job reads or writes, from even places on; undefined when none of it is in the picture. */
export function jobRect({ source, target }: MouthJob, picture: Picture): Rect | undefined {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const point of CANVAS_REGION.base)
    for (const mesh of [source, target]) {
      left = Math.min(left, mesh[point * 2]!);
      right = Math.max(right, mesh[point * 2]!);
      top = Math.min(top, mesh[point * 2 + 1]!);
      bottom = Math.max(bottom, mesh[point * 2 + 1]!);
    }
  const x = 2 * Math.floor(Math.max(0, left - MARGIN_PX) / 2);
  const y = 2 * Math.floor(Math.max(0, top - MARGIN_PX) / 2);
  const endX = Math.min(picture.widthPx, 2 * Math.ceil((right + MARGIN_PX) / 2));
  const endY = Math.min(picture.heightPx, 2 * Math.ceil((bottom + MARGIN_PX) / 2));
  if (!(endX - x >= 4 && endY - y >= 4)) return undefined;
  return { x, y, widthPx: endX - x, heightPx: endY - y };
}

function contains(outer: Rect, inner: Rect): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.widthPx >= inner.x + inner.widthPx &&
    outer.y + outer.heightPx >= inner.y + inner.heightPx
  );
}

function copyRect(from: SourceRaster, into: RgbRaster): void {
  for (let y = 0; y < into.heightPx; y += 1) {
    const start = ((into.y + y - from.y) * from.widthPx + into.x - from.x) * 3;
    into.data.set(from.data.subarray(start, start + into.widthPx * 3), y * into.widthPx * 3);
  }
}
