import { RtpTimestampUnwrapper } from './rtp-timestamp.ts';

export interface SessionClockOptions {
  /** A picture is moved against the sound by at most so much at once, µs: less than any frame lasts. Default 8000. */
  readonly stepUs?: number;
  /** Least time between two such moves, µs of media. Default 200 000. */
  readonly everyUs?: number;
  /** Disagreement that is left alone, µs. Default 3000. */
  readonly deadZoneUs?: number;
}

/**
 * Media time of one publishing session. Each track is tied to media time once, where its first packet arrived; from then
 * on it runs by its RTP clock alone, so that sound never stretches. The sound's sender reports say what wall time the
 * publisher gives to media time, and the picture is moved, a little at a time, to where its own reports say it belongs.
 */
export class SessionClock {
  readonly #stepUs: number;
  readonly #everyUs: number;
  readonly #deadZoneUs: number;
  /** The publisher's wall time of media time 0, by the sound's reports. */
  #publisherOriginUs: number | undefined;

  constructor(options: SessionClockOptions = {}) {
    this.#stepUs = options.stepUs ?? 8000;
    this.#everyUs = options.everyUs ?? 200_000;
    this.#deadZoneUs = options.deadZoneUs ?? 3000;
  }

  /**
   * @param rateHz RTP clock rate
   * @param isReference true for the sound that the others are aligned with
   */
  track(rateHz: number, isReference: boolean): SessionTrack {
    return new SessionTrack({
      rateHz,
      stepUs: this.#stepUs,
      everyUs: this.#everyUs,
      deadZoneUs: this.#deadZoneUs,
      report: (wallUs, mediaTimeUs) => {
        if (isReference) this.#publisherOriginUs = wallUs - mediaTimeUs;
        return isReference || this.#publisherOriginUs === undefined
          ? 0
          : wallUs - this.#publisherOriginUs - mediaTimeUs;
      },
    });
  }
}

interface SessionTrackOptions {
  readonly rateHz: number;
  readonly stepUs: number;
  readonly everyUs: number;
  readonly deadZoneUs: number;
  /** @returns how far the track is from where it belongs, µs; positive: it should be later */
  readonly report: (wallUs: number, mediaTimeUs: number) => number;
}

/** One track of a session: RTP timestamp → media time. */
export class SessionTrack {
  readonly #o: SessionTrackOptions;
  readonly #unwrapper = new RtpTimestampUnwrapper();
  #started = false;
  #anchorTs = 0;
  #anchorUs = 0;
  /** Offset of packets before `#movedAtTs`: a late one of an older frame keeps the time its frame had. */
  #offsetBeforeUs = 0;
  #offsetUs = 0;
  #movedAtTs = Number.NEGATIVE_INFINITY;
  #errorUs = 0;

  constructor(options: SessionTrackOptions) {
    this.#o = options;
  }

  /**
   * @param timestamp 32-bit RTP timestamp
   * @param arrivalUs media time of now; ties the first packet
   * @returns media time, µs, not rounded to whole ticks
   */
  mediaTimeUs(timestamp: number, arrivalUs: number): number {
    const ts = this.#unwrapper.unwrap(timestamp);
    if (!this.#started) {
      this.#started = true;
      this.#anchorTs = ts;
      this.#anchorUs = arrivalUs;
    }
    this.#move(ts);
    return this.#at(ts) + (ts >= this.#movedAtTs ? this.#offsetUs : this.#offsetBeforeUs);
  }

  /** A sender report: at `wallUs` of the publisher the RTP clock showed `timestamp`. */
  senderReport(wallUs: number, timestamp: number): void {
    if (!this.#started) return;
    const ts = this.#unwrapper.peek(timestamp);
    this.#errorUs = this.#o.report(wallUs, this.#at(ts) + this.#offsetUs);
  }

  #at(ts: number): number {
    return this.#anchorUs + ((ts - this.#anchorTs) * 1e6) / this.#o.rateHz;
  }

  #move(ts: number): void {
    if (Math.abs(this.#errorUs) <= this.#o.deadZoneUs) return;
    if (((ts - this.#movedAtTs) * 1e6) / this.#o.rateHz < this.#o.everyUs) return;
    const stepUs = Math.sign(this.#errorUs) * Math.min(Math.abs(this.#errorUs), this.#o.stepUs);
    this.#offsetBeforeUs = this.#offsetUs;
    this.#offsetUs += stepUs;
    this.#errorUs -= stepUs;
    this.#movedAtTs = ts;
  }
}
