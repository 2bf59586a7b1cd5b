import { TILE_COLUMNS, TILE_ROWS, type TileOffset } from './video-layout.ts';

/** Cells along the side of a square as large as the picture: a copy of another size has the same cells. */
export const CELLS_PER_SIDE = 60;

/** A picture whose cells are smaller than this many pixels is not marked: no mark would survive in it. */
export const MIN_CELL_PIXELS = 2;

/**
 * What is added to a picture before it is adapted to what it shows, as long as shot and minute last: `values[y * width + x]`, with
 * a mean square of 1 and nothing beyond about 3.
 */
export interface VideoMarkPattern {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

export function isMarkable(width: number, height: number): boolean {
  return cellPixels(width, height) >= MIN_CELL_PIXELS;
}

/** Side of a cell in a picture of this size, in pixels; not a whole number as a rule. */
export function cellPixels(width: number, height: number): number {
  return Math.sqrt(width * height) / CELLS_PER_SIDE;
}

/** Part of the mean of the eight cells around that is taken from each: slow waves would be seen and are drowned by any picture. */
const NEIGHBOURS_TAKEN = 0.75;

/** Lays the tile over a picture from its upper left corner, moved by `offset`. Cells go over into each other in half a cosine. */
export function buildVideoPattern(options: {
  tile: Int8Array;
  offset: TileOffset;
  width: number;
  height: number;
}): VideoMarkPattern {
  const { offset, width, height } = options;
  const tile = highPassed(options.tile);
  const cell = cellPixels(width, height);
  const across = blends(width, cell, offset.column, TILE_COLUMNS);
  const down = blends(height, cell, offset.row, TILE_ROWS);
  const values = new Float32Array(width * height);
  let square = 0;
  for (let y = 0; y < height; y += 1) {
    const upper = down.first[y]! * TILE_COLUMNS;
    const lower = down.second[y]! * TILE_COLUMNS;
    const part = down.part[y]!;
    for (let x = 0; x < width; x += 1) {
      const left = across.first[x]!;
      const right = across.second[x]!;
      const above = tile[upper + left]! + across.part[x]! * (tile[upper + right]! - tile[upper + left]!);
      const below = tile[lower + left]! + across.part[x]! * (tile[lower + right]! - tile[lower + left]!);
      const value = above + part * (below - above);
      values[y * width + x] = value;
      square += value * value;
    }
  }
  const scale = 1 / Math.sqrt(square / values.length);
  for (let i = 0; i < values.length; i += 1) values[i] = values[i]! * scale;
  return { width, height, values };
}

/** For each pixel along one side: the two cells it lies between, and how much of it is of the second. */
function blends(pixels: number, cell: number, offset: number, cells: number) {
  const first = new Uint8Array(pixels);
  const second = new Uint8Array(pixels);
  const part = new Float32Array(pixels);
  for (let i = 0; i < pixels; i += 1) {
    const place = (i + 0.5) / cell - 0.5;
    const whole = Math.floor(place);
    first[i] = (whole + offset + cells) % cells;
    second[i] = (whole + 1 + offset) % cells;
    part[i] = (1 - Math.cos(Math.PI * (place - whole))) / 2;
  }
  return { first, second, part };
}

function highPassed(tile: Int8Array): Float32Array {
  const at = (row: number, column: number) =>
    tile[((row + TILE_ROWS) % TILE_ROWS) * TILE_COLUMNS + ((column + TILE_COLUMNS) % TILE_COLUMNS)]!;
  return Float32Array.from(tile, (chip, cell) => {
    const row = Math.floor(cell / TILE_COLUMNS);
    const column = cell % TILE_COLUMNS;
    let neighbours = -chip;
    for (let r = row - 1; r <= row + 1; r += 1)
      for (let c = column - 1; c <= column + 1; c += 1) neighbours += at(r, c);
    return chip - (NEIGHBOURS_TAKEN * neighbours) / 8;
  });
}
