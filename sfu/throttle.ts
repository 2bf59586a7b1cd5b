export interface ThrottleOptions {
  /** Least time between two runs. */
  readonly intervalMs: number;
  readonly run: () => void;
}

/** Runs at once, then at most once per interval; requests meanwhile become one run at its end. */
export class Throttle {
  readonly #options: ThrottleOptions;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #closed = false;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  request(): void {
    if (this.#closed) return;
    if (this.#timer === undefined) this.#run();
    else this.#isWanted = true;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#isWanted = false;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isWanted && !this.#closed) this.#run();
    }, this.#options.intervalMs);
    this.#timer.unref();
    this.#options.run();
  }
}
