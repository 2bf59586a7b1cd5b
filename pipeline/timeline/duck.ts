export interface DuckerOptions {
  /** Level of the original under the dub, dB. Default: −18. */
  duckedDb?: number;
  /** Length of each ramp, ms. Default: 50. */
  rampMs?: number;
  /** How long the original stays down after the speech, ms. Default: 300. */
  holdMs?: number;
}

interface Span {
  startUs: number;
  endUs: number;
}

/**
 * Gain of the bed over media time: 1 where nothing is dubbed, `duckedDb` under dubbed speech, linear ramps between, and a
 * hold so that it does not pump in short pauses. Spans may be added in any order as long as they lie ahead of the reader.
 */
export class Ducker {
  readonly #floor: number;
  readonly #rampUs: number;
  readonly #holdUs: number;
  #spans: Span[] = [];

  constructor(options: DuckerOptions = {}) {
    this.#floor = 10 ** ((options.duckedDb ?? -18) / 20);
    this.#rampUs = (options.rampMs ?? 50) * 1000;
    this.#holdUs = (options.holdMs ?? 300) * 1000;
  }

  add(startUs: number, endUs: number): void {
    const span = { startUs: startUs - this.#rampUs, endUs: endUs + this.#holdUs + this.#rampUs };
    const kept: Span[] = [];
    for (const other of this.#spans) {
      if (other.endUs < span.startUs || other.startUs > span.endUs) {
        kept.push(other);
      } else {
        span.startUs = Math.min(span.startUs, other.startUs);
        span.endUs = Math.max(span.endUs, other.endUs);
      }
    }
    kept.push(span);
    this.#spans = kept.sort((a, b) => a.startUs - b.startUs);
  }

  /** Gain at a moment; 1 is untouched. */
  gainAt(timeUs: number): number {
    for (const span of this.#spans) {
      if (timeUs < span.startUs) return 1;
      if (timeUs >= span.endUs) continue;
      const down = Math.min(1, (timeUs - span.startUs) / this.#rampUs);
      const up = Math.min(1, (span.endUs - timeUs) / this.#rampUs);
      return 1 + (this.#floor - 1) * Math.min(down, up);
    }
    return 1;
  }

  /** Forgets what lies before. */
  forget(beforeUs: number): void {
    while (this.#spans.length > 0 && this.#spans[0]!.endUs <= beforeUs) this.#spans.shift();
  }
}
