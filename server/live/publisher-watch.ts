/** `waiting`: nothing came just now, which is no reason to say so yet. */
export type MediaState = 'sending' | 'waiting' | 'silent' | 'gone';

export interface PublisherWatchOptions {
  /** How often it looks. */
  tickMs: number;
  /** Nothing for so long is `silent`. */
  silentAfterMs: number;
  /** Nothing for so long is `gone`. */
  goneAfterMs: number;
}

/** A publisher may vanish without a word: what counts is whether media comes. */
export class PublisherWatch {
  readonly #o: PublisherWatchOptions;
  #seenPackets = 0;
  #silentMs = 0;

  constructor(options: PublisherWatchOptions) {
    this.#o = options;
  }

  /** Another publisher has just come. */
  begin(): void {
    this.#silentMs = 0;
  }

  /** Call it every `tickMs`. @param packets that have come so far */
  look(packets: number): MediaState {
    const { tickMs, silentAfterMs, goneAfterMs } = this.#o;
    this.#silentMs = packets === this.#seenPackets ? this.#silentMs + tickMs : 0;
    this.#seenPackets = packets;
    if (this.#silentMs === 0) return 'sending';
    if (this.#silentMs >= goneAfterMs) return 'gone';
    return this.#silentMs >= silentAfterMs ? 'silent' : 'waiting';
  }
}
