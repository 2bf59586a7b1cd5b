/** Room for jitter, ms; behind the live edge it costs nobody anything. */
const BASE_MS = 200;
const MOST_MS = 1500;
/** Less is not seen. */
const DEAD_BAND_MS = 10;
/** Part of the difference that is taken off at each step: browsers take seconds to follow. */
const STEP = 0.5;

/**
 * Brings picture and sounds together in synced mode, by what the browser is told to hold back at least
 * (`RTCRtpReceiver.jitterBufferTarget`). A browser by itself does it for one sound a picture, and a dub has two: the voice and
 * the original under it.
 */
export class LipSync {
  #pictureMs = BASE_MS;
  readonly #soundsMs = new Map<string, number>();

  get pictureMs(): number {
    return this.#pictureMs;
  }

  soundMs(sound: string): number {
    return this.#soundsMs.get(sound) ?? BASE_MS;
  }

  /**
   * Moves all a step nearer to the one that is latest, which waits no more than it has to.
   * @param aheadMs how far each sound was ahead of the picture lately; negative: behind
   */
  step(aheadMs: ReadonlyMap<string, number>): void {
    const steps = [...aheadMs].map(
      ([sound, ahead]) => [sound, Math.abs(ahead) < DEAD_BAND_MS ? 0 : ahead * STEP] as const,
    );
    const [latest] = [...steps].sort(([, a], [, b]) => a - b);
    if (!latest) return;
    const [sound, byMs] = latest;
    // A sound that is late waits less if it can, else the picture waits for it; one that is early, the other way round.
    const pictureByMs =
      byMs < 0
        ? -byMs - Math.min(-byMs, this.soundMs(sound) - BASE_MS)
        : -Math.min(byMs, this.#pictureMs - BASE_MS);
    this.#pictureMs = within(this.#pictureMs + pictureByMs);
    for (const [one, stepMs] of steps) {
      this.#soundsMs.set(one, within(this.soundMs(one) + stepMs + pictureByMs));
    }
  }
}

function within(timeMs: number): number {
  return Math.min(MOST_MS, Math.max(BASE_MS, timeMs));
}
