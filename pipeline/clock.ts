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

/**
 * How far playout has come on the channel's timeline.
 *
 * A replay has a virtual clock: it stands at the last watermark, so that the stages may take as long, or be as fast, as
 * they like without changing what is said when. A live channel has the capture clock. Stages only ever ask for `nowUs`.
 */
export interface PlayoutClock {
  /**
   * @param watermarkUs media time up to which everything has been worked off
   * @returns media time that playout may treat as "now"
   */
  nowUs(watermarkUs: number): number;
}

/** Virtual clock of a replay: now is what has been worked off. */
export const replayClock: PlayoutClock = { nowUs: (watermarkUs) => watermarkUs };

export interface LiveClockOptions {
  clock: Clock;
  /** Media time of the first packet, µs. */
  originUs: number;
}

/** Capture clock of a live channel: now goes on by itself, whether or not the stages keep up. */
export class LiveClock implements PlayoutClock {
  readonly #clock: Clock;
  readonly #originUs: number;
  readonly #originMs: number;

  constructor(options: LiveClockOptions) {
    this.#clock = options.clock;
    this.#originUs = options.originUs;
    this.#originMs = options.clock.nowMs();
  }

  nowUs(_watermarkUs: number): number {
    return this.#originUs + Math.round((this.#clock.nowMs() - this.#originMs) * 1000);
  }
}
