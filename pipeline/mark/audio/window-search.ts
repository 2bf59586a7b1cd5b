import { CandidateBook } from '../code/candidate-book.ts';
import { LOG_FALSE_ALARM } from '../code/soft-decision.ts';
import type { MarkCandidate, MarkFinding } from '../finding.ts';
import {
  CELL_STEPS,
  type CellGrid,
  cellGrid,
  type RowSums,
  rowSums,
  stepTimeS,
  type Warp,
} from './cell-grid.ts';
import { clarity, weighByClarity } from './clarity.ts';
import type { CompressedSpectra } from './compressed-spectra.ts';
import { type DriftPeak, searchDrift } from './drift-search.ts';
import type { AudioMarkLayout } from './layout.ts';
import { type AudioReading, PayloadReader, type Trials } from './payload-reader.ts';
import { type CellValues, PLACES, SyncPattern, type SyncPeak, searchSync, syncScore } from './sync-search.ts';
import { SPEECH_WHITENING, type Whitening, WhiteningFit, whiten } from './whitening.ts';

const AS_IT_WAS: Warp = { stretch: 1, shift: 1 };
/** Speeds that are tried, as factors: resampled, and with the pitch kept. */
const WARPS: readonly Warp[] = Array.from({ length: 11 }, (_, i) => 0.002 * (i + 1)).flatMap((by) =>
  [1 + by, 1 - by].flatMap((speed) => [
    { stretch: 1 / speed, shift: speed },
    { stretch: 1 / speed, shift: 1 },
  ]),
);
const WEIGHTINGS = [0, 1] as const;
/** Synchronisation that is worth reading from without a look at other speeds. */
const CLEAR_SYNC = 6;
/** What a path has to gain to be read along; below, it may still lead to an issued payload. */
const CLEAR_EXCESS = 4;
/** Best places that are read from after all speeds were looked at. */
const PLACES_READ = 6;
/** Best places whose cells are compared with what was issued, and how many columns of an offset may be among them. */
const PLACES_MATCHED = 40;
const COLUMNS_MATCHED = 8;
/** What a place has ahead of others at the speed that is the likeliest, in synchronisation. */
const USUAL_SPEED = 1;
/** Places at which the synchronisation is compared in one window at most: at the two first speeds, at all, and refined. */
const SYNC_TRIALS = (2 + 1 + WARPS.length) * WEIGHTINGS.length * PLACES + PLACES_READ * 2 * 3;

export interface WindowResult {
  readonly findings: readonly (MarkFinding & { readonly warp: Warp })[];
  /** The best synchronisation that was met, by key id. */
  readonly presence: ReadonlyMap<number, { readonly score: number; readonly threshold: number }>;
}

interface KeySearch {
  readonly layout: AudioMarkLayout;
  readonly pattern: SyncPattern;
  readonly reader: PayloadReader;
}

/** One window on its way through the search. */
interface Look {
  readonly views: ClipViews;
  readonly trials: Trials;
  readonly startS: number;
  /** Speeds that are the likeliest: that of the window before, and none. */
  readonly quick: readonly Warp[];
  /** Keys of which nothing was found yet. */
  readonly left: Set<KeySearch>;
  readonly findings: (MarkFinding & { readonly warp: Warp })[];
  readonly presence: Map<number, { readonly score: number; readonly threshold: number }>;
}

/** Looks for the marks of some keys in a window of a clip. */
export class WindowSearch {
  readonly #keys: readonly KeySearch[];
  #windows = 0;

  constructor(options: { layouts: readonly AudioMarkLayout[]; candidates?: readonly MarkCandidate[] }) {
    const { candidates = [] } = options;
    this.#keys = options.layouts.map((layout) => ({
      layout,
      pattern: new SyncPattern(layout),
      reader: new PayloadReader({
        layout,
        book: candidates.length > 0 ? new CandidateBook({ keyId: layout.key.keyId, candidates }) : undefined,
      }),
    }));
  }

  /**
   * @param startS Where in the clip the window begins.
   * @param first A speed to try first: that of the window before.
   * @param trials Of the whole clip.
   * @param speeds Whether all speeds are tried where the first give nothing, or only these.
   */
  search(
    spectra: CompressedSpectra,
    startS: number,
    {
      trials,
      first = AS_IT_WAS,
      speeds = 'all',
    }: { trials: Trials; first?: Warp | undefined; speeds?: 'all' | 'first' },
  ): WindowResult {
    this.#windows += 1;
    const look: Look = {
      views: new ClipViews(spectra),
      trials,
      startS,
      quick: first === AS_IT_WAS ? [first] : [first, AS_IT_WAS],
      left: new Set(this.#keys),
      findings: [],
      presence: new Map(),
    };
    this.#readAtOnce(look);
    if (look.left.size > 0 && spectra.frames > 0) {
      const drifts = this.#readAlongPaths(look);
      if (look.left.size > 0) this.#readAnywhere(look, drifts, speeds);
    }
    return { findings: look.findings, presence: look.presence };
  }

  /** At the likeliest speeds, where the synchronisation is clear. */
  #readAtOnce(look: Look): void {
    const { quick, left, views, trials } = look;
    for (const warp of quick) {
      for (const key of [...left]) {
        for (const weighting of WEIGHTINGS) {
          const [peak] = searchSync(views.cells(warp, weighting), key.pattern);
          this.#note(look, key, peak!.score);
          if (peak!.score < CLEAR_SYNC) continue;
          const reading = key.reader.read(peak!, trials);
          if (reading) {
            take(look, key, peak!, reading);
            break;
          }
        }
      }
    }
  }

  /** @returns the paths of keys that gave nothing: they may still lead to an issued payload */
  #readAlongPaths(look: Look): Map<KeySearch, DriftPeak[]> {
    const { quick, left, views, trials } = look;
    const drifts = new Map<KeySearch, DriftPeak[]>();
    for (const key of [...left]) {
      const found = quick
        .flatMap((warp) => WEIGHTINGS.map((weighting) => views.cells(warp, weighting, 'fitted')))
        .flatMap((cells) => searchDrift(cells, key.pattern) ?? []);
      const reading = firstOf(found, (peak) =>
        peak.excess >= CLEAR_EXCESS ? key.reader.read(peak, trials) : undefined,
      );
      if (reading) take(look, key, reading.peak, reading.value);
      else drifts.set(key, found);
    }
    return drifts;
  }

  /** At all speeds that are to be tried, and among what was issued. */
  #readAnywhere(
    look: Look,
    drifts: ReadonlyMap<KeySearch, readonly DriftPeak[]>,
    speeds: 'all' | 'first',
  ): void {
    const { quick, left, views, trials } = look;
    const isUsual = (warp: Warp) => quick.includes(warp);
    const peaks = new Map<KeySearch, SyncPeak[]>([...left].map((key) => [key, []]));
    for (const warp of speeds === 'all' ? [AS_IT_WAS, ...WARPS] : quick) {
      for (const weighting of WEIGHTINGS) {
        const cells = views.cells(warp, weighting, 'fitted');
        for (const key of left) {
          const found = isUsual(warp)
            ? searchSync(cells, key.pattern, COLUMNS_MATCHED)
            : searchSync(cells, key.pattern).slice(0, 2);
          peaks.get(key)!.push(...found);
        }
      }
      views.forget(warp);
    }
    for (const [key, found] of peaks) {
      const likely = ({ score, cells }: SyncPeak) => score + (isUsual(cells.grid.warp) ? USUAL_SPEED : 0);
      const places = distinct(
        found.sort((a, b) => likely(b) - likely(a)),
        PLACES_MATCHED,
      );
      const best = places.splice(0, PLACES_READ).map((peak) => refined(peak, key, views));
      this.#note(look, key, Math.max(...best.map(({ score }) => score)));
      const reading =
        firstOf(best, (peak) => key.reader.read(peak, trials)) ??
        firstOf([...drifts.get(key)!, ...best, ...places], (peak) => key.reader.match(peak, trials)) ??
        firstOf([...drifts.get(key)!, ...best], (peak) => key.reader.matchChange(peak, trials));
      if (reading) take(look, key, reading.peak, reading.value);
    }
  }

  #note({ presence }: Look, key: KeySearch, score: number): void {
    const { keyId } = key.layout.key;
    const tried = SYNC_TRIALS * this.#keys.length * this.#windows ** 2 * 1.65;
    const threshold = Math.sqrt(2 * (Math.log(tried) - LOG_FALSE_ALARM));
    if (score > (presence.get(keyId)?.score ?? 0)) presence.set(keyId, { score, threshold });
  }
}

function take(look: Look, key: KeySearch, peak: SyncPeak | DriftPeak, reading: AudioReading): void {
  look.left.delete(key);
  look.findings.push({ ...findingOf(peak, reading, look.startS), warp: peak.cells.grid.warp });
}

function firstOf<P extends SyncPeak, T>(
  peaks: readonly P[],
  read: (peak: P) => T | undefined,
): { peak: P; value: T } | undefined {
  for (const peak of peaks) {
    const value = read(peak);
    if (value !== undefined) return { peak, value };
  }
  return undefined;
}

/** The best peaks without those that are the same place at a neighbouring speed. */
function distinct(sorted: readonly SyncPeak[], count: number): SyncPeak[] {
  const kept: SyncPeak[] = [];
  for (const peak of sorted) {
    const isKnown = kept.some(
      (other) =>
        other.column === peak.column &&
        Math.abs(other.offset - peak.offset) < 2 &&
        Math.abs(other.cells.grid.warp.stretch - peak.cells.grid.warp.stretch) < 0.0035,
    );
    if (!isKnown) kept.push(peak);
    if (kept.length === count) break;
  }
  return kept;
}

/** The same place at speeds between those of the grid. */
function refined(peak: SyncPeak, key: KeySearch, views: ClipViews): SyncPeak {
  let best = peak;
  const { stretch, shift } = peak.cells.grid.warp;
  for (const by of [-0.001, 0.001]) {
    const warp = { stretch: stretch * (1 + by), shift: shift === 1 && stretch !== 1 ? 1 : shift / (1 + by) };
    const cells = views.like(peak.cells, warp);
    for (const offset of [peak.offset - 1, peak.offset, peak.offset + 1]) {
      if (offset < 0 || offset >= CELL_STEPS) continue;
      const score = syncScore(cells, key.pattern, { ...peak, offset });
      if (score > best.score) best = { cells, offset, column: peak.column, score };
    }
  }
  return best;
}

function findingOf(peak: SyncPeak | DriftPeak, reading: AudioReading, startS: number): MarkFinding {
  const { grid } = peak.cells;
  const { payload, how, score, threshold, logFalseAlarm, fromCell, toCell } = reading;
  const path = 'path' in peak ? peak.path : undefined;
  const stepOf = (cell: number) => peak.offset + cell * CELL_STEPS;
  return {
    payload,
    how,
    score,
    threshold,
    logFalseAlarm,
    startS: startS + stepTimeS(grid, path?.beginOf(fromCell) ?? stepOf(fromCell)),
    endS: startS + stepTimeS(grid, path?.endOf(toCell - 1) ?? stepOf(toCell)),
    speed: (path?.speed(fromCell, toCell) ?? 1) / grid.warp.stretch,
  };
}

/** A window's cells under the warps and weightings that are asked for, made once. */
class ClipViews {
  readonly #spectra: CompressedSpectra;
  readonly #rows = new Map<number, RowSums>();
  readonly #made = new Map<string, CellValues>();
  #fit: Whitening | undefined;
  #clear: CellGrid | undefined;

  constructor(spectra: CompressedSpectra) {
    this.#spectra = spectra;
  }

  /** @param whitening Fitted to the window takes longer, and is better where the sound is no clean speech. */
  cells(warp: Warp, weighting: 0 | 1, whitening: 'speech' | 'fitted' = 'speech'): CellValues {
    const name = `${warp.stretch} ${warp.shift} ${whitening}`;
    let plain = this.#made.get(`${name} 0`);
    if (plain === undefined) {
      const grid = cellGrid(this.#rowsAt(warp.shift), warp);
      const coefficients = whitening === 'speech' ? SPEECH_WHITENING : this.#fitted(grid);
      plain = { grid, weighting: 0, values: whiten(grid, coefficients) };
      this.#made.set(`${name} 0`, plain);
    }
    if (weighting === 0) return plain;
    let weighted = this.#made.get(`${name} 1`);
    if (weighted === undefined) {
      const { grid, values } = plain;
      this.#clear ??= clarity(this.#spectra);
      weighted = { grid, weighting: 1, values: weighByClarity(grid, values, this.#clear) };
      this.#made.set(`${name} 1`, weighted);
    }
    return weighted;
  }

  /** Cells as these, under another warp; both of the window's own whitening. */
  like(cells: CellValues, warp: Warp): CellValues {
    return this.cells(warp, cells.weighting, 'fitted');
  }

  /** Lets go of what was made for a warp; who still needs it has it. */
  forget({ stretch, shift }: Warp): void {
    for (const weighting of WEIGHTINGS) this.#made.delete(`${stretch} ${shift} fitted ${weighting}`);
    if (shift !== 1) this.#rows.delete(shift);
  }

  #rowsAt(shift: number): RowSums {
    let rows = this.#rows.get(shift);
    if (rows === undefined) {
      rows = rowSums(this.#spectra, shift);
      this.#rows.set(shift, rows);
    }
    return rows;
  }

  #fitted(grid: CellGrid): Whitening {
    if (this.#fit === undefined) {
      const fit = new WhiteningFit();
      fit.add(grid);
      this.#fit = fit.solve(SPEECH_WHITENING);
    }
    return this.#fit;
  }
}
