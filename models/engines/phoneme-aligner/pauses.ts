import { FEATURES, type FrameFeatures } from './mfcc.ts';

/** Frames this far below the loudest are silence (power ratio: −36 dB), or less than this above the room's noise. */
const BELOW_LOUDEST = 2.5e-4;
const ABOVE_NOISE = 4;
/** Shorter silences belong to the sounds around them: the closure of a plosive is one. */
const SHORTEST_FRAMES = 9;
/** Frames of each silence that stay, because soft onsets and ends lie in them. */
const MARGIN_FRAMES = 2;

/** The frames of a sound that are speech. */
export interface Speech {
  readonly features: FrameFeatures;
  /** Index in the whole sound of each frame that is left. */
  readonly frames: Int32Array;
  /** Frames cut out: first, and one past the last. */
  readonly pauses: readonly { readonly from: number; readonly to: number }[];
}

/**
 * Cuts out silence. People pause where no comma stands and run over commas, so pauses of the two sounds would be
 * warped into words.
 */
export function withoutPauses(features: FrameFeatures): Speech {
  const { count, power, data } = features;
  const sorted = Float32Array.from(power).sort();
  const loudest = sorted.at(-1) ?? 0;
  const noise = sorted[Math.floor(count * 0.05)] ?? 0;
  // In sound without any silence the quietest frames are speech: noise then must not set the threshold.
  const threshold = Math.max(loudest * BELOW_LOUDEST, Math.min(noise * ABOVE_NOISE, loudest * 3e-3));
  const pauses: { from: number; to: number }[] = [];
  for (let start = 0; start < count; start++) {
    if (power[start]! > threshold) continue;
    let end = start;
    while (end < count && power[end]! <= threshold) end++;
    const from = start === 0 ? 0 : start + MARGIN_FRAMES;
    const to = end === count ? count : end - MARGIN_FRAMES;
    if (end - start >= SHORTEST_FRAMES && to > from) pauses.push({ from, to });
    start = end;
  }
  const removed = pauses.reduce((sum, pause) => sum + pause.to - pause.from, 0);
  // Nothing but silence: let the caller warp what there is.
  if (removed >= count - SHORTEST_FRAMES) {
    return { features, frames: Int32Array.from({ length: count }, (_, i) => i), pauses: [] };
  }
  const frames = new Int32Array(count - removed);
  const kept = new Float32Array(frames.length * FEATURES);
  let at = 0;
  let pause = 0;
  for (let frame = 0; frame < count; frame++) {
    while (pause < pauses.length && frame >= pauses[pause]!.to) pause++;
    if (pause < pauses.length && frame >= pauses[pause]!.from) continue;
    kept.set(data.subarray(frame * FEATURES, (frame + 1) * FEATURES), at * FEATURES);
    frames[at++] = frame;
  }
  return { features: { count: frames.length, data: kept, power }, frames, pauses };
}
