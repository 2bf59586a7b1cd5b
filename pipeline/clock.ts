/** Monotonic time for deadlines and metrics, injected so that nothing in the pipeline asks the machine for the time. */
export interface Clock {
  /** Milliseconds on a scale that never jumps. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => performance.now() };

/** A clock that a test moves. */
export class ManualClock implements Clock {
  #nowMs = 0;
  nowMs(): number {
    return this.#nowMs;
  }
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Calls back at intervals; injected beside the clock, so that a test moves time. */
export interface Ticker {
  /** @returns ends it; idempotent */
  every(intervalMs: number, callback: () => void): () => void;
}

export const systemTicker: Ticker = {
  every: (intervalMs, callback) => {
    const timer = setInterval(callback, intervalMs);
    return () => clearInterval(timer);
  },
};

/** A ticker that a test drives: `tick` calls everybody once. */
export class ManualTicker implements Ticker {
  readonly #callbacks = new Set<() => void>();
  every(_intervalMs: number, callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
  tick(): void {
    for (const callback of this.#callbacks) callback();
  }
}
