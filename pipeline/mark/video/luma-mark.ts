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

/** What marking changes in a picture, root mean square, in steps of brightness: 1.78 and the rounding are 43 dB PSNR. */
export const CHANGE_RMS = 1.78;
/** Strength in pictures that are so flat that a mark of `CHANGE_RMS` would be seen. */
export const STRENGTH_MAX = 1.9;

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
  readonly #brightness = Float32Array.from(
    { length: 256 },
    (_, y) => BRIGHTNESS_MIN + BRIGHTNESS_GAIN * Math.min(y / BRIGHTNESS_FULL, 1),
  );

  mark(plane: LumaPlane, pattern: VideoMarkPattern, strength: number): void {
    const { width, height, strideBytes, data } = plane;
    const r = ACTIVITY_RADIUS;
    const side = 2 * r + 1;
    const area = side * side;
    const padded = width + 2 * r;
    if (this.#sums.length !== padded) {
      this.#sums = new Int32Array(padded);
      this.#squares = new Int32Array(padded);
      this.#lines = new Uint8Array(side * width);
    }
    const sums = this.#sums.fill(0);
    const squares = this.#squares.fill(0);
    const lines = this.#lines;
    const brightness = this.#brightness;
    const { values } = pattern;
    const keep = (y: number) => {
      const from = Math.min(height - 1, y) * strideBytes;
      lines.set(data.subarray(from, from + width), (y % side) * width);
    };
    const add = (y: number, times: number) => {
      const line = (Math.max(0, y) % side) * width;
      for (let x = 0; x < width; x += 1) {
        const value = lines[line + x]!;
        sums[x + r] = sums[x + r]! + times * value;
        squares[x + r] = squares[x + r]! + times * value * value;
      }
    };
    for (let y = 0; y <= r; y += 1) keep(y);
    add(0, r + 1);
    for (let y = 1; y <= r; y += 1) add(y, 1);

    for (let y = 0; y < height; y += 1) {
      for (let i = 0; i < r; i += 1) {
        sums[i] = sums[r]!;
        squares[i] = squares[r]!;
        sums[width + r + i] = sums[width + r - 1]!;
        squares[width + r + i] = squares[width + r - 1]!;
      }
      let sum = 0;
      let square = 0;
      for (let i = 0; i < side - 1; i += 1) {
        sum += sums[i]!;
        square += squares[i]!;
      }
      const line = (y % side) * width;
      const to = y * strideBytes;
      const at = y * width;
      for (let x = 0; x < width; x += 1) {
        sum += sums[x + side - 1]!;
        square += squares[x + side - 1]!;
        const variance = (square * area - sum * sum) / (area * area);
        sum -= sums[x]!;
        square -= squares[x]!;
        let activity = ACTIVITY_MIN + Math.sqrt(variance) / ACTIVITY_SD;
        if (activity > ACTIVITY_MAX) activity = ACTIVITY_MAX;
        const value = lines[line + x]!;
        const marked = value + strength * activity * brightness[value]! * values[at + x]! + 0.5;
        data[to + x] = Math.max(0, Math.min(255, marked));
      }
      add(y - r, -1);
      keep(y + r + 1);
      add(y + r + 1, 1);
    }
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
      const y8 = data[y * strideBytes + x]!;
      const brightness = BRIGHTNESS_MIN + BRIGHTNESS_GAIN * Math.min(y8 / BRIGHTNESS_FULL, 1);
      squares += (activity * brightness) ** 2;
      count += 1;
    }
  }
  return Math.min(STRENGTH_MAX, CHANGE_RMS / Math.sqrt(squares / count));
}
