import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Shared recordings, beside the repository; absent in a newcomer's clone. */
const SHARED = path.resolve(import.meta.dirname, '../../../shared/testdata');

export const hasShared = (file: string): boolean => existsSync(path.join(SHARED, file));
export const sharedPath = (file: string): string => path.join(SHARED, file);

/** For tests: a 16-bit mono WAV file at 16 kHz, between samples by straight lines where it has another rate. */
export function readWav(file: string): Float32Array {
  const bytes = readFileSync(path.join(SHARED, file));
  const step = bytes.readUInt32LE(24) / 16_000;
  const start = bytes.indexOf('data') + 8;
  const count = (bytes.length - start) >> 1;
  const at = (i: number): number => bytes.readInt16LE(start + 2 * Math.min(i, count - 1)) / 32_768;
  return Float32Array.from({ length: Math.floor(count / step) }, (_, i) => {
    const whole = Math.floor(i * step);
    const rest = i * step - whole;
    return at(whole) * (1 - rest) + at(whole + 1) * rest;
  });
}

/** For tests: the same noise every time, −1…1 times `level`. */
export function noise(samples: number, level: number): Float32Array {
  let seed = 1;
  return Float32Array.from({ length: samples }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (seed / 2 ** 31 - 1) * level;
  });
}
