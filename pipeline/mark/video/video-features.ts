import type { LumaPlane } from './luma-mark.ts';
import { boxMean, type PictureMap, resample } from './picture-map.ts';
import { CELLS_PER_SIDE } from './video-pattern.ts';

/** The detector looks at so many samples along a cell. */
export const SAMPLES_PER_CELL = 4;

/** Pictures are averaged over this long before they are looked at: moving things blur, the mark stays. */
const AVERAGE_US = 480_000;

/** Half the side of the square whose mean is taken from each sample, and within which deviation is measured: about a cell and two. */
const RADIUS = 4;
/** Deviation below which nothing is to be seen but rounding, in steps of brightness. */
const LEAST_SD = 0.55;
/** A sample counts at most this many deviations: edges. */
const MOST_DEVIATIONS = 1.5;
const MOST_CELL_DEVIATIONS = 2;

/**
 * What a shot, or a part of one, shows of a mark, at `SAMPLES_PER_CELL` samples a cell: at each sample the mean of a cell that begins
 * there, free of what the picture has around it.
 */
export interface ShotFeatures {
  /** `plain` suits smooth pictures, `predicted` detailed ones. */
  readonly plain: PictureMap;
  readonly predicted: PictureMap;
}

/** Size at which a picture of these proportions is looked at, in samples. */
function mapSize(width: number, height: number): { width: number; height: number } {
  const side = SAMPLES_PER_CELL * CELLS_PER_SIDE;
  return {
    width: Math.round(side * Math.sqrt(width / height)),
    height: Math.round(side * Math.sqrt(height / width)),
  };
}

/** Gathers the frames of one shot. */
export class ShotGatherer {
  #width = 0;
  #height = 0;
  #sum = new Float32Array(0);
  #frames = 0;
  #firstUs = 0;
  #total: PictureMap | undefined;

  /** Frames of one size. */
  add({ width, height, strideBytes, data }: LumaPlane, timeUs: number): void {
    if (this.#frames > 0 && timeUs - this.#firstUs >= AVERAGE_US) this.#average();
    if (this.#frames === 0) {
      this.#width = width;
      this.#height = height;
      this.#firstUs = timeUs;
      if (this.#sum.length !== width * height) this.#sum = new Float32Array(width * height);
    }
    const sum = this.#sum;
    for (let y = 0; y < height; y += 1) {
      const from = y * strideBytes;
      const to = y * width;
      for (let x = 0; x < width; x += 1) sum[to + x] = sum[to + x]! + data[from + x]!;
    }
    this.#frames += 1;
  }

  /** What was seen since the last call; undefined if that is nothing. */
  take(): ShotFeatures | undefined {
    if (this.#frames > 0) this.#average();
    const total = this.#total;
    this.#total = undefined;
    if (total === undefined) return undefined;
    const plain = cellMeans(total);
    return { plain, predicted: unpredicted(plain) };
  }

  #average(): void {
    const frames = this.#frames;
    const size = mapSize(this.#width, this.#height);
    const mean = resample(
      { width: this.#width, height: this.#height, values: this.#sum },
      size.width,
      size.height,
    );
    for (let i = 0; i < mean.values.length; i += 1) mean.values[i] = mean.values[i]! / frames;
    const around = boxMean(mean, RADIUS).values;
    const detail = mean.values.map((value, i) => value - around[i]!);
    const variance = boxMean({ ...size, values: detail.map((value) => value * value) }, RADIUS).values;
    this.#total ??= { ...size, values: new Float32Array(detail.length) };
    const total = this.#total.values;
    for (let i = 0; i < detail.length; i += 1) {
      const sd = Math.sqrt(variance[i]! + LEAST_SD ** 2);
      const deviations = Math.max(-MOST_DEVIATIONS, Math.min(MOST_DEVIATIONS, detail[i]! / sd));
      total[i] = total[i]! + (frames * deviations) / Math.sqrt(sd);
    }
    this.#sum.fill(0);
    this.#frames = 0;
  }
}

/** At each sample the mean of the cell that begins there; cells that go over the border are 0. */
function cellMeans({ width, height, values }: PictureMap): PictureMap {
  const result = new Float32Array(values.length);
  for (let y = 0; y + SAMPLES_PER_CELL <= height; y += 1) {
    for (let x = 0; x + SAMPLES_PER_CELL <= width; x += 1) {
      let sum = 0;
      for (let j = y; j < y + SAMPLES_PER_CELL; j += 1)
        for (let i = x; i < x + SAMPLES_PER_CELL; i += 1) sum += values[j * width + i]!;
      result[y * width + x] = sum;
    }
  }
  return { width, height, values: result };
}

/** Neighbours, in cells, from which a cell is predicted; those of one line count the same. */
const NEIGHBOURS: readonly (readonly (readonly [number, number])[])[] = [
  [
    [1, 0],
    [-1, 0],
  ],
  [
    [0, 1],
    [0, -1],
  ],
  [
    [1, 1],
    [-1, -1],
    [1, -1],
    [-1, 1],
  ],
  [
    [2, 0],
    [-2, 0],
  ],
  [
    [0, 2],
    [0, -2],
  ],
];

/**
 * Takes from each cell what its neighbours tell of it, by the weights that leave least over the picture. Signs of neighbouring
 * cells are independent, so this takes nothing of a mark.
 */
function unpredicted(cells: PictureMap): PictureMap {
  const { width, height, values } = cells;
  const sums = NEIGHBOURS.map((group) => {
    const sum = new Float32Array(values.length);
    for (const [column, row] of group) {
      for (let y = 0; y < height; y += 1) {
        const from = Math.max(0, Math.min(height - 1, y + row * SAMPLES_PER_CELL)) * width;
        for (let x = 0; x < width; x += 1) {
          const at = Math.max(0, Math.min(width - 1, x + column * SAMPLES_PER_CELL));
          sum[y * width + x] = sum[y * width + x]! + values[from + at]!;
        }
      }
    }
    return sum;
  });
  const dot = (a: Float32Array, b: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
    return sum;
  };
  const weights = solve(
    sums.map((a, i) => sums.map((b, j) => dot(a, b) * (i === j ? 1.01 : 1))),
    sums.map((a) => dot(a, values)),
  );
  const rest = values.slice();
  sums.forEach((sum, k) => {
    const weight = weights[k]!;
    for (let i = 0; i < rest.length; i += 1) rest[i] = rest[i]! - weight * sum[i]!;
  });
  const most = MOST_CELL_DEVIATIONS * Math.sqrt(dot(rest, rest) / rest.length);
  for (let i = 0; i < rest.length; i += 1) rest[i] = Math.max(-most, Math.min(most, rest[i]!));
  return { width, height, values: rest };
}

/** Solves a small system of normal equations (Gauss & Jordan); what has no answer is 0. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < rows.length; i += 1) {
    const pivot = rows[i]![i]!;
    if (!(pivot > 1e-9)) return right.map(() => 0);
    for (let j = 0; j < rows.length; j += 1) {
      if (j === i) continue;
      const times = rows[j]![i]! / pivot;
      rows[j] = rows[j]!.map((value, k) => value - times * rows[i]![k]!);
    }
  }
  return rows.map((row, i) => row[rows.length]! / row[i]!);
}
