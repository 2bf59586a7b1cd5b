import type { CandidateBook } from '../code/candidate-book.ts';
import { CLEAR_MARGIN } from '../code/candidate-book.ts';
import { CODE_BITS } from '../code/mark-code.ts';
import { type Judgement, judge, readPayload, type SoftBits } from '../code/soft-decision.ts';
import type { MarkPayload } from '../payload.ts';
import { type FoldedShot, foldShot, gatherTile, PHASES, type TilePlace, TileSearch } from './tile-search.ts';
import type { ShotFeatures } from './video-features.ts';
import { SHOT_OFFSETS, TILE_CELLS, type VideoLayout } from './video-layout.ts';

/** Scales of the picture that are tried, by the factor from one to the next, either way from 1. */
const SCALE_STEP = 1.01;
const SCALES_DOWN = 17;
const SCALES_UP = 19;
const SCALES = Array.from({ length: SCALES_DOWN + SCALES_UP + 1 }, (_, i) => SCALE_STEP ** (i - SCALES_DOWN));
/** The best places are tried half a step to either side too. */
const REFINEMENTS = [SCALE_STEP ** -0.5, SCALE_STEP ** 0.5];

/** Places whose payload is tried to be read, and how many of them are refined. */
const READ_PLACES = 6;
const REFINED_PLACES = 3;
const PLACES_PER_SCALE = 3;
/** Places that are looked up among what was issued, which may be a million payloads. */
const LOOKED_UP_PLACES = 3;

const KINDS = ['plain', 'predicted'] as const;

/** Reading, looking up, and presence: each may give a false alarm. */
const TESTS = 3;

/** A payload in a window. */
export interface WindowFinding extends Judgement {
  readonly payload: MarkPayload;
  readonly how: 'read' | 'matched';
  readonly scale: number;
}

export interface WindowResult {
  readonly finding: WindowFinding | undefined;
  /** Of the best place's synchronisation alone. */
  readonly presence: Judgement;
}

interface Place extends TilePlace {
  readonly kind: (typeof KINDS)[number];
}

/**
 * Looks for the mark of one key in the windows of one clip. False alarms are counted over the clip: the n-th search has a share of
 * 1 / n(n + 1), which add up to 1 however many there are, so that the first ones, which decide as a rule, hardly pay for the rest.
 */
export class WindowSearch {
  readonly #layout: VideoLayout;
  readonly #tiles: TileSearch;
  readonly #book: CandidateBook | undefined;
  readonly #keys: number;
  #searches = 0;

  /** @param options.keys How many keys are looked for in the same clip. */
  constructor(options: { layout: VideoLayout; book: CandidateBook | undefined; keys: number }) {
    this.#layout = options.layout;
    this.#tiles = new TileSearch(options.layout);
    this.#book = options.book;
    this.#keys = options.keys;
  }

  /** @param scales Which to try; default all of them, and only then is looked up what cannot be read. */
  search(folds: WindowFolds, scales: readonly number[] = SCALES): WindowResult {
    const { shots } = folds;
    this.#searches += 1;
    const hypotheses =
      this.#searches *
      (this.#searches + 1) *
      TESTS *
      this.#keys *
      KINDS.length *
      SCALES.length *
      (1 + REFINEMENTS.length) *
      PHASES *
      TILE_CELLS *
      (shots > 1 ? SHOT_OFFSETS ** shots : 1);

    let places: Place[] = [];
    for (const scale of scales) places.push(...this.#places(folds, scale));
    places.sort((a, b) => b.syncScore - a.syncScore);
    places.push(
      ...places
        .slice(0, REFINED_PLACES)
        .flatMap((place) => REFINEMENTS.flatMap((times) => this.#places(folds, place.scale * times))),
    );
    places = places.sort((a, b) => b.syncScore - a.syncScore).slice(0, READ_PLACES);

    let finding: WindowFinding | undefined;
    let presence = judge(0, Math.log(hypotheses));
    for (const place of places) {
      const soft = this.#softBits(folds.at(place.kind, place.scale), place);
      if (soft.sync.energy === 0) continue;
      const sync = judge(soft.sync.sum / Math.sqrt(soft.sync.energy), Math.log(hypotheses));
      if (sync.score > presence.score) presence = sync;
      const read = readPayload(soft, { hypotheses });
      if (read?.accepted && read.score > (finding?.score ?? 0))
        finding = { ...read, how: 'read', scale: place.scale };
    }
    if (finding !== undefined || this.#book === undefined || scales !== SCALES) return { finding, presence };
    for (const place of places.slice(0, LOOKED_UP_PLACES)) {
      const soft = this.#softBits(folds.at(place.kind, place.scale), place);
      const match = this.#book.match(soft, { hypotheses });
      if (!match?.accepted || match.margin < CLEAR_MARGIN) continue;
      if (match.score > (finding?.score ?? 0)) finding = { ...match, how: 'matched', scale: place.scale };
    }
    return { finding, presence };
  }

  #places(folds: WindowFolds, scale: number): Place[] {
    return KINDS.flatMap((kind) =>
      this.#tiles.places(folds.at(kind, scale), scale, PLACES_PER_SCALE).map((place) => ({ ...place, kind })),
    );
  }

  #softBits(
    shots: readonly FoldedShot[],
    place: TilePlace,
  ): SoftBits & { sync: { sum: number; energy: number } } {
    const { sign, bit } = this.#layout;
    const tile = gatherTile(shots, place);
    const sums = new Float32Array(CODE_BITS);
    const sync = { sum: 0, energy: 0 };
    let energy = 0;
    for (let cell = 0; cell < TILE_CELLS; cell += 1) {
      const value = tile[cell]! * sign[cell]!;
      const carried = bit[cell]!;
      if (carried < 0) {
        sync.sum += value;
        sync.energy += value * value;
      } else {
        sums[carried] = sums[carried]! + value;
        energy += value * value;
      }
    }
    return { sums, energy, sync };
  }
}

/** Shots of a window, folded once for all keys. */
export class WindowFolds {
  readonly shots: number;
  readonly #features: readonly ShotFeatures[];
  readonly #folded = new Map<string, readonly FoldedShot[]>();

  constructor(features: readonly ShotFeatures[]) {
    this.#features = features;
    this.shots = features.length;
  }

  at(kind: (typeof KINDS)[number], scale: number): readonly FoldedShot[] {
    const name = `${kind} ${scale}`;
    let folded = this.#folded.get(name);
    if (folded === undefined) {
      folded = this.#features.map((features) => foldShot(features[kind], scale));
      this.#folded.set(name, folded);
    }
    return folded;
  }
}
