import type { Alignment } from '../../../pipeline/ports/aligner.ts';
import type { EspeakUtterance } from '../espeak/utterance.ts';
import { warp } from './dtw.ts';
import { FRAME_CENTRE_MS, FRAME_STEP_MS, mfcc } from './mfcc.ts';
import { type Speech, withoutPauses } from './pauses.ts';

/** Nearer than this to a pause, a boundary is taken to lie at the pause. */
const SNAP_MS = 90;
/** Only pauses this long pull boundaries. */
const PAUSE_MS = 120;

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words of the text with their place in it, counted in code points as eSpeak counts. */
function tokens(text: string): Token[] {
  let offset = 0;
  const found: Token[] = [];
  for (const part of text.split(/(\s+)/)) {
    const length = [...part].length;
    if (part.trim() !== '') found.push({ text: part, start: offset, end: offset + length });
    offset += length;
  }
  return found;
}

/**
 * Carries the phoneme times of a synthetic reading over to real speech of the same text.
 * @param reading the text read by eSpeak NG
 * @param pcm 16 kHz mono speech
 * @returns times in ms from the start of `pcm`, never decreasing
 */
export function project(text: string, reading: EspeakUtterance, pcm: Float32Array): Alignment {
  const words = tokens(text);
  const target = withoutPauses(mfcc(pcm, 16_000));
  const source = withoutPauses(mfcc(reading.pcm, reading.sampleRateHz));
  const path = warp(source.features, target.features);
  const durationMs = (pcm.length * 1000) / 16_000;
  if (path.length === 0) {
    return { words: words.map(({ text }) => ({ text, startMs: 0, endMs: durationMs })), phonemes: [] };
  }
  let latestMs = 0;
  const targetMs = (sourceMs: number): number => {
    const frame = compactFrame(source, (sourceMs - FRAME_CENTRE_MS) / FRAME_STEP_MS);
    const low = Math.min(path.length - 1, Math.floor(frame));
    const high = Math.min(path.length - 1, low + 1);
    const part = frame - low;
    const compact = path[low]! * (1 - part) + path[high]! * part;
    const at = originalFrame(target, compact) * FRAME_STEP_MS + FRAME_CENTRE_MS;
    latestMs = Math.min(durationMs, Math.max(latestMs, at));
    return latestMs;
  };
  const phonemes = reading.phonemes.map((phoneme) => ({ ...phoneme, startMs: targetMs(phoneme.startMs) }));

  const starts = new Float64Array(words.length).fill(Number.NaN);
  const ends = new Float64Array(words.length).fill(Number.NaN);
  let word = -1;
  for (const [at, { phoneme, textPosition, startMs }] of phonemes.entries()) {
    if (phoneme === '') continue;
    // eSpeak reports some words twice or a letter late: the word that holds the position is meant, and never an
    // earlier one than before.
    const held = words.findIndex(({ end }) => textPosition < end);
    word = Math.max(word, held < 0 ? words.length - 1 : held);
    if (Number.isNaN(starts[word]!)) starts[word] = startMs;
    ends[word] = phonemes[at + 1]?.startMs ?? durationMs;
  }
  let reachedMs = 0;
  const timed = words.map(({ text }, at) => {
    // A word without a phoneme of its own (a lone dash) takes no time.
    const startMs = Number.isNaN(starts[at]!)
      ? reachedMs
      : Math.max(reachedMs, snapStart(target, starts[at]!));
    const endMs = Number.isNaN(ends[at]!) ? startMs : Math.max(startMs, snapEnd(target, ends[at]!));
    reachedMs = endMs;
    return { text, startMs, endMs };
  });
  return { words: timed, phonemes: phonemes.map(({ phoneme, startMs }) => ({ phoneme, startMs })) };
}

/** Place of a frame of the whole sound among the frames that are left without its pauses. */
function compactFrame({ frames }: Speech, frame: number): number {
  let low = 0;
  let high = frames.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle]! <= frame) low = middle;
    else high = middle - 1;
  }
  const part = (frame - frames[low]!) / Math.max(1, (frames[low + 1] ?? frames[low]! + 1) - frames[low]!);
  return Math.min(frames.length - 1, low + Math.min(1, Math.max(0, part)));
}

/** The other way round; between two frames with a pause between them it stays on the nearer side. */
function originalFrame({ frames }: Speech, compact: number): number {
  const low = Math.floor(compact);
  const here = frames[low] ?? 0;
  const next = frames[low + 1] ?? here + 1;
  const part = compact - low;
  return next - here > 1 ? (part < 0.5 ? here : next) : here + part;
}

const frameMs = (frame: number): number => frame * FRAME_STEP_MS + FRAME_CENTRE_MS;

/** A word that would begin just before a pause begins after it. */
function snapStart({ pauses }: Speech, ms: number): number {
  for (const { from, to } of pauses) {
    if (frameMs(to) - frameMs(from) < PAUSE_MS) continue;
    if (ms > frameMs(from) - SNAP_MS && ms < frameMs(to)) return frameMs(to);
  }
  return ms;
}

/** A word that would end in or just after a pause ends before it. */
function snapEnd({ pauses }: Speech, ms: number): number {
  for (const { from, to } of pauses) {
    if (frameMs(to) - frameMs(from) < PAUSE_MS) continue;
    if (ms > frameMs(from) && ms < frameMs(to) + SNAP_MS) return frameMs(from);
  }
  return ms;
}
