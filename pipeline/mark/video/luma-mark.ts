import type { VideoMarkPattern } from './video-pattern.ts';

/** A plane of brightness, 8 bits a pixel. */
export interface LumaPlane {
  readonly width: number;
  readonly height: number;
  /** Bytes from one line to the next. */
  readonly strideBytes: number;
  readonly data: Uint8Array;
}

/** Half the side of the square around a pixel whose standard deviation says how much goes on there: 9 x 9 pixels. */
export const ACTIVITY_RADIUS = 4;

/** Strength where nothing goes on, and at most. */
export const ACTIVITY_MIN = 0.6;
export const ACTIVITY_MAX = 2;
/** Standard deviation that adds 1 to the strength. */
export const ACTIVITY_SD = 12;

/** Strength in black, and what full brightness (from `BRIGHTNESS_FULL` on) adds to it. */
export const BRIGHTNESS_MIN = 0.7;
export const BRIGHTNESS_GAIN = 0.4;
export const BRIGHTNESS_FULL = 166;

/** What marking changes in a picture, root mean square, in steps of brightness: with the rounding 44 dB PSNR. */
export const CHANGE_RMS = 1.58;
/** Strength in pictures that are so flat that a mark of `CHANGE_RMS` would be seen. */
export const STRENGTH_MAX = 1.5;

/**
 * Marks a plane in place. This is the reference; a GPU does the same pixel by pixel:
 *
 *     sd         = standard deviation of the (2 ACTIVITY_RADIUS + 1)² pixels around, where pixels beyond the border are those
 *                  nearest to them; variance = mean of squares - square of mean
 *     activity   = clamp(ACTIVITY_MIN + sd / ACTIVITY_SD, ACTIVITY_MIN, ACTIVITY_MAX)
 *     brightness = BRIGHTNESS_MIN + BRIGHTNESS_GAIN * min(y / BRIGHTNESS_FULL, 1)
 *     out        = clamp(floor(y + strength * activity * brightness * pattern + 0.5), 0, 255)
 *
 * `y` is the pixel before it is marked, everywhere.
 */
export class LumaMarker {
  /** Sums over 2 r + 1 pixels of each column, of values and of squares, with r columns more on either side. */
  #sums = new Int32Array(0);
  #squares = new Int32Array(0);
  /** Lines before they were marked, as many as the square is high. */
  #lines = new Uint8Array(0);
  #weighted = { strength: Number.NaN, weights: new Float64Array(256) };

  mark(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): void {
    const { width, height, strideBytes, data } = plane;
    const r = ACTIVITY_RADIUS;
    const side = 2 * r + 1;
    const padded = width + 2 * r;
    if (this.#sums.length !== padded) {
      this.#sums = new Int32Array(padded);
      this.#squares = new Int32Array(padded);
      this.#lines = new Uint8Array(side * width);
    }
    const sums = this.#sums.fill(0);
    const squares = this.#squares.fill(0);
    const lines = this.#lines;
    const kept = (y: number) => lines.subarray((y % side) * width, (y % side) * width + width);
    const line = (y: number) => {
      const from = Math.min(height - 1, y) * strideBytes;
      return data.subarray(from, from + width);
    };
    for (let y = 0; y <= r; y += 1) {
      kept(y).set(line(y));
      addLine(sums, squares, line(y), y === 0 ? r + 1 : 1);
    }
    for (let y = 0; y < height; y += 1) {
      sums.fill(sums[r]!, 0, r);
      squares.fill(squares[r]!, 0, r);
      sums.fill(sums[width + r - 1]!, width + r);
      squares.fill(squares[width + r - 1]!, width + r);
      const next = line(y + r + 1);
      const gone = kept(Math.max(0, y - r));
      markLine({
        sums,
        squares,
        before: kept(y),
        after: line(y),
        pattern: pattern.values.subarray(y * width, y * width + width),
        weights: this.#weights(strength),
      });
      moveLine(sums, squares, gone, next);
      kept(y + r + 1).set(next);
    }
  }

  /** Strength by brightness. */
  #weights(strength: number): Float64Array {
    if (this.#weighted.strength !== strength)
      this.#weighted = {
        strength,
        weights: Float64Array.from({ length: 256 }, (_, y) => strength * brightnessOf(y)),
      };
    return this.#weighted.weights;
  }
}

function brightnessOf(y: number): number {
  return BRIGHTNESS_MIN + BRIGHTNESS_GAIN * Math.min(y / BRIGHTNESS_FULL, 1);
}

/** Adds a line to the sums of columns. */
function addLine(sums: Int32Array, squares: Int32Array, line: Uint8Array, times: number): void {
  for (let x = 0; x < line.length; x += 1) {
    const value = line[x]!;
    sums[x + ACTIVITY_RADIUS] = sums[x + ACTIVITY_RADIUS]! + times * value;
    squares[x + ACTIVITY_RADIUS] = squares[x + ACTIVITY_RADIUS]! + times * value * value;
  }
}

/** Takes a line off the sums of columns and adds another. */
function moveLine(sums: Int32Array, squares: Int32Array, gone: Uint8Array, next: Uint8Array): void {
  for (let x = 0; x < next.length; x += 1) {
    const change = next[x]! - gone[x]!;
    sums[x + ACTIVITY_RADIUS] = sums[x + ACTIVITY_RADIUS]! + change;
    squares[x + ACTIVITY_RADIUS] = squares[x + ACTIVITY_RADIUS]! + change * (next[x]! + gone[x]!);
  }
}

function markLine(options: {
  sums: Int32Array;
  squares: Int32Array;
  before: Uint8Array;
  after: Uint8Array;
  pattern: Float32Array;
  weights: Float64Array;
}): void {
  const { sums, squares, before, after, pattern, weights } = options;
  const side = 2 * ACTIVITY_RADIUS + 1;
  const area = side * side;
  const perSd = 1 / (area * ACTIVITY_SD);
  let sum = 0;
  let square = 0;
  for (let i = 0; i < side - 1; i += 1) {
    sum += sums[i]!;
    square += squares[i]!;
  }
  for (let x = 0; x < before.length; x += 1) {
    sum += sums[x + side - 1]!;
    square += squares[x + side - 1]!;
    const activity = Math.min(ACTIVITY_MAX, ACTIVITY_MIN + Math.sqrt(square * area - sum * sum) * perSd);
    sum -= sums[x]!;
    square -= squares[x]!;
    const value = before[x]!;
    const marked = value + activity * weights[value]! * pattern[x]! + 0.5;
    after[x] = marked < 0 ? 0 : marked > 255 ? 255 : marked | 0;
  }
}

/**
 * How strong the mark of a picture may be, so that it changes each by about `CHANGE_RMS` whatever it shows: from the activity and
 * brightness of one pixel in 256.
 */
export function markStrength(plane: LumaPlane): number {
  const { width, height, strideBytes, data } = plane;
  const r = ACTIVITY_RADIUS;
  const area = (2 * r + 1) ** 2;
  let squares = 0;
  let count = 0;
  for (let y = Math.min(height - 1, 8); y < height; y += 16) {
    for (let x = Math.min(width - 1, 8); x < width; x += 16) {
      let sum = 0;
      let square = 0;
      for (let j = y - r; j <= y + r; j += 1) {
        const line = Math.min(height - 1, Math.max(0, j)) * strideBytes;
        for (let i = x - r; i <= x + r; i += 1) {
          const value = data[line + Math.min(width - 1, Math.max(0, i))]!;
          sum += value;
          square += value * value;
        }
      }
      const sd = Math.sqrt((square * area - sum * sum) / (area * area));
      const activity = Math.min(ACTIVITY_MAX, ACTIVITY_MIN + sd / ACTIVITY_SD);
      squares += (activity * brightnessOf(data[y * strideBytes + x]!)) ** 2;
      count += 1;
    }
  }
  return Math.min(STRENGTH_MAX, CHANGE_RMS / Math.sqrt(squares / count));
}
