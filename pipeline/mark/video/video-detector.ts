import type { CandidateBook } from '../code/candidate-book.ts';
import type { MarkDetection, MarkFinding } from '../finding.ts';
import type { MarkKey } from '../mark-key.ts';
import type { LumaPlane } from './luma-mark.ts';
import { ShotCuts } from './shot-cuts.ts';
import { type ShotFeatures, ShotGatherer } from './video-features.ts';
import { videoLayout } from './video-layout.ts';
import { WindowFolds, WindowSearch } from './window-search.ts';

/** A clip is looked at in blocks of this length, and in two of them together where one is not enough. */
const BLOCK_US = 4_000_000;
/** Shots of a block that are looked at: the longest ones. */
const MOST_SHOTS = 4;
/** A shot that is looked at by itself has so many frames at least. */
const LONE_SHOT_FRAMES = 12;
/** Cuts that the embedder saw are seen after encoding too. */
const CUT_THRESHOLD = 0.75;
/** Smaller pictures are not looked at. */
const LEAST_SIDE = 48;

export interface VideoMarkDetectorOptions {
  readonly keys: readonly MarkKey[];
  /** For looking up what cannot be read; each for the key whose number it has. Default: none. */
  readonly books?: readonly CandidateBook[];
  /** Blocks in which all scales are tried, the dear part; default 60. After that only what was found before, and 1. */
  readonly fullSearches?: number;
}

interface BlockShot {
  readonly shot: number;
  readonly frames: number;
  readonly features: ShotFeatures;
}

interface Block {
  readonly startUs: number;
  readonly endUs: number;
  readonly shots: readonly BlockShot[];
}

interface KeySearch {
  readonly key: MarkKey;
  readonly search: WindowSearch;
  readonly findings: MarkFinding[];
  /** Scale at which it was found last. */
  scale: number | undefined;
  /** Whether something was found in the block before. */
  foundBefore: boolean;
}

/**
 * Finds marks in the luma of a clip that may have been scaled, cropped, encoded and brought to another frame rate. Blind: it needs
 * the keys, not the original. Every fourth second of clip costs some 100 ms if the mark is found at once, a second if it is not.
 */
export class VideoMarkDetector {
  readonly #keys: readonly KeySearch[];
  readonly #cuts = new ShotCuts({ threshold: CUT_THRESHOLD });
  #fullSearches: number;
  #gatherer = new ShotGatherer();
  #shot = 0;
  #size = '';
  #frames = 0;
  #startUs = 0;
  #endUs = 0;
  #frameUs = 40_000;
  #shots: BlockShot[] = [];
  #before: Block | undefined;
  #examinedUs = 0;
  #presence: MarkDetection['presence'];

  private constructor(keys: readonly KeySearch[], fullSearches: number) {
    this.#keys = keys;
    this.#fullSearches = fullSearches;
  }

  static async create(options: VideoMarkDetectorOptions): Promise<VideoMarkDetector> {
    const { keys, books = [], fullSearches = 60 } = options;
    const searches = keys.map(async (key) => ({
      key,
      search: new WindowSearch({
        layout: await videoLayout(key),
        book: books.find((book) => book.keyId === key.keyId),
        keys: keys.length,
      }),
      findings: [],
      scale: undefined,
      foundBefore: false,
    }));
    return new VideoMarkDetector(await Promise.all(searches), fullSearches);
  }

  /** Frames in order, with their time in the clip. Now and then, one takes as long as a block is searched. */
  push(plane: LumaPlane, timeUs: number): void {
    const { width, height } = plane;
    if (Math.min(width, height) < LEAST_SIDE) return;
    const size = `${width} x ${height}`;
    const isCut = this.#cuts.isCut(plane, timeUs);
    if (isCut || (size !== this.#size && this.#size !== '')) this.#endShot();
    this.#size = size;
    if (this.#shots.length === 0 && this.#frames === 0) {
      this.#startUs = timeUs;
    } else {
      this.#frameUs = Math.max(1, timeUs - this.#endUs);
      if (timeUs - this.#startUs >= BLOCK_US) {
        this.#endBlock();
        this.#startUs = timeUs;
      }
    }
    this.#gatherer.add(plane, timeUs);
    this.#frames += 1;
    this.#endUs = timeUs;
  }

  /** After the last frame. */
  finish(): MarkDetection {
    this.#endBlock();
    const findings = this.#keys.flatMap((key) => key.findings).sort((a, b) => a.startS - b.startS);
    return {
      findings,
      presence: findings.length > 0 ? undefined : this.#presence,
      examinedS: this.#examinedUs / 1e6,
    };
  }

  #keepShot(): void {
    const features = this.#gatherer.take();
    if (features !== undefined) this.#shots.push({ shot: this.#shot, frames: this.#frames, features });
    this.#frames = 0;
  }

  #endShot(): void {
    this.#keepShot();
    this.#shot += 1;
  }

  #endBlock(): void {
    this.#keepShot();
    if (this.#shots.length === 0) return;
    const block = { startUs: this.#startUs, endUs: this.#endUs + this.#frameUs, shots: this.#shots };
    this.#shots = [];
    this.#examinedUs += block.endUs - block.startUs;
    const before = this.#before;
    this.#before = block;

    const whole = new WindowFolds(longest(block.shots).map((shot) => shot.features));
    const lone = longest(block.shots).filter(({ frames }) => frames >= LONE_SHOT_FRAMES);
    const both = before && new WindowFolds(joined(before.shots, block.shots));
    const isFull = this.#fullSearches > 0;
    let wasFull = false;
    for (const key of this.#keys) {
      const known = key.scale === undefined || key.scale === 1 ? [1] : [key.scale, 1];
      let found = this.#try(key, whole, block.startUs, block.endUs, known);
      if (!found && both && !key.foundBefore)
        found = this.#try(key, both, before.startUs, block.endUs, known);
      if (!found && isFull) {
        wasFull = true;
        found = this.#try(key, whole, block.startUs, block.endUs);
        if (!found && lone.length > 1) {
          for (const { features } of lone)
            found = this.#try(key, new WindowFolds([features]), block.startUs, block.endUs) || found;
        }
        if (!found && both && !key.foundBefore) found = this.#try(key, both, before.startUs, block.endUs);
      }
      key.foundBefore = found;
    }
    if (wasFull) this.#fullSearches -= 1;
  }

  #try(
    key: KeySearch,
    folds: WindowFolds,
    startUs: number,
    endUs: number,
    scales?: readonly number[],
  ): boolean {
    const { finding, presence } = key.search.search(folds, scales);
    if (presence.accepted && presence.score > (this.#presence?.score ?? 0)) {
      const { score, threshold } = presence;
      this.#presence = { keyId: key.key.keyId, score, threshold };
    }
    if (finding === undefined || finding.payload.keyId !== key.key.keyId) return false;
    key.scale = finding.scale;
    const { payload, how, score, threshold, logFalseAlarm, scale } = finding;
    const range = { startS: startUs / 1e6, endS: endUs / 1e6 };
    const found = { payload, how, ...range, score, threshold, logFalseAlarm, speed: scale };
    const last = key.findings.at(-1);
    if (last !== undefined && continues(last, found))
      key.findings[key.findings.length - 1] = {
        ...(found.score > last.score ? found : last),
        payload: last.payload,
        startS: last.startS,
        endS: found.endS,
      };
    else key.findings.push(found);
    return true;
  }
}

/** Whether a finding goes on with what was found before: the same rendition, as many minutes on as have passed. */
function continues(last: MarkFinding, next: MarkFinding): boolean {
  const minutes = next.payload.minute - last.payload.minute;
  const passed = (next.startS - last.startS) / 60;
  return (
    last.payload.rendition === next.payload.rendition &&
    next.startS - last.endS <= BLOCK_US / 1e6 + 1 &&
    minutes >= Math.floor(passed) - 1 &&
    minutes <= Math.ceil(passed) + 1
  );
}

function longest(shots: readonly BlockShot[]): readonly BlockShot[] {
  return shots.toSorted((a, b) => b.frames - a.frames).slice(0, MOST_SHOTS);
}

/** The shots of two blocks; one that goes on in the second is added up. */
function joined(first: readonly BlockShot[], second: readonly BlockShot[]): readonly ShotFeatures[] {
  const all = new Map<number, BlockShot>();
  for (const shot of [...first, ...second]) {
    const begun = all.get(shot.shot);
    all.set(
      shot.shot,
      begun === undefined
        ? shot
        : {
            shot: shot.shot,
            frames: begun.frames + shot.frames,
            features: {
              plain: sum(begun.features.plain, shot.features.plain),
              predicted: sum(begun.features.predicted, shot.features.predicted),
            },
          },
    );
  }
  return longest([...all.values()]).map(({ features }) => features);
}

function sum(a: ShotFeatures['plain'], b: ShotFeatures['plain']): ShotFeatures['plain'] {
  return { ...a, values: a.values.map((value, i) => value + b.values[i]!) };
}
