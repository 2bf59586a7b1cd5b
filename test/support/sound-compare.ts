import { readFile } from 'node:fs/promises';
import { run } from './clips.ts';

const STEP_MS = 10;

/** One sound track of a file, 16 kHz mono, from the time 0 of the file on. */
export async function soundOf(file: string, track: number, raw: string): Promise<Float32Array> {
  await run('ffmpeg', [
    ...['-v', 'error', '-y', '-i', file, '-map', `0:a:${track}`, '-af', 'aresample=async=1:first_pts=0'],
    ...['-ac', '1', '-ar', '16000', '-f', 'f32le', raw],
  ]);
  const bytes = await readFile(raw);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2).slice();
}

/**
 * How much later one sound is than another, ms, by where their loudness curves fit best. @param mostMs looks no further,
 * either way
 */
export function delayBetween(sound: Float32Array, later: Float32Array, mostMs: number): number {
  const a = loudness(sound);
  const b = loudness(later);
  let best = Number.NEGATIVE_INFINITY;
  let delayMs = 0;
  for (let shift = -mostMs / STEP_MS; shift <= mostMs / STEP_MS; shift++) {
    let sum = 0;
    let count = 0;
    for (let i = Math.max(0, -shift); i < a.length && i + shift < b.length; i++) {
      sum += a[i]! * b[i + shift]!;
      count += 1;
    }
    if (count < 300 || sum / count <= best) continue;
    best = sum / count;
    delayMs = shift * STEP_MS;
  }
  return delayMs;
}

/** The longest silence in a sound, ms. */
export function longestSilence(sound: Float32Array): { startMs: number; lengthMs: number } {
  const step = STEP_MS * 16;
  let longest = { startMs: 0, lengthMs: 0 };
  let start = 0;
  for (let i = 0; i * step < sound.length; i++) {
    if (power(sound, i * step, step) > 1e-6) start = i + 1;
    else if ((i + 1 - start) * STEP_MS > longest.lengthMs)
      longest = { startMs: start * STEP_MS, lengthMs: (i + 1 - start) * STEP_MS };
  }
  return longest;
}

/** Level of a stretch, dBFS. */
export function levelDb(sound: Float32Array, fromMs: number, toMs: number): number {
  const from = Math.max(0, Math.round(fromMs * 16));
  return 10 * Math.log10(power(sound, from, Math.max(1, Math.round(toMs * 16) - from)) + 1e-12);
}

/** Level over time in dB, without its mean, floored where nothing is heard. */
function loudness(sound: Float32Array): Float32Array {
  const step = STEP_MS * 16;
  const curve = new Float32Array(Math.floor(sound.length / step));
  for (let i = 0; i < curve.length; i++) {
    curve[i] = Math.max(-60, 10 * Math.log10(power(sound, i * step, step) + 1e-12));
  }
  const mean = curve.reduce((sum, value) => sum + value, 0) / Math.max(1, curve.length);
  return curve.map((value) => value - mean);
}

function power(sound: Float32Array, from: number, samples: number): number {
  let squares = 0;
  const end = Math.min(sound.length, from + samples);
  for (let i = from; i < end; i++) squares += sound[i]! ** 2;
  return squares / Math.max(1, end - from);
}
