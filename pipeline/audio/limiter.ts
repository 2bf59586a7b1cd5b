import { LivedubError } from '../errors.ts';

const PHASES = 4;
const TAPS = 16;
const HALF = TAPS / 2;
/** True peaks are searched in runs of this many samples; quiet runs are skipped whole. */
const RUN = 32;

export interface LimiterOptions {
  /** 1 or 2; channels are turned down together, so the stereo image stays. */
  readonly channels: number;
  /** Highest true peak let through, dBTP. Default −1. Lossy coding adds to peaks: see CODEC_HEADROOM_DB. */
  readonly ceilingDbtp?: number;
  /** How long before a peak the gain begins to fall. Default 3. */
  readonly lookaheadMs?: number;
  /** Time constant of the return to unity gain. Default 80. */
  readonly releaseMs?: number;
  /** Default 48 000. */
  readonly sampleRateHz?: number;
}

/**
 * How far true peaks rise when speech at −16 LUFS is encoded as Opus (48 kb/s) and then as AAC (96 kb/s): 0.8 dB was
 * measured on limited speech; the rest is reserve. A ceiling of −1 − CODEC_HEADROOM_DB keeps what is heard below −1 dBTP.
 */
export const CODEC_HEADROOM_DB = 1.5;

/**
 * Streaming look-ahead limiter on true peaks (4 × oversampled, ITU-R BS.1770-4 annex 2): the gain is the smallest that
 * any peak within the look-ahead needs, smoothed over the same time, so it has arrived when the peak comes and never
 * moves in a step. Sound below the ceiling passes unchanged, bit for bit. Output is `delaySamples` behind the input.
 */
export class Limiter {
  readonly delaySamples: number;
  readonly #channels: number;
  readonly #ceiling: number;
  /** No true peak can exceed the sample peak by more than this factor (largest L1 norm of the interpolator's phases). */
  readonly #safePeak: number;
  readonly #interpolator: Float64Array;
  readonly #lookahead: number;
  readonly #release: number;
  /** Input per channel: `delaySamples` of the past, then what process() is given. */
  #history: Float32Array[];
  /** Gains wanted by the samples of the look-ahead window, as a queue of falling minima. */
  readonly #minima: { readonly at: number; readonly gain: number }[] = [];
  readonly #smooth: Float64Array;
  #smoothSum: number;
  #envelope = 1;
  #position = 0;
  /** Samples since any gain below 1 was in play: when large enough, sound passes untouched. */
  #idle = Number.POSITIVE_INFINITY;

  constructor(options: LimiterOptions) {
    const { channels, ceilingDbtp = -1, lookaheadMs = 3, releaseMs = 80, sampleRateHz = 48_000 } = options;
    if (channels < 1 || ceilingDbtp > 0 || lookaheadMs <= 0 || releaseMs <= 0) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', 'Limiter: channels ≥ 1, ceiling ≤ 0 dBTP, times > 0.');
    }
    this.#channels = channels;
    // A tenth of a dB for what a finite interpolator misses between its points.
    this.#ceiling = 10 ** ((ceilingDbtp - 0.1) / 20);
    this.#lookahead = Math.max(1, Math.round((sampleRateHz * lookaheadMs) / 1000));
    this.#release = 1 - Math.exp(-1000 / (sampleRateHz * releaseMs));
    this.#interpolator = designInterpolator();
    this.#safePeak = this.#ceiling / largestL1(this.#interpolator);
    this.delaySamples = this.#lookahead + HALF;
    this.#history = Array.from({ length: channels }, () => new Float32Array(this.delaySamples + TAPS));
    this.#smooth = new Float64Array(this.#lookahead).fill(1);
    this.#smoothSum = this.#lookahead;
  }

  /** @returns as many samples as came in, `delaySamples` late */
  process(planes: readonly Float32Array[]): Float32Array[] {
    const length = planes[0]?.length ?? 0;
    const past = this.delaySamples + TAPS;
    const sound = this.#history.map((history, channel) => {
      const joined = new Float32Array(past + length);
      joined.set(history);
      joined.set(planes[channel]!, past);
      return joined;
    });
    const out = planes.map(() => new Float32Array(length));
    const wanted = new Float64Array(RUN);
    for (let at = 0; at < length; at += RUN) {
      const count = Math.min(RUN, length - at);
      const peaks = this.#wantedGains(sound, past + at, count, wanted);
      if (!peaks && this.#idle > this.delaySamples) {
        for (let channel = 0; channel < this.#channels; channel++) {
          const from = TAPS + at;
          out[channel]!.set(sound[channel]!.subarray(from, from + count), at);
        }
        this.#position += count;
        this.#idle += count;
        continue;
      }
      for (let i = 0; i < count; i++) {
        const gain = this.#nextGain(peaks ? wanted[i]! : 1);
        for (let channel = 0; channel < this.#channels; channel++) {
          out[channel]![at + i] = sound[channel]![TAPS + at + i]! * gain;
        }
      }
    }
    this.#history = sound.map((joined) => joined.slice(length));
    return out;
  }

  /** The last `delaySamples` samples. The limiter then starts anew. */
  flush(): Float32Array[] {
    const silence = Array.from({ length: this.#channels }, () => new Float32Array(this.delaySamples));
    const tail = this.process(silence);
    for (const history of this.#history) history.fill(0);
    this.#minima.length = 0;
    this.#smooth.fill(1);
    this.#smoothSum = this.#lookahead;
    this.#envelope = 1;
    this.#idle = Number.POSITIVE_INFINITY;
    return tail;
  }

  /** Gain that each of `count` samples from `at` (minus half a filter) needs; false when all may stay as they are. */
  #wantedGains(sound: readonly Float32Array[], at: number, count: number, wanted: Float64Array): boolean {
    let sampled = 0;
    for (const plane of sound) {
      for (let i = at - TAPS; i < at + count; i++) {
        const x = Math.abs(plane[i]!);
        if (x > sampled) sampled = x;
      }
    }
    if (sampled <= this.#safePeak) return false;
    let any = false;
    for (let i = 0; i < count; i++) {
      let peak = 0;
      for (const plane of sound) peak = Math.max(peak, this.#truePeak(plane, at + i));
      wanted[i] = peak > this.#ceiling ? this.#ceiling / peak : 1;
      any ||= peak > this.#ceiling;
    }
    return any;
  }

  /** Highest absolute value at and just after sample `at − HALF`. */
  #truePeak(plane: Float32Array, at: number): number {
    let peak = Math.abs(plane[at - HALF]!);
    const first = at - TAPS + 1;
    for (let phase = 1; phase < PHASES; phase++) {
      let sum = 0;
      const from = phase * TAPS;
      for (let tap = 0; tap < TAPS; tap++) sum += plane[first + tap]! * this.#interpolator[from + tap]!;
      const value = Math.abs(sum);
      if (value > peak) peak = value;
    }
    return peak;
  }

  /** Sliding minimum over the look-ahead, release, then a sliding mean of the same length. */
  #nextGain(wanted: number): number {
    const minima = this.#minima;
    if (wanted < 1) {
      while (minima.length > 0 && minima[minima.length - 1]!.gain >= wanted) minima.pop();
      minima.push({ at: this.#position, gain: wanted });
    }
    if (minima.length > 0 && minima[0]!.at < this.#position - this.#lookahead) minima.shift();
    const target = minima[0]?.gain ?? 1;
    const released = this.#envelope + (1 - this.#envelope) * this.#release;
    this.#envelope = Math.min(target, released);
    // A hundredth of a dB is inaudible, and from unity on sound passes untouched.
    if (target === 1 && this.#envelope > 0.999) this.#envelope = 1;
    const slot = this.#position % this.#lookahead;
    this.#smoothSum += this.#envelope - this.#smooth[slot]!;
    this.#smooth[slot] = this.#envelope;
    this.#position++;
    this.#idle = this.#envelope === 1 ? this.#idle + 1 : 0;
    if (this.#idle >= this.#lookahead) this.#smoothSum = this.#lookahead;
    return this.#smoothSum / this.#lookahead;
  }
}

/** Highest true peak of a sound, dBTP (4 × oversampled). */
export function truePeakDbtp(planes: readonly Float32Array[]): number {
  const filter = designInterpolator();
  let peak = 0;
  for (const plane of planes) {
    for (let at = 0; at < plane.length; at++) {
      peak = Math.max(peak, Math.abs(plane[at]!));
      for (let phase = 1; phase < PHASES; phase++) {
        let sum = 0;
        for (let tap = 0; tap < TAPS; tap++)
          sum += (plane[at - HALF + 1 + tap] ?? 0) * filter[phase * TAPS + tap]!;
        peak = Math.max(peak, Math.abs(sum));
      }
    }
  }
  return 20 * Math.log10(peak);
}

/** Windowed-sinc interpolator: phase p gives the value p/4 of a sample after tap HALF − 1. */
function designInterpolator(): Float64Array {
  const filter = new Float64Array(PHASES * TAPS);
  for (let phase = 0; phase < PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap++) {
      const x = tap - (HALF - 1) - phase / PHASES;
      const window = Math.cos((Math.PI * x) / (TAPS + 1)) ** 2;
      filter[phase * TAPS + tap] = x === 0 ? 1 : (Math.sin(Math.PI * x) / (Math.PI * x)) * window;
      sum += filter[phase * TAPS + tap]!;
    }
    for (let tap = 0; tap < TAPS; tap++) filter[phase * TAPS + tap]! /= sum;
  }
  return filter;
}

function largestL1(filter: Float64Array): number {
  let largest = 1;
  for (let phase = 0; phase < PHASES; phase++) {
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap++) sum += Math.abs(filter[phase * TAPS + tap]!);
    largest = Math.max(largest, sum);
  }
  return largest;
}
