import { type PictureMap, resample } from './picture-map.ts';
import { emptySpectrum, type TileSpectrum, transformTile } from './tile-transform.ts';
import { SAMPLES_PER_CELL } from './video-features.ts';
import {
  SYNC_CELLS,
  TILE_CELLS,
  TILE_COLUMNS,
  TILE_ROWS,
  type TileOffset,
  type VideoLayout,
} from './video-layout.ts';

/** Places of the grid of cells within a cell. */
export const PHASES = SAMPLES_PER_CELL ** 2;

/** One shot's map at one scale, brought to the size of a tile for each phase of the grid. */
export interface FoldedShot {
  /** By phase: sums of the cells that fall on the same cell of the tile. */
  readonly folds: readonly Float32Array[];
}

/** Where the tile lies in the pictures of a window. */
export interface TilePlace {
  readonly scale: number;
  readonly phase: number;
  /** Of each shot. */
  readonly offsets: readonly TileOffset[];
  /** Correlation with the cells of the synchronisation, in standard deviations of a picture without the mark. */
  readonly syncScore: number;
}

/** Brings a map to the tile: at `scale` the picture is that much larger than the original was. */
export function foldShot(map: PictureMap, scale: number): FoldedShot {
  const scaled = resample(map, Math.round(map.width / scale), Math.round(map.height / scale));
  const folds = Array.from({ length: PHASES }, () => new Float32Array(TILE_CELLS));
  for (let y = 0; y < scaled.height; y += 1) {
    const row = (Math.floor(y / SAMPLES_PER_CELL) % TILE_ROWS) * TILE_COLUMNS;
    const down = (y % SAMPLES_PER_CELL) * SAMPLES_PER_CELL;
    for (let x = 0; x < scaled.width; x += 1) {
      const fold = folds[down + (x % SAMPLES_PER_CELL)]!;
      const cell = row + (Math.floor(x / SAMPLES_PER_CELL) % TILE_COLUMNS);
      fold[cell] = fold[cell]! + scaled.values[y * scaled.width + x]!;
    }
  }
  return { folds };
}

/** Finds the tile of one key. */
export class TileSearch {
  /** By offset of the layout and place that the shots share: where the tile's first cell lies in the fold of a shot. */
  readonly #firstCells: readonly Uint16Array[];
  /** Conjugate spectrum of the synchronisation's cells. */
  readonly #sync: TileSpectrum;
  readonly #work = emptySpectrum();

  constructor(layout: VideoLayout) {
    this.#firstCells = layout.offsets.map((offset) =>
      Uint16Array.from({ length: TILE_CELLS }, (_, place) => moved(place, offset)),
    );
    this.#sync = emptySpectrum();
    for (let cell = 0; cell < TILE_CELLS; cell += 1)
      if (layout.bit[cell]! < 0) this.#sync.real[cell] = layout.sign[cell]!;
    transformTile(this.#sync);
    for (let i = 0; i < TILE_CELLS; i += 1) this.#sync.imaginary[i] = -this.#sync.imaginary[i]!;
  }

  /**
   * The `count` likeliest places. Shots share scale and phase; each may have any of the layout's offsets, from a place that
   * they share too.
   */
  places(shots: readonly FoldedShot[], scale: number, count: number): TilePlace[] {
    const found: TilePlace[] = [];
    for (let phase = 0; phase < PHASES; phase += 2) {
      const pairs = shots.map((shot) => this.#correlate(shot.folds[phase]!, shot.folds[phase + 1]!));
      for (const second of [0, 1] as const) {
        const correlations = pairs.map((pair) => pair[second]);
        let energy = 1e-12;
        for (const shot of shots) for (const value of shot.folds[phase + second]!) energy += value * value;
        const deviation = Math.sqrt((energy * SYNC_CELLS) / TILE_CELLS);
        this.#peaks(correlations, { scale, phase: phase + second, deviation, count, found });
      }
    }
    return found;
  }

  /** Correlations of two folds with the synchronisation by how far the tile is moved: both at once, as one complex number. */
  #correlate(first: Float32Array, second: Float32Array): [Float64Array, Float64Array] {
    const { real, imaginary } = this.#work;
    real.set(first);
    imaginary.set(second);
    transformTile(this.#work);
    for (let i = 0; i < TILE_CELLS; i += 1) {
      const a = real[i]!;
      const b = imaginary[i]!;
      const c = this.#sync.real[i]!;
      const d = this.#sync.imaginary[i]!;
      real[i] = (a * c - b * d) / TILE_CELLS;
      imaginary[i] = (a * d + b * c) / TILE_CELLS;
    }
    transformTile(this.#work, true);
    return [real.slice(), imaginary.slice()];
  }

  #peaks(
    correlations: readonly Float64Array[],
    options: { scale: number; phase: number; deviation: number; count: number; found: TilePlace[] },
  ): void {
    const { scale, phase, deviation, count, found } = options;
    const sums = correlations.length === 1 ? correlations[0]! : this.#shared(correlations);
    for (let place = 0; place < TILE_CELLS; place += 1) {
      const syncScore = sums[place]! / deviation;
      if (found.length >= count && syncScore <= found[count - 1]!.syncScore) continue;
      const firstCells =
        correlations.length === 1
          ? [place]
          : correlations.map((correlation) =>
              this.#firstCells
                .map((cells) => cells[place]!)
                .reduce((best, cell) => (correlation[cell]! > correlation[best]! ? cell : best)),
            );
      const offsets = firstCells.map((cell) => ({
        row: Math.floor(cell / TILE_COLUMNS),
        column: cell % TILE_COLUMNS,
      }));
      found.push({ scale, phase, offsets, syncScore });
      found.sort((a, b) => b.syncScore - a.syncScore);
      if (found.length > count) found.pop();
    }
  }

  /** By shared place, the sum of what each shot has at the best of its offsets from there. */
  #shared(correlations: readonly Float64Array[]): Float64Array {
    const sums = new Float64Array(TILE_CELLS);
    for (const correlation of correlations) {
      const best = new Float64Array(TILE_CELLS).fill(-Infinity);
      for (const cells of this.#firstCells) {
        for (let place = 0; place < TILE_CELLS; place += 1) {
          const value = correlation[cells[place]!]!;
          if (value > best[place]!) best[place] = value;
        }
      }
      for (let place = 0; place < TILE_CELLS; place += 1) sums[place] = sums[place]! + best[place]!;
    }
    return sums;
  }
}

/** Where the tile's first cell comes to lie if the tile is moved by `offset` to the left and up from a place. */
function moved(place: number, offset: TileOffset): number {
  const row = Math.floor(place / TILE_COLUMNS) - offset.row + TILE_ROWS;
  const column = (place % TILE_COLUMNS) - offset.column + TILE_COLUMNS;
  return (row % TILE_ROWS) * TILE_COLUMNS + (column % TILE_COLUMNS);
}

/** The window's cells in the order of the tile: all shots added up, so that cells of one sign are one. */
export function gatherTile(shots: readonly FoldedShot[], place: TilePlace): Float32Array {
  const tile = new Float32Array(TILE_CELLS);
  shots.forEach((shot, k) => {
    const fold = shot.folds[place.phase]!;
    const { row, column } = place.offsets[k]!;
    for (let r = 0; r < TILE_ROWS; r += 1) {
      const from = ((r + row) % TILE_ROWS) * TILE_COLUMNS;
      for (let c = 0; c < TILE_COLUMNS; c += 1) {
        const cell = r * TILE_COLUMNS + c;
        tile[cell] = tile[cell]! + fold[from + ((c + column) % TILE_COLUMNS)]!;
      }
    }
  });
  return tile;
}
