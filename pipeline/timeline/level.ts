import type { LoudnessMeter } from '../audio/loudness.ts';

export interface LevelOptions {
  targetLufs: number;
  channels: number;
  meter: LoudnessMeter;
}

const FRAME_SECONDS = 0.02;

/**
 * Brings the original towards the target loudness, slowly, by what was measured of it so far. It is never raised by more
 * than 6 dB, so that room noise stays noise.
 */
export class BedLeveller {
  readonly #o: LevelOptions;
  #gainDb = 0;
  #frames = 0;

  constructor(options: LevelOptions) {
    this.#o = options;
  }

  /** Takes and returns planes of 20 ms; changes them in place. */
  process(planes: Float32Array[]): Float32Array[] {
    this.#o.meter.process(planes);
    this.#frames += 1;
    if (this.#frames % 25 === 0) {
      const lufs = this.#o.meter.integratedLufs;
      if (Number.isFinite(lufs))
        this.#gainDb = approach(
          this.#gainDb,
          clamp(this.#o.targetLufs - lufs, -18, 6),
          3 * 25 * FRAME_SECONDS,
        );
    }
    return scale(planes, this.#gainDb);
  }
}

/** Corrects what the sum of dub and bed is still off the target by: at most ±4 dB, at 0.5 dB a second. */
export class MasterTrim {
  readonly #o: LevelOptions;
  #gainDb = 0;
  #frames = 0;

  constructor(options: LevelOptions) {
    this.#o = options;
  }

  process(planes: Float32Array[]): Float32Array[] {
    const out = scale(planes, this.#gainDb);
    this.#o.meter.process(out);
    this.#frames += 1;
    if (this.#frames % 50 === 0) {
      const lufs = this.#o.meter.integratedLufs;
      if (Number.isFinite(lufs)) {
        this.#gainDb = approach(
          this.#gainDb,
          clamp(this.#gainDb + (this.#o.targetLufs - lufs), -4, 4),
          0.5 * 50 * FRAME_SECONDS,
        );
      }
    }
    return out;
  }
}

function scale(planes: Float32Array[], gainDb: number): Float32Array[] {
  if (gainDb === 0) return planes;
  const gain = 10 ** (gainDb / 20);
  for (const plane of planes) for (let i = 0; i < plane.length; i += 1) plane[i]! *= gain;
  return planes;
}

function approach(from: number, to: number, step: number): number {
  return Math.abs(to - from) <= step ? to : from + Math.sign(to - from) * step;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
