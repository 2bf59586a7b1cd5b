const RATE_HZ = 16_000;
const BIN_US = 20_000;
const BIN_SAMPLES = (RATE_HZ * BIN_US) / 1e6;
/** Sound is remembered for so long, µs. */
const KEPT_US = 5_000_000;
/** Below its recent peak speech is quiet from here and loud until there, dB. */
const QUIET_DB = -26;
const LOUD_DB = -18;
const PEAK_FALL_DB = 3;
/** Nothing quieter is speech, dB of full scale. */
const LEAST_PEAK_DB = -45;

/** When there is speech in a sound, told from its loudness alone, by media time. */
export class SpeechLevel {
  /** 0…1 by number of the bin. */
  readonly #bins = new Map<number, number>();
  #untilUs = Number.NEGATIVE_INFINITY;
  #peakDb = LEAST_PEAK_DB;
  #sum = 0;
  #samples = 0;

  /** Sound is known until here, µs of media time. */
  get untilUs(): number {
    return this.#untilUs;
  }

  /** @param pcm 16 kHz mono, in order; may leave holes */
  push(pcm: Float32Array, mediaTimeUs: number): void {
    for (let i = 0; i < pcm.length; i += 1) {
      this.#sum += pcm[i]! * pcm[i]!;
      this.#samples += 1;
      if (this.#samples === BIN_SAMPLES) this.#close(mediaTimeUs + ((i + 1) / RATE_HZ) * 1e6);
    }
  }

  /** @returns mean over a time, 0…1; undefined where nothing was heard */
  between(fromUs: number, toUs: number): number | undefined {
    let sum = 0;
    let count = 0;
    for (let bin = Math.floor(fromUs / BIN_US); bin * BIN_US < toUs; bin += 1) {
      const value = this.#bins.get(bin);
      if (value === undefined) continue;
      sum += value;
      count += 1;
    }
    return count === 0 ? undefined : sum / count;
  }

  #close(endUs: number): void {
    const db = 10 * Math.log10(this.#sum / this.#samples + 1e-12);
    this.#peakDb = Math.max(db, this.#peakDb - (PEAK_FALL_DB * BIN_US) / 1e6, LEAST_PEAK_DB);
    this.#sum = 0;
    this.#samples = 0;
    this.#untilUs = endUs;
    const value = (db - this.#peakDb - QUIET_DB) / (LOUD_DB - QUIET_DB);
    this.#bins.set(Math.round(endUs / BIN_US) - 1, Math.min(1, Math.max(0, value)));
    for (const bin of this.#bins.keys()) {
      if (bin * BIN_US >= endUs - KEPT_US) break;
      this.#bins.delete(bin);
    }
  }
}
