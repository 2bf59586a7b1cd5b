import type { LumaPlane } from './luma-mark.ts';

/** The picture is compared by the means of so many fields. */
const COLUMNS = 16;
const ROWS = 12;
/** Share of pixels by brightness, in steps of 8. */
const BINS = 32;

/** Mean difference of fields, in steps of brightness, that a cut has at least. */
const FIELDS_CHANGE = 10;
/** Share of the pixels that are of another brightness after a cut, at least. */
const HISTOGRAM_CHANGE = 0.2;
/** How much more than lately has to have changed. */
const OVER_USUAL = 4;
/** No second cut sooner than this: flashes. */
const MIN_SHOT_US = 300_000;

/**
 * Tells cuts as they come, from sudden changes of both where brightness is and how much there is of it. Looks at one pixel in 16,
 * at no later frame, and keeps no picture.
 */
export class ShotCuts {
  #fields: Float32Array | undefined;
  #histogram = new Float32Array(BINS);
  #usual = 0;
  #shotStartUs = 0;
  readonly #threshold: number;

  /**
   * @param options.threshold Share of the usual change that makes a cut; default 1. Who looks for marks takes less: a cut that the
   * embedder saw and the detector did not costs more than one too many.
   */
  constructor(options: { threshold?: number } = {}) {
    this.#threshold = options.threshold ?? 1;
  }

  /** Whether this frame is the first of another shot. The very first frame is not. */
  isCut(plane: LumaPlane, mediaTimeUs: number): boolean {
    const { fields, histogram } = summary(plane);
    const before = this.#fields;
    const histogramBefore = this.#histogram;
    this.#fields = fields;
    this.#histogram = histogram;
    if (before === undefined) {
      this.#shotStartUs = mediaTimeUs;
      return false;
    }
    let change = 0;
    for (let i = 0; i < fields.length; i += 1) change += Math.abs(fields[i]! - before[i]!) / fields.length;
    let moved = 0;
    for (let i = 0; i < BINS; i += 1) moved += Math.abs(histogram[i]! - histogramBefore[i]!) / 2;
    const isCut =
      change > FIELDS_CHANGE * this.#threshold &&
      moved > HISTOGRAM_CHANGE * this.#threshold &&
      change > OVER_USUAL * this.#threshold * this.#usual &&
      mediaTimeUs - this.#shotStartUs >= MIN_SHOT_US;
    if (isCut) {
      this.#usual = 0;
      this.#shotStartUs = mediaTimeUs;
    } else {
      this.#usual += 0.2 * (change - this.#usual);
    }
    return isCut;
  }
}

function summary({ width, height, strideBytes, data }: LumaPlane) {
  const fields = new Float32Array(COLUMNS * ROWS);
  const counts = new Uint32Array(COLUMNS * ROWS);
  const histogram = new Float32Array(BINS);
  let pixels = 0;
  for (let y = 1; y < height; y += 4) {
    const row = Math.floor((y * ROWS) / height) * COLUMNS;
    for (let x = 1; x < width; x += 4) {
      const value = data[y * strideBytes + x]!;
      const field = row + Math.floor((x * COLUMNS) / width);
      fields[field] = fields[field]! + value;
      counts[field] = counts[field]! + 1;
      histogram[value >> 3] = histogram[value >> 3]! + 1;
      pixels += 1;
    }
  }
  for (let i = 0; i < fields.length; i += 1) if (counts[i]! > 0) fields[i] = fields[i]! / counts[i]!;
  for (let i = 0; i < BINS; i += 1) histogram[i] = histogram[i]! / Math.max(1, pixels);
  return { fields, histogram };
}
