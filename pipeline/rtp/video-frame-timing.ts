export interface VideoFrameTimingOptions {
  /** Duration of a frame while its successor's distance is unknown, µs. Default 33 333. */
  readonly defaultDurationUs?: number;
}

/**
 * A live frame must not wait for its successor, so its duration is the shortest recent distance between frames: right
 * for a constant rate, an estimate for a variable one (the next frame's media time is what counts there).
 */
export class VideoFrameTiming {
  #lastUs: number | undefined;
  #durationUs: number;

  constructor(options: VideoFrameTimingOptions = {}) {
    this.#durationUs = options.defaultDurationUs ?? 33_333;
  }

  /** @returns the duration of the frame at `mediaTimeUs` */
  next(mediaTimeUs: number): number {
    const deltaUs = this.#lastUs === undefined ? 0 : Math.abs(mediaTimeUs - this.#lastUs);
    this.#lastUs = mediaTimeUs;
    if (deltaUs > 0 && deltaUs <= 1_000_000) this.#durationUs = deltaUs;
    return this.#durationUs;
  }
}
