import type { EncodedFrame } from '../../pipeline/frames.ts';

export interface SourceBacklogOptions {
  /** How much sound is kept, ms of media. Default 30 000. */
  keepMs?: number;
}

/** The newest sound of the dubbing source, for a worker that takes over: one writer, read from any media time on. */
export class SourceBacklog {
  readonly #keepUs: number;
  #frames: EncodedFrame[] = [];
  #head = 0;

  constructor(options: SourceBacklogOptions = {}) {
    this.#keepUs = (options.keepMs ?? 30_000) * 1000;
  }

  push(frame: EncodedFrame): void {
    this.#frames.push(frame);
    const oldestUs = frame.mediaTimeUs - this.#keepUs;
    while (this.#frames[this.#head]!.mediaTimeUs < oldestUs) this.#head += 1;
    if (this.#head > 256 && this.#head * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Media time up to which sound came; 0 before the first. */
  get endUs(): number {
    const last = this.#frames.at(-1);
    return last === undefined ? 0 : last.mediaTimeUs + last.durationUs;
  }

  /** What is kept from a media time on, oldest first. */
  from(mediaTimeUs: number): readonly EncodedFrame[] {
    const kept = this.#frames.slice(this.#head);
    const first = kept.findIndex((frame) => frame.mediaTimeUs + frame.durationUs > mediaTimeUs);
    return first < 0 ? [] : kept.slice(first);
  }
}
