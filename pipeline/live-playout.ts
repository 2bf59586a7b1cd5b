import type { BoundedChannel } from './bounded-channel.ts';
import type { Ticker } from './clock.ts';
import type { Mode } from './demand.ts';
import type { PlayoutFrame } from './frames.ts';
import type { IngestClock } from './ingest-clock.ts';

export interface LivePlayoutOptions {
  ingest: IngestClock;
  ticker: Ticker;
  /** How far each mode runs behind "now", ms. */
  delayMs: Readonly<Record<Mode, number>>;
}

interface Target {
  readonly mode: Mode;
  readonly input: BoundedChannel<PlayoutFrame>;
  jump: boolean;
}

const TICK_MS = 20;
/** A stage with so much in its queue gets no further tick: the next one tells it as much. */
const MAX_WAITING = 8;

/**
 * The heartbeat of live playout: tells the stages of every mode, 50 times a second, how far they may go, whether or not the
 * engines keep up.
 */
export class LivePlayout {
  readonly #ingest: IngestClock;
  readonly #delayMs: Record<Mode, number>;
  readonly #targets: Target[] = [];
  readonly #stop: () => void;

  constructor(options: LivePlayoutOptions) {
    this.#ingest = options.ingest;
    this.#delayMs = { ...options.delayMs };
    this.#stop = options.ticker.every(TICK_MS, () => this.#tick());
  }

  /** Sends playout frames of a mode into a stage's queue from now on. */
  drive<T>(mode: Mode, input: BoundedChannel<T | PlayoutFrame>): void {
    this.#targets.push({ mode, input: input as BoundedChannel<PlayoutFrame>, jump: false });
  }

  /** A longer delay lets output pause for the difference, a shorter one lets it jump ahead. */
  setDelay(mode: Mode, delayMs: number): void {
    if (delayMs < this.#delayMs[mode])
      for (const target of this.#targets) target.jump ||= target.mode === mode;
    this.#delayMs[mode] = delayMs;
  }

  /** Media time that is heard now in a mode, µs; undefined before the first packet. */
  headUs(mode: Mode): number | undefined {
    const nowUs = this.#ingest.nowUs;
    return nowUs === undefined ? undefined : nowUs - this.#delayMs[mode] * 1000;
  }

  /** Idempotent. */
  close(): void {
    this.#stop();
  }

  #tick(): void {
    const mediaTimeUs = this.#ingest.nowUs;
    if (mediaTimeUs === undefined) return;
    for (const target of this.#targets) {
      const { mode, input, jump } = target;
      if (input.closed || input.length >= MAX_WAITING) continue;
      const untilUs = mediaTimeUs - this.#delayMs[mode] * 1000;
      const jumpToUs = Math.floor(untilUs / 20_000) * 20_000;
      target.jump = false;
      input.tryPush({ kind: 'playout', untilUs, mediaTimeUs, ...(jump ? { jumpToUs } : {}) });
    }
  }
}
