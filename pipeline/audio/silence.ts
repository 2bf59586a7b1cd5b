export interface SilenceOptions {
  /** Default 48 000. */
  readonly sampleRateHz?: number;
  /** How far below the loud parts of the utterance sound counts as silence, dB. Default 38. */
  readonly belowSpeechDb?: number;
  /** Nothing above this level (dBFS, RMS of 5 ms) is ever silence. Default −36. */
  readonly ceilingDbfs?: number;
  /** Kept before and after speech, so that soft onsets and fading ends stay natural, ms. Default 30. */
  readonly edgeMs?: number;
}

/** A stretch of an utterance, in samples; `end` is one past the last. */
export interface SampleSpan {
  readonly start: number;
  readonly end: number;
}

export interface TrimmedSpeech {
  readonly pcm: Float32Array;
  /** What was cut out of the original, in order. */
  readonly removed: readonly SampleSpan[];
}

const BLOCK_MS = 5;
const FADE_MS = 4;

/**
 * Finds speech in one utterance (mono): undefined when it is silent throughout. The threshold follows the utterance's own
 * loudness (its 95th percentile of 5 ms levels), so quiet voices are not cut.
 */
export function speechSpan(pcm: Float32Array, options: SilenceOptions = {}): SampleSpan | undefined {
  const spans = silences(pcm, options);
  const start = spans[0]?.start === 0 ? spans[0].end : 0;
  const lastSpan = spans[spans.length - 1];
  const end = lastSpan?.end === pcm.length ? lastSpan.start : pcm.length;
  return start >= end ? undefined : { start, end };
}

/** Pauses inside an utterance of at least `minimumMs` (default 150), edges already left to the speech around them. */
export function innerPauses(
  pcm: Float32Array,
  options: SilenceOptions & { readonly minimumMs?: number } = {},
): SampleSpan[] {
  const minimum = ((options.sampleRateHz ?? 48_000) * (options.minimumMs ?? 150)) / 1000;
  return silences(pcm, options).filter(
    (s) => s.start > 0 && s.end < pcm.length && s.end - s.start >= minimum,
  );
}

/** Cuts silence before and after speech; a silent sound comes back empty. */
export function trimEdges(pcm: Float32Array, options: SilenceOptions = {}): TrimmedSpeech {
  const span = speechSpan(pcm, options);
  if (span === undefined)
    return { pcm: new Float32Array(0), removed: pcm.length > 0 ? [{ start: 0, end: pcm.length }] : [] };
  const removed: SampleSpan[] = [];
  if (span.start > 0) removed.push({ start: 0, end: span.start });
  if (span.end < pcm.length) removed.push({ start: span.end, end: pcm.length });
  return { pcm: pcm.slice(span.start, span.end), removed };
}

/**
 * Shortens pauses inside an utterance to `maximumMs` (default 120), cutting from their middle and joining with a short
 * cross-fade, so that neither the breath before nor the onset after is touched.
 */
export function trimPauses(
  pcm: Float32Array,
  options: SilenceOptions & { readonly maximumMs?: number } = {},
): TrimmedSpeech {
  const rate = options.sampleRateHz ?? 48_000;
  const keep = Math.round((rate * (options.maximumMs ?? 120)) / 1000);
  const fade = Math.round((rate * FADE_MS) / 1000);
  const removed: SampleSpan[] = [];
  for (const pause of innerPauses(pcm, { ...options, minimumMs: 0 })) {
    const excess = pause.end - pause.start - keep;
    if (excess <= fade) continue;
    const start = pause.start + (keep >> 1);
    removed.push({ start, end: start + excess });
  }
  const out = new Float32Array(pcm.length - removed.reduce((sum, s) => sum + s.end - s.start, 0));
  let from = 0;
  let to = 0;
  for (const cut of [...removed, { start: pcm.length, end: pcm.length }]) {
    out.set(pcm.subarray(from, cut.start), to);
    to += cut.start - from;
    from = cut.end;
    // What follows the cut fades in under what would have followed before it.
    const length = cut.end > cut.start ? Math.min(fade, pcm.length - cut.end) : 0;
    for (let i = 0; i < length; i++) {
      const share = (i + 0.5) / length;
      out[to + i] = pcm[cut.start + i]! * (1 - share) + pcm[cut.end + i]! * share;
    }
    to += length;
    from += length;
  }
  return { pcm: out, removed };
}

/** Where a sample of the original lies after the cuts (phoneme times need it). A sample that was cut falls on the join. */
export function positionAfterCuts(sample: number, removed: readonly SampleSpan[]): number {
  let moved = sample;
  for (const cut of removed) {
    if (sample <= cut.start) break;
    moved -= Math.min(sample, cut.end) - cut.start;
  }
  return moved;
}

/** All silent stretches, with edges taken off on the sides that touch speech. */
function silences(pcm: Float32Array, options: SilenceOptions): SampleSpan[] {
  const { sampleRateHz = 48_000, belowSpeechDb = 38, ceilingDbfs = -36, edgeMs = 30 } = options;
  const block = Math.max(1, Math.round((sampleRateHz * BLOCK_MS) / 1000));
  const edge = Math.round((sampleRateHz * edgeMs) / 1000);
  const levels = new Float64Array(Math.ceil(pcm.length / block));
  for (let b = 0; b < levels.length; b++) {
    const end = Math.min(pcm.length, (b + 1) * block);
    let energy = 0;
    for (let i = b * block; i < end; i++) energy += pcm[i]! * pcm[i]!;
    levels[b] = energy / (end - b * block);
  }
  const loud = Float64Array.from(levels).sort()[Math.floor(levels.length * 0.95)] ?? 0;
  // Below −70 dBFS nothing is speech, however quiet the rest.
  const threshold = Math.max(1e-7, Math.min(loud * 10 ** (-belowSpeechDb / 10), 10 ** (ceilingDbfs / 10)));
  const spans: SampleSpan[] = [];
  for (let b = 0; b < levels.length; ) {
    if (levels[b]! > threshold) {
      b++;
      continue;
    }
    let last = b;
    while (last < levels.length && levels[last]! <= threshold) last++;
    const start = b === 0 ? 0 : b * block + edge;
    const end = last === levels.length ? pcm.length : last * block - edge;
    if (end > start || (b === 0 && last === levels.length)) spans.push({ start, end });
    b = last;
  }
  return spans;
}
