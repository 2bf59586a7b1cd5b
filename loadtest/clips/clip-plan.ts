/** A part put into a clip. */
export interface PlannedPart {
  readonly index: number;
  readonly startSeconds: number;
}

export interface ClipPlan {
  readonly parts: readonly PlannedPart[];
  /** How often each part is heard at most. */
  readonly passes: number;
  /** Part of the clip that is not a pause, seconds. */
  readonly partSeconds: number;
}

export interface ClipPlanOptions {
  readonly seconds: number;
  /** Length of every part there is, seconds. */
  readonly partSeconds: readonly number[];
  /** Default: 1. */
  readonly seed?: number;
}

/** Pause between parts, seconds: as between sentences of read speech. */
const PAUSE_SECONDS = { least: 0.4, most: 0.8 } as const;
/** A part longer than this share of the clip would be most of it. */
const LARGEST_SHARE = 0.25;

/**
 * Orders parts into a clip of an exact length: every part once in a shuffled order before any comes again, in another
 * order; no part is cut, the rest of the clip is silent. The same options give the same plan.
 */
export function planClip({ seconds, partSeconds, seed = 1 }: ClipPlanOptions): ClipPlan {
  const random = mulberry32(seed);
  const all = partSeconds.map((_, index) => index).filter((index) => partSeconds[index]! > 0);
  const fitting = all.filter((index) => partSeconds[index]! <= seconds * LARGEST_SHARE);
  const usable = fitting.length > 0 ? fitting : all.filter((index) => partSeconds[index]! <= seconds);
  const parts: PlannedPart[] = [];
  let at = 0;
  let passes = 0;
  for (let placed = true; placed; ) {
    placed = false;
    for (const index of shuffled(usable, random, parts.at(-1)?.index)) {
      const length = partSeconds[index]!;
      if (at + length > seconds) continue;
      parts.push({ index, startSeconds: at });
      at += length + PAUSE_SECONDS.least + random() * (PAUSE_SECONDS.most - PAUSE_SECONDS.least);
      placed = true;
    }
    if (placed) passes += 1;
  }
  return { parts, passes, partSeconds: parts.reduce((sum, { index }) => sum + partSeconds[index]!, 0) };
}

/** Fisher-Yates; what came last before does not come first again. */
function shuffled(items: readonly number[], random: () => number, last: number | undefined): number[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  if (out.length > 1 && out[0] === last) out.push(out.shift()!);
  return out;
}

/** Small generator with good spread, the same numbers for the same seed (Tommy Ettinger's mulberry32, public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
