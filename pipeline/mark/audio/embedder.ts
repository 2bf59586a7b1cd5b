import { MarkCode } from '../code/mark-code.ts';
import { createRealFft, type RealFft } from '../fft.ts';
import { packPayload } from '../payload.ts';
import {
  type AudioMarkLayout,
  BLOCK_SAMPLES,
  blockOf,
  CELL_SAMPLES,
  LOWEST_HZ,
  MARK_RATE_HZ,
  minuteOfBlock,
  ROW_HZ,
  ROWS,
} from './layout.ts';

export interface AudioMarkEmbedderOptions {
  layout: AudioMarkLayout;
  keyId: number;
  rendition: number;
  channels: 1 | 2;
  /** `firm` bears a sixth more noise, and may be heard on long vowels. Default: `discreet`. */
  strength?: MarkStrength;
}

export type MarkStrength = 'discreet' | 'firm';

/** Gain of a cell of average loudness, dB, below 0.8 kHz and above 3 kHz. */
const GAINS: Readonly<Record<MarkStrength, readonly [low: number, high: number]>> = {
  discreet: [1.8, 2.7],
  firm: [2.1, 3.1],
};

const SIZE = 1536;
const HOP = 512;
/** Squared windows overlap to this. */
const OVERLAP = SIZE / HOP / 2;
const BIN_HZ = MARK_RATE_HZ / SIZE;
const BINS_PER_ROW = Math.round(ROW_HZ / BIN_HZ);
const FIRST_BIN = Math.round(LOWEST_HZ / BIN_HZ + 0.5);

/** How a cell's loudness against its row's average changes its gain, per dB; and within which bounds. */
const LEVEL_SLOPE = 0.04;
const LEAST_LEVEL = 0.6;
const MOST_LEVEL = 1.5;
/** The average of a row takes in nothing that is so far below it: pauses. dB. */
const PAUSE_BELOW_DB = 25;
/** Time constant of that average: 1 s. */
const FOLLOW = 1 - Math.exp(-HOP / MARK_RATE_HZ);

/**
 * Part of what a row stands out of the mean of its neighbours that is taken off, and what it may stand out at most, dB.
 * To a detector, whatever a cell differs in from its neighbours is noise on the mark.
 */
const LEVELLING = 0.25;
const MOST_OUT_DB = 8;
/** Rows to either side. */
const BESIDE = 2;
/** What energies are at least: levels of silence are no lower, dB. */
const SILENCE_DB = -70;

const WINDOW = Float32Array.from({ length: SIZE }, (_, i) =>
  Math.sqrt(0.5 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE)),
);

/**
 * Marks sound as it passes: cells of its short-time spectrum are made a little louder or softer, by signs that a key and the
 * payload decide (multiplicative patchwork; Bender et al. 1996, Yeo & Kim 2003). Loud cells carry more of it. Of what the sound itself
 * does to a cell, a part is taken off (as with improved spread spectrum; Malvar & Florêncio 2003). Phases stay, and so does silence.
 * Where a cell lies follows from media time alone.
 */
export class AudioMarkEmbedder {
  /** What goes out is what came in so many samples before, 32 ms. */
  static readonly latencySamples = SIZE;

  readonly #o: AudioMarkEmbedderOptions;
  readonly #fft: RealFft;
  readonly #gains: Float32Array;
  readonly #code = new MarkCode();
  /** Per channel the last `SIZE` samples, and the overlapping frames from the same place on. */
  readonly #heard: readonly Float32Array[];
  readonly #sum: readonly Float32Array[];
  readonly #spectra: readonly Float32Array[];
  readonly #frame = new Float32Array(SIZE);
  /** Finished sound; less than one hop of it waits. */
  readonly #ready: readonly Float32Array[];
  #readySamples = 0;
  /** With `BESIDE` rows more at either edge. */
  readonly #levels = new Float64Array(ROWS + 2 * BESIDE);
  readonly #averages = new Float64Array(ROWS);
  #hasAverages = false;
  #chips: Int8Array = new Int8Array();
  #chipsMinute = -1;
  /** Media time of the next sample to come in. */
  #sample = 0;

  private constructor(options: AudioMarkEmbedderOptions, fft: RealFft) {
    this.#o = options;
    this.#fft = fft;
    const [low, high] = GAINS[options.strength ?? 'discreet'];
    this.#gains = Float32Array.from({ length: ROWS }, (_, row) => {
      const hz = LOWEST_HZ + (row + 0.5) * ROW_HZ;
      return low + (high - low) * Math.min(1, Math.max(0, (hz - 800) / 2200));
    });
    const buffers = (length: number) =>
      Array.from({ length: options.channels }, () => new Float32Array(length));
    this.#heard = buffers(SIZE);
    this.#sum = buffers(SIZE);
    this.#spectra = buffers(SIZE);
    this.#ready = buffers(2 * HOP);
    this.restart(0);
  }

  static async create(options: AudioMarkEmbedderOptions): Promise<AudioMarkEmbedder> {
    return new AudioMarkEmbedder(options, await createRealFft(SIZE));
  }

  /** Begins a new stretch, whose first sample lies at this place of media time, in samples of 48 kHz. */
  restart(startSample: number): void {
    this.#sample = startSample;
    for (const buffer of [...this.#heard, ...this.#sum, ...this.#ready]) buffer.fill(0);
    // Frames lie on one grid; until the first is full, what goes out is the silence before the stretch.
    this.#readySamples = HOP - modulo(startSample, HOP);
    this.#hasAverages = false;
  }

  /** Takes 48 kHz sound; gives as much, `latencySamples` late. */
  process(planes: readonly Float32Array[]): Float32Array[] {
    const length = planes[0]!.length;
    const out = planes.map(() => new Float32Array(length));
    for (let at = 0; at < length; ) {
      const place = modulo(this.#sample, HOP);
      const count = Math.min(HOP - place, length - at);
      for (const [c, plane] of planes.entries()) {
        this.#heard[c]!.set(plane.subarray(at, at + count), SIZE - HOP + place);
        out[c]!.set(this.#ready[c]!.subarray(0, count), at);
        this.#ready[c]!.copyWithin(0, count, this.#readySamples);
      }
      this.#readySamples -= count;
      this.#sample += count;
      at += count;
      if (place + count === HOP) this.#markFrame();
    }
    return out;
  }

  /** The last `latencySamples`; a new stretch begins with `restart`. */
  flush(): Float32Array[] {
    return this.process(this.#heard.map(() => new Float32Array(SIZE)));
  }

  #markFrame(): void {
    const startSample = this.#sample - SIZE;
    for (const [c, heard] of this.#heard.entries()) {
      for (let i = 0; i < SIZE; i += 1) this.#frame[i] = heard[i]! * WINDOW[i]!;
      this.#fft.forward(this.#frame, this.#spectra[c]!);
    }
    this.#apply(this.#signsAt(startSample));
    for (const [c, spectrum] of this.#spectra.entries()) {
      this.#fft.inverse(spectrum, this.#frame);
      const sum = this.#sum[c]!;
      for (let i = 0; i < SIZE; i += 1) sum[i]! += (this.#frame[i]! * WINDOW[i]!) / (SIZE * OVERLAP);
      this.#ready[c]!.set(sum.subarray(0, HOP), this.#readySamples);
      sum.copyWithin(0, HOP);
      sum.fill(0, SIZE - HOP);
      this.#heard[c]!.copyWithin(0, HOP);
    }
    this.#readySamples += HOP;
  }

  /** Signs of the rows of the cell in which a frame begins. */
  #signsAt(startSample: number): Int8Array {
    const minute = minuteOfBlock(blockOf(startSample));
    if (minute !== this.#chipsMinute) {
      const { layout, keyId, rendition } = this.#o;
      this.#chips = layout.chips(this.#code.encode(packPayload({ keyId, rendition, minute })));
      this.#chipsMinute = minute;
    }
    const column = Math.floor(modulo(startSample, BLOCK_SAMPLES) / CELL_SAMPLES);
    return this.#chips.subarray(column * ROWS, (column + 1) * ROWS);
  }

  /** Scales the rows of all channels alike. */
  #apply(signs: Int8Array): void {
    const levels = this.#levels;
    for (let row = 0; row < ROWS; row += 1) {
      let energy = 0;
      const first = 2 * (FIRST_BIN + row * BINS_PER_ROW);
      for (const spectrum of this.#spectra)
        for (let i = first; i < first + 2 * BINS_PER_ROW; i += 1) energy += spectrum[i]! * spectrum[i]!;
      levels[BESIDE + row] = Math.max(SILENCE_DB, 10 * Math.log10(energy));
    }
    for (let i = 1; i <= BESIDE; i += 1) {
      levels[BESIDE - i] = levels[BESIDE + i]!;
      levels[BESIDE + ROWS - 1 + i] = levels[BESIDE + ROWS - 1 - i]!;
    }
    for (let row = 0; row < ROWS; row += 1) {
      const at = BESIDE + row;
      const own = levels[at]!;
      const level = Math.max(own, levels[at - 1]!, levels[at + 1]!);
      const around = (levels[at - 2]! + levels[at - 1]! + levels[at + 1]! + levels[at + 2]!) / 4;
      const out = Math.min(MOST_OUT_DB, Math.max(-MOST_OUT_DB, own - around));
      const average = this.#hasAverages ? this.#averages[row]! : level;
      this.#averages[row] = average + FOLLOW * (Math.max(level, average - PAUSE_BELOW_DB) - average);
      const loud = 1 + LEVEL_SLOPE * (level - this.#averages[row]!);
      const strength = Math.min(MOST_LEVEL, Math.max(LEAST_LEVEL, loud));
      const db = strength * (signs[row]! * this.#gains[row]! - LEVELLING * out);
      const gain = 10 ** (db / 20);
      const first = 2 * (FIRST_BIN + row * BINS_PER_ROW);
      for (const spectrum of this.#spectra)
        for (let i = first; i < first + 2 * BINS_PER_ROW; i += 1) spectrum[i]! *= gain;
    }
    this.#hasAverages = true;
  }
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
