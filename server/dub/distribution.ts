export interface Percentiles {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/** Buckets grow by this factor: percentiles are right to 2 %. */
const GROWTH = 1.04;
const SMALLEST = 0.01;

/** Percentiles of any number of values ≥ 0 in bounded memory: counts in buckets of growing width. */
export class Distribution {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #max = 0;

  get sum(): number {
    return this.#sum;
  }

  add(value: number): void {
    const bucket = value <= SMALLEST ? 0 : Math.ceil(Math.log(value / SMALLEST) / Math.log(GROWTH));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#sum += value;
    this.#max = Math.max(this.#max, value);
  }

  /** Null when nothing was added. */
  percentiles(): Percentiles | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      mean: round(this.#sum / this.#count),
      p50: round(this.#at(0.5)),
      p95: round(this.#at(0.95)),
      max: round(this.#max),
    };
  }

  #at(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (const [bucket, count] of [...this.#buckets].sort((a, b) => a[0] - b[0])) {
      left -= count;
      if (left <= 0) return bucket === 0 ? 0 : Math.min(this.#max, SMALLEST * GROWTH ** bucket);
    }
    return this.#max;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
