const RATE_HZ = 16_000;
const BIN_US = 20_000;
const BIN_SAMPLES = (RATE_HZ * BIN_US) / 1e6;
/** Sound is remembered for so long, µs. */
const KEPT_US = 5_000_000;
/** Below its recent peak speech is quiet from here and loud until there, dB. */
const QUIET_DB = -26;
const LOUD_DB = -18;
const PEAK_FALL_DB = 3;
/** Nothing quieter is speech, dB of full scale: of all of it, and of the band in which lips show. */
const LEAST_PEAK_DB = -45;
const LEAST_LIP_PEAK_DB = -48;
/** What lips let out when they open: the second formant and some above, Hz. */
const LIP_BAND_HZ = [1500, 3500] as const;
/** Loudness grows by this power of the energy. */
const LOUDNESS = 0.3;

interface Bin {
  readonly speech: number;
  readonly lips: number;
}

/** When there is speech in a sound, and how much of it comes through open lips, by media time. */
export class SpeechLevel {
  readonly #bins = new Map<number, Bin>();
  readonly #band = [section(LIP_BAND_HZ[0], 'high'), section(LIP_BAND_HZ[1], 'low')].flatMap((one) => [
    one,
    { ...one },
  ]);
  #untilUs = Number.NEGATIVE_INFINITY;
  #peakDb = LEAST_PEAK_DB;
  #lipPeakDb = LEAST_LIP_PEAK_DB;
  #sum = 0;
  #lipSum = 0;
  #samples = 0;

  /** Sound is known until here, µs of media time. */
  get untilUs(): number {
    return this.#untilUs;
  }

  /** @param pcm 16 kHz mono, in order; may leave holes */
  push(pcm: Float32Array, mediaTimeUs: number): void {
    for (let i = 0; i < pcm.length; i += 1) {
      const value = pcm[i]!;
      this.#sum += value * value;
      let lips = value;
      for (const one of this.#band) lips = filtered(one, lips);
      this.#lipSum += lips * lips;
      this.#samples += 1;
      if (this.#samples === BIN_SAMPLES) this.#close(mediaTimeUs + ((i + 1) / RATE_HZ) * 1e6);
    }
  }

  /** @returns how much of a time is speech, 0…1; undefined where nothing was heard */
  between(fromUs: number, toUs: number): number | undefined {
    return this.#mean(fromUs, toUs, 'speech');
  }

  /** @returns how loud a time is where lips show, 0…1, 1 being the loudest of late; undefined where nothing was heard */
  lips(fromUs: number, toUs: number): number | undefined {
    return this.#mean(fromUs, toUs, 'lips');
  }

  #mean(fromUs: number, toUs: number, of: keyof Bin): number | undefined {
    let sum = 0;
    let count = 0;
    for (let bin = Math.floor(fromUs / BIN_US); bin * BIN_US < toUs; bin += 1) {
      const value = this.#bins.get(bin);
      if (value === undefined) continue;
      sum += value[of];
      count += 1;
    }
    return count === 0 ? undefined : sum / count;
  }

  #close(endUs: number): void {
    const fallDb = (PEAK_FALL_DB * BIN_US) / 1e6;
    const db = decibels(this.#sum / this.#samples);
    this.#peakDb = Math.max(db, this.#peakDb - fallDb, LEAST_PEAK_DB);
    const lipDb = decibels(this.#lipSum / this.#samples);
    this.#lipPeakDb = Math.max(lipDb, this.#lipPeakDb - fallDb, LEAST_LIP_PEAK_DB);
    this.#sum = 0;
    this.#lipSum = 0;
    this.#samples = 0;
    this.#untilUs = endUs;
    const speech = (db - this.#peakDb - QUIET_DB) / (LOUD_DB - QUIET_DB);
    const lips = 10 ** ((LOUDNESS * (lipDb - this.#lipPeakDb)) / 10);
    this.#bins.set(Math.round(endUs / BIN_US) - 1, { speech: Math.min(1, Math.max(0, speech)), lips });
    for (const bin of this.#bins.keys()) {
      if (bin * BIN_US >= endUs - KEPT_US) break;
      this.#bins.delete(bin);
    }
  }
}

/** Second-order Butterworth sections and what they remember. */
interface Section {
  readonly b0: number;
  readonly b1: number;
  readonly a1: number;
  readonly a2: number;
  z1: number;
  z2: number;
}

function section(cutHz: number, passes: 'low' | 'high'): Section {
  const w = (2 * Math.PI * cutHz) / RATE_HZ;
  const alpha = Math.sin(w) / Math.SQRT2;
  const cos = passes === 'low' ? Math.cos(w) : -Math.cos(w);
  const b0 = (1 - cos) / 2 / (1 + alpha);
  const b1 = passes === 'low' ? 2 * b0 : -2 * b0;
  return { b0, b1, a1: (-2 * Math.cos(w)) / (1 + alpha), a2: (1 - alpha) / (1 + alpha), z1: 0, z2: 0 };
}

function filtered(s: Section, x: number): number {
  const y = s.b0 * x + s.z1;
  s.z1 = s.b1 * x - s.a1 * y + s.z2;
  s.z2 = s.b0 * x - s.a2 * y;
  return y;
}

function decibels(meanSquare: number): number {
  return 10 * Math.log10(meanSquare + 1e-12);
}
