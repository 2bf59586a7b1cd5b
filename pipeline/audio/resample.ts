import { LivedubError } from '../errors.ts';

export interface ResamplerOptions {
  readonly fromHz: number;
  readonly toHz: number;
  /** Width of the transition band as a share of the lower of the two bandwidths. Default 0.25; less costs more. */
  readonly transition?: number;
  /** Stop-band attenuation in dB. Default 66. */
  readonly attenuationDb?: number;
}

/** More phases than this would cost memory for no gain: rates are then snapped to the nearest of so many positions. */
const MAX_PHASES = 1024;

/**
 * Streaming sample-rate converter for one channel: a polyphase FIR, windowed sinc with a Kaiser window (A. Oppenheim,
 * R. Schafer, "Discrete-Time Signal Processing", §7.5). State is kept across calls, so any split of the input gives the
 * same output. The delay of the filter is taken out: output sample n lies at n/toHz seconds of the input.
 */
export class Resampler {
  readonly fromHz: number;
  readonly toHz: number;
  readonly #taps: number;
  readonly #phases: number;
  /** Filter of each phase, one after the other, each in the order in which it meets the input. */
  readonly #filters: Float32Array;
  /** Input not yet fully used; starts with half a filter of silence. */
  #pending: Float32Array;
  #pendingSamples: number;
  /** Input samples dropped from the front of `pending` so far. */
  #dropped = 0;
  #consumed = 0;
  #produced = 0;

  constructor(options: ResamplerOptions) {
    const { fromHz, toHz, transition = 0.25, attenuationDb = 66 } = options;
    if (!(fromHz > 0 && toHz > 0 && Number.isInteger(fromHz) && Number.isInteger(toHz))) {
      throw new LivedubError('LIVEDUB_E_BAD_REQUEST', `Cannot resample ${fromHz} Hz to ${toHz} Hz.`);
    }
    this.fromHz = fromHz;
    this.toHz = toHz;
    // In units of the input rate: cut-off in the middle of the transition band, which ends just above the lower Nyquist.
    const ratio = Math.min(1, toHz / fromHz);
    const width = transition * 0.5 * ratio;
    const cutoff = 0.5 * ratio - 0.35 * width;
    const taps = Math.ceil((attenuationDb - 7.95) / (14.36 * width)) + 1;
    this.#taps = Math.ceil(taps / 4) * 4;
    this.#phases = Math.min(toHz / greatestCommonDivisor(fromHz, toHz), MAX_PHASES);
    this.#filters = designFilters(this.#taps, this.#phases, cutoff, attenuationDb);
    this.#pendingSamples = this.#taps / 2 - 1;
    this.#pending = new Float32Array(this.#pendingSamples + 8192);
  }

  /** @returns the output that is complete so far; about input.length × toHz / fromHz samples */
  process(input: Float32Array): Float32Array {
    if (this.fromHz === this.toHz) return input.slice();
    this.#consumed += input.length;
    return this.#run(input);
  }

  /** Gives the tail; after it exactly ceil(all input × toHz / fromHz) samples have come out. Then starts anew. */
  flush(): Float32Array {
    if (this.fromHz === this.toHz) return new Float32Array(0);
    const wanted = Math.ceil((this.#consumed * this.toHz) / this.fromHz) - this.#produced;
    const tail = this.#run(new Float32Array(this.#taps)).subarray(0, wanted);
    this.#pending.fill(0);
    this.#pendingSamples = this.#taps / 2 - 1;
    this.#dropped = 0;
    this.#consumed = 0;
    this.#produced = 0;
    return tail;
  }

  #run(input: Float32Array): Float32Array {
    if (this.#pendingSamples + input.length > this.#pending.length) {
      const grown = new Float32Array((this.#pendingSamples + input.length) * 2);
      grown.set(this.#pending.subarray(0, this.#pendingSamples));
      this.#pending = grown;
    }
    const pending = this.#pending;
    pending.set(input, this.#pendingSamples);
    this.#pendingSamples += input.length;

    const { fromHz, toHz } = this;
    const taps = this.#taps;
    const phases = this.#phases;
    const filters = this.#filters;
    // Output n needs `taps` samples from floor(n × from / to) − dropped.
    const lastStart = this.#pendingSamples - taps + this.#dropped;
    const end =
      lastStart < 0 ? this.#produced : Math.max(this.#produced, Math.ceil(((lastStart + 1) * toHz) / fromHz));
    const out = new Float32Array(end - this.#produced);
    let start = 0;
    let phase = 0;
    for (let n = 0; n < out.length; n++) {
      const position = (this.#produced + n) * fromHz;
      const whole = Math.floor(position / toHz);
      start = whole - this.#dropped;
      phase = Math.round(((position - whole * toHz) * phases) / toHz);
      if (phase === phases) {
        phase = 0;
        start++;
      }
      out[n] = dot(pending, start, filters, phase * taps, taps);
    }
    this.#produced = end;
    const keepFrom = Math.min(Math.floor((end * fromHz) / toHz) - this.#dropped, this.#pendingSamples);
    pending.copyWithin(0, keepFrom, this.#pendingSamples);
    this.#pendingSamples -= keepFrom;
    this.#dropped += keepFrom;
    return out;
  }
}

/** Converts one whole sound. For streams keep a Resampler. */
export function resample(pcm: Float32Array, fromHz: number, toHz: number): Float32Array {
  if (fromHz === toHz) return pcm;
  const resampler = new Resampler({ fromHz, toHz });
  const head = resampler.process(pcm);
  const tail = resampler.flush();
  const out = new Float32Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

/** Mean of all planes: mono for recognition and analysis. */
export function downmix(planes: readonly Float32Array[]): Float32Array {
  const first = planes[0];
  if (first === undefined) return new Float32Array(0);
  if (planes.length === 1) return first;
  const out = new Float32Array(first.length);
  const gain = 1 / planes.length;
  for (const plane of planes) for (let i = 0; i < out.length; i++) out[i]! += plane[i]! * gain;
  return out;
}

/** `count` is a multiple of 4: four independent sums let the processor work on several products at once. */
function dot(a: Float32Array, at: number, b: Float32Array, from: number, count: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < count; i += 4) {
    s0 += a[at + i]! * b[from + i]!;
    s1 += a[at + i + 1]! * b[from + i + 1]!;
    s2 += a[at + i + 2]! * b[from + i + 2]!;
    s3 += a[at + i + 3]! * b[from + i + 3]!;
  }
  return s0 + s1 + (s2 + s3);
}

function designFilters(taps: number, phases: number, cutoff: number, attenuationDb: number): Float32Array {
  const beta =
    attenuationDb > 50
      ? 0.1102 * (attenuationDb - 8.7)
      : 0.5842 * (attenuationDb - 21) ** 0.4 + 0.07886 * (attenuationDb - 21);
  const filters = new Float32Array(taps * phases);
  const half = taps / 2;
  for (let phase = 0; phase < phases; phase++) {
    const weights = new Float64Array(taps);
    let sum = 0;
    for (let i = 0; i < taps; i++) {
      // Distance of input sample i from the output sample, in input samples.
      const x = i - (half - 1) - phase / phases;
      const w = besselI0(beta * Math.sqrt(Math.max(0, 1 - (x / half) ** 2)));
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      weights[i] = sinc * w;
      sum += weights[i]!;
    }
    // Every phase passes a constant unchanged, so no phase adds a ripple of its own.
    for (let i = 0; i < taps; i++) filters[phase * taps + i] = weights[i]! / sum;
  }
  return filters;
}

function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 60; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
    if (term < sum * 1e-12) break;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
