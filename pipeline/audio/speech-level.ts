export interface SpeechLevellerOptions {
  /** Default 16 000. */
  readonly sampleRateHz?: number;
  /** Level that the loud parts of quiet speech are brought to, dBFS (RMS of a block). Default −26. */
  readonly targetDbfs?: number;
  /** Default 45. */
  readonly maxGainDb?: number;
}

const BLOCK_MS = 32;
/** Levels remembered: half a minute. */
const MEMORY_BLOCKS = 938;
const MIN_BLOCKS = 30;
const UPDATE_EVERY_BLOCKS = 8;
/** Sound whose loud and quiet parts are nearer together is steady noise, which is not raised. */
const MIN_RANGE_DB = 12;
const RISE_DB_PER_BLOCK = (12 * BLOCK_MS) / 1000;
const FALL_DB_PER_BLOCK = (40 * BLOCK_MS) / 1000;
const SILENCE_DBFS = -110;
const PEAK = 0.95;

/**
 * Raises speech that was recorded far too quietly to a level at which a VAD finds it; ordinary speech passes unchanged.
 * Slow, so that the dynamics of speech stay; never clips. Any split of the input gives the same output.
 */
export class SpeechLeveller {
  readonly #blockSamples: number;
  readonly #targetDbfs: number;
  readonly #maxGainDb: number;
  readonly #levels = new Float32Array(MEMORY_BLOCKS);
  #count = 0;
  #wantedDb = 0;
  #gainDb = 0;
  #pending = new Float32Array(0);

  constructor(options: SpeechLevellerOptions = {}) {
    this.#blockSamples = Math.round(((options.sampleRateHz ?? 16_000) * BLOCK_MS) / 1000);
    this.#targetDbfs = options.targetDbfs ?? -26;
    this.#maxGainDb = options.maxGainDb ?? 45;
  }

  /** @returns the whole blocks that are complete so far */
  process(pcm: Float32Array): Float32Array {
    const input = new Float32Array(this.#pending.length + pcm.length);
    input.set(this.#pending);
    input.set(pcm, this.#pending.length);
    const whole = input.length - (input.length % this.#blockSamples);
    for (let at = 0; at < whole; at += this.#blockSamples)
      this.#block(input.subarray(at, at + this.#blockSamples));
    this.#pending = input.slice(whole);
    return input.subarray(0, whole);
  }

  /** What is left, at the gain reached. */
  flush(): Float32Array {
    const rest = this.#pending;
    this.#pending = new Float32Array(0);
    this.#block(rest);
    return rest;
  }

  #block(block: Float32Array): void {
    let energy = 0;
    let peak = 0;
    for (const sample of block) {
      energy += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    if (peak === 0) return;
    this.#levels[this.#count % MEMORY_BLOCKS] = Math.max(
      SILENCE_DBFS,
      10 * Math.log10(energy / block.length),
    );
    this.#count += 1;
    if (this.#count % UPDATE_EVERY_BLOCKS === 0) this.#update();
    const step = this.#wantedDb - this.#gainDb;
    this.#gainDb += Math.max(-FALL_DB_PER_BLOCK, Math.min(RISE_DB_PER_BLOCK, step));
    if (this.#gainDb <= 0.01) return;
    const gain = Math.min(10 ** (this.#gainDb / 20), Math.max(1, PEAK / peak));
    for (let i = 0; i < block.length; i += 1) block[i]! *= gain;
  }

  #update(): void {
    if (this.#count < MIN_BLOCKS) return;
    const sorted = this.#levels.slice(0, Math.min(this.#count, MEMORY_BLOCKS)).sort();
    const quiet = sorted[Math.floor(sorted.length * 0.1)]!;
    const loud = sorted[Math.floor(sorted.length * 0.95)]!;
    if (loud - quiet < MIN_RANGE_DB) return;
    this.#wantedDb = Math.max(0, Math.min(this.#maxGainDb, this.#targetDbfs - loud));
  }
}
