import { TILE_CELLS, TILE_COLUMNS, TILE_ROWS } from './video-layout.ts';

/** Complex numbers by cell of the tile. */
export interface TileSpectrum {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

export function emptySpectrum(): TileSpectrum {
  return { real: new Float64Array(TILE_CELLS), imaginary: new Float64Array(TILE_CELLS) };
}

/** Fourier transform of a tile in place, over both directions; `inverse` without division by the number of cells. */
export function transformTile({ real, imaginary }: TileSpectrum, inverse = false): void {
  for (let row = 0; row < TILE_ROWS; row += 1)
    transform(real, imaginary, row * TILE_COLUMNS, 1, TILE_COLUMNS, inverse);
  for (let column = 0; column < TILE_COLUMNS; column += 1)
    transform(real, imaginary, column, TILE_COLUMNS, TILE_ROWS, inverse);
}

/** Radix 2, decimation in time (Cooley & Tukey), over `count` numbers `step` apart. */
function transform(
  real: Float64Array,
  imaginary: Float64Array,
  start: number,
  step: number,
  count: number,
  inverse: boolean,
): void {
  for (let i = 1, j = 0; i < count; i += 1) {
    let bit = count >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const a = start + i * step;
    const b = start + j * step;
    const keptReal = real[a]!;
    const keptImaginary = imaginary[a]!;
    real[a] = real[b]!;
    imaginary[a] = imaginary[b]!;
    real[b] = keptReal;
    imaginary[b] = keptImaginary;
  }
  for (let size = 2; size <= count; size *= 2) {
    const half = size / 2;
    const turn = TURNS / size;
    for (let k = 0; k < half; k += 1) {
      const cosine = COSINE[k * turn]!;
      const sine = inverse ? -SINE[k * turn]! : SINE[k * turn]!;
      for (let i = k; i < count; i += size) {
        const a = start + i * step;
        const b = a + half * step;
        const turnedReal = real[b]! * cosine - imaginary[b]! * sine;
        const turnedImaginary = real[b]! * sine + imaginary[b]! * cosine;
        real[b] = real[a]! - turnedReal;
        imaginary[b] = imaginary[a]! - turnedImaginary;
        real[a] = real[a]! + turnedReal;
        imaginary[a] = imaginary[a]! + turnedImaginary;
      }
    }
  }
}

const TURNS = Math.max(TILE_COLUMNS, TILE_ROWS);
const COSINE = Float64Array.from({ length: TURNS }, (_, i) => Math.cos((2 * Math.PI * i) / TURNS));
const SINE = Float64Array.from({ length: TURNS }, (_, i) => -Math.sin((2 * Math.PI * i) / TURNS));
