export interface BackOffOptions {
  /** Longest first wait, ms. Default 500. */
  readonly firstMs?: number;
  /** Longest wait, ms. Default 10 000. */
  readonly mostMs?: number;
  /** 0…1, for tests. Default Math.random. */
  readonly random?: () => number;
}

/** Waits between tries: doubling, with half of each wait by chance so that viewers do not all come back at once. */
export class BackOff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: () => number;
  #tries = 0;

  constructor(options: BackOffOptions = {}) {
    this.#firstMs = options.firstMs ?? 500;
    this.#mostMs = options.mostMs ?? 10_000;
    this.#random = options.random ?? Math.random;
  }

  /** How often `nextMs` was asked since the last `reset`. */
  get tries(): number {
    return this.#tries;
  }

  nextMs(): number {
    const wholeMs = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#tries, 16));
    this.#tries += 1;
    return wholeMs * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#tries = 0;
  }
}

/** Resolves after a while, or at once when the signal aborts. */
export function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, timeMs);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
