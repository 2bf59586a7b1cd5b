/** Level of a received track over time, as the page kept it. */
export interface HeardLevels {
  readonly blockMs: number;
  /** Wall time of a batch's first block, ms, and the levels of its blocks, dBFS. */
  readonly batches: readonly (readonly [number, readonly number[]])[];
}

/** A stretch in which a track sounds, wall time, ms. */
export interface Sounding {
  readonly startMs: number;
  readonly endMs: number;
}

export interface SoundingsOptions {
  /** Louder than this is sound, dBFS. Default −50. */
  readonly thresholdDbfs?: number;
  /** Silence that does not end a stretch, ms. Default 60. */
  readonly bridgeMs?: number;
  /** Shorter than this is a click, ms. Default 15. */
  readonly leastMs?: number;
}

/** When a track sounds. */
export function soundings(levels: HeardLevels, options: SoundingsOptions = {}): Sounding[] {
  const { thresholdDbfs = -50, bridgeMs = 60, leastMs = 15 } = options;
  const found: { startMs: number; endMs: number }[] = [];
  for (const [atMs, blocks] of levels.batches) {
    for (const [i, level] of blocks.entries()) {
      if (level <= thresholdDbfs) continue;
      const startMs = atMs + i * levels.blockMs;
      const last = found.at(-1);
      if (last && startMs - last.endMs <= bridgeMs) last.endMs = startMs + levels.blockMs;
      else found.push({ startMs, endMs: startMs + levels.blockMs });
    }
  }
  return found.filter(({ startMs, endMs }) => endMs - startMs >= leastMs);
}

/** How much of a span sounds, 0…1. */
export function soundingShare(all: readonly Sounding[], fromMs: number, toMs: number): number {
  const sum = all.reduce(
    (ms, { startMs, endMs }) => ms + Math.max(0, Math.min(endMs, toMs) - Math.max(startMs, fromMs)),
    0,
  );
  return toMs > fromMs ? sum / (toMs - fromMs) : 0;
}

/** Silence within a span in pieces of at least so many ms. */
export function longSilenceMs(
  all: readonly Sounding[],
  fromMs: number,
  toMs: number,
  leastMs: number,
): number {
  let silentMs = 0;
  let soundedMs = fromMs;
  const add = (untilMs: number) => {
    if (untilMs - soundedMs >= leastMs) silentMs += untilMs - soundedMs;
  };
  for (const { startMs, endMs } of all) {
    if (endMs <= fromMs) continue;
    if (startMs >= toMs) break;
    add(startMs);
    soundedMs = Math.max(soundedMs, Math.min(endMs, toMs));
  }
  add(toMs);
  return silentMs;
}

/**
 * When each of some utterances is really heard: the start of a sound that follows a silence, nearest to where it is
 * expected. Undefined where the sound before runs into it, or nothing starts there.
 *
 * @param expectedMs wall times at which they would be heard with the usual way through the network
 */
export function onsets(
  all: readonly Sounding[],
  expectedMs: readonly number[],
  withinMs: number,
): (number | undefined)[] {
  return expectedMs.map((expected) => {
    let best: number | undefined;
    for (const { startMs } of all) {
      if (Math.abs(startMs - expected) > withinMs) continue;
      if (best === undefined || Math.abs(startMs - expected) < Math.abs(best - expected)) best = startMs;
    }
    return best;
  });
}
