import { signedDelta32, wrap32 } from '../../pipeline/rtp/rtp-timestamp.ts';

/** Between pictures that are caught up with: 1 ms of 90 kHz. */
const STEP_TICKS = 90;

/**
 * Timestamps where a track goes over from one source to another: later pictures have later times, also where the new source
 * begins with what was shown already. Such pictures follow at once, until the source's own times are later than what was sent.
 */
export class PictureSeam {
  /** What pictures at the seam are sent with, by their own timestamps. */
  readonly #moved = new Map<number, number>();
  #floor: number | undefined;

  /**
   * @param lastTicks newest timestamp that was sent; undefined: nothing was
   * @param caughtUp timestamps of pictures, in order, that are sent in one go and are to be past when the last of them is shown
   */
  constructor(lastTicks: number | undefined, caughtUp: readonly number[] = []) {
    this.#floor = lastTicks;
    const newest = caughtUp.at(-1);
    if (newest === undefined) return;
    const earlier = caughtUp.slice(0, -1);
    const first = wrap32(newest - earlier.length * STEP_TICKS);
    const start =
      lastTicks === undefined || signedDelta32(first, lastTicks) > 0 ? first : lastTicks + STEP_TICKS;
    for (const [i, ticks] of earlier.entries()) this.#move(ticks, start + i * STEP_TICKS);
  }

  /** 32-bit timestamp to send a packet with. */
  ticksOf(timestamp: number): number {
    const moved = this.#moved.get(timestamp);
    if (moved !== undefined) return moved;
    if (this.#floor === undefined) return timestamp;
    if (signedDelta32(timestamp, this.#floor) > 0) {
      this.#floor = undefined;
      return timestamp;
    }
    return this.#move(timestamp, this.#floor + STEP_TICKS);
  }

  #move(timestamp: number, to: number): number {
    this.#floor = wrap32(to);
    this.#moved.set(timestamp, this.#floor);
    return this.#floor;
  }
}
