import { RtpTimestampUnwrapper } from './rtp-timestamp.ts';

export interface MediaTimelineOptions {
  /**
   * Capture time (µs since the Unix epoch) that is media time 0. A replay names it, so that media times are those of
   * the file; without it the first packet of any track sets it.
   */
  readonly originUs?: number;
}

/** What the tracks of one channel share, so that their media times can be compared. */
export class MediaTimeline {
  /** Capture time of media time 0; undefined until known. */
  originUs: number | undefined;
  /** Arrival time of the first packet of any track, for tracks whose capture time is unknown. */
  firstArrivalUs: number | undefined;

  constructor(options: MediaTimelineOptions = {}) {
    this.originUs = options.originUs;
  }
}

export interface MediaTimeMapperOptions {
  readonly clockRateHz: number;
  /** Shared with the channel's other tracks. */
  readonly timeline: MediaTimeline;
  /** Disagreement between RTP and capture clock that is left alone, µs. Default 2000: rounding, not drift. */
  readonly deadZoneUs?: number;
  /** How fast a larger one is worked off, parts per million of media time. Default 1000: inaudible. */
  readonly maxSlewPpm?: number;
  /** One larger than this is a jump of the source: start afresh, µs. Default 500 000. */
  readonly jumpUs?: number;
}

/** Where a media time came from, best first. */
export type MediaTimeSource = 'capture' | 'report' | 'first';

export interface MappedTime {
  readonly mediaTimeUs: number;
  /** True on the first packet and after a jump of the source: what was buffered before has another time base. */
  readonly discontinuity: boolean;
  readonly source: MediaTimeSource;
}

export interface MapRequest {
  /** 32-bit RTP timestamp. */
  readonly timestamp: number;
  readonly captureUs?: number | undefined;
  /** Arrival by an injected clock; places a track of unknown capture time against the others. */
  readonly arrivalUs?: number | undefined;
}

/**
 * RTP timestamp → media time of one track. Between corrections time runs by the RTP clock alone, from one anchor, so it
 * neither drifts by rounding nor jitters with the capture clock. Corrections come from abs-capture-time, else from the
 * last sender report, else nothing. A correction never makes time go backwards.
 */
export class MediaTimeMapper {
  readonly #rateHz: number;
  readonly #timeline: MediaTimeline;
  readonly #deadZoneUs: number;
  readonly #maxSlew: number;
  readonly #jumpUs: number;
  readonly #unwrapper = new RtpTimestampUnwrapper();
  #anchorTs = 0;
  #anchorUs = 0;
  #started = false;
  #lastTs = 0;
  #highestUs = Number.NEGATIVE_INFINITY;
  #slewedAtTs = 0;
  #report: { readonly wallUs: number; readonly timestamp: number } | undefined;

  constructor(options: MediaTimeMapperOptions) {
    this.#rateHz = options.clockRateHz;
    this.#timeline = options.timeline;
    this.#deadZoneUs = options.deadZoneUs ?? 2000;
    this.#maxSlew = (options.maxSlewPpm ?? 1000) / 1e6;
    this.#jumpUs = options.jumpUs ?? 500_000;
  }

  /** A sender report of this track: at `wallUs` (µs since the Unix epoch) its RTP clock showed `rtpTimestamp`. */
  senderReport(wallUs: number, rtpTimestamp: number): void {
    this.#report = { wallUs, timestamp: rtpTimestamp };
  }

  map(request: MapRequest): MappedTime {
    const ts = this.#unwrapper.unwrap(request.timestamp);
    const [captureUs, source] = this.#captureOf(request, ts);
    if (!this.#started) return this.#start(ts, captureUs, source, request.arrivalUs);

    const predictedUs = this.#predict(ts);
    if (captureUs === undefined) {
      if (Math.abs(ts - this.#lastTs) > (this.#jumpUs / 1e6) * this.#rateHz * JUMP_WITHOUT_CLOCK) {
        return this.#jump(ts, this.#highestUs, source);
      }
      return this.#result(ts, predictedUs, source);
    }
    // A track that began without a wall clock keeps its media times and ties the channel's origin to them.
    this.#timeline.originUs ??= captureUs - predictedUs;
    const measuredUs = captureUs - this.#timeline.originUs;
    const errorUs = measuredUs - predictedUs;
    if (Math.abs(errorUs) > this.#jumpUs) return this.#jump(ts, measuredUs, source);
    if (Math.abs(errorUs) > this.#deadZoneUs && ts > this.#slewedAtTs) this.#slew(ts, predictedUs, errorUs);
    return this.#result(ts, this.#predict(ts), source);
  }

  #captureOf(request: MapRequest, ts: number): readonly [number | undefined, MediaTimeSource] {
    if (request.captureUs !== undefined) return [request.captureUs, 'capture'];
    if (this.#report === undefined) return [undefined, 'first'];
    const distance = ts - this.#unwrapper.peek(this.#report.timestamp);
    return [this.#report.wallUs + Math.round((distance * 1e6) / this.#rateHz), 'report'];
  }

  #start(
    ts: number,
    captureUs: number | undefined,
    source: MediaTimeSource,
    arrivalUs: number | undefined,
  ): MappedTime {
    const timeline = this.#timeline;
    if (arrivalUs !== undefined) timeline.firstArrivalUs ??= arrivalUs;
    let mediaTimeUs = 0;
    if (captureUs !== undefined) {
      timeline.originUs ??= captureUs;
      mediaTimeUs = captureUs - timeline.originUs;
    } else if (arrivalUs !== undefined && timeline.firstArrivalUs !== undefined) {
      mediaTimeUs = arrivalUs - timeline.firstArrivalUs;
    }
    this.#started = true;
    this.#setAnchor(ts, mediaTimeUs);
    return { ...this.#result(ts, mediaTimeUs, source), discontinuity: true };
  }

  /** Time after a jump is what the source says, but never before what was already given out. */
  #jump(ts: number, mediaTimeUs: number, source: MediaTimeSource): MappedTime {
    const atUs = Math.max(mediaTimeUs, this.#highestUs);
    this.#setAnchor(ts, atUs);
    return { ...this.#result(ts, atUs, source), discontinuity: true };
  }

  #slew(ts: number, predictedUs: number, errorUs: number): void {
    const elapsedUs = ((ts - this.#slewedAtTs) * 1e6) / this.#rateHz;
    const limitUs = elapsedUs * this.#maxSlew;
    const stepUs = Math.sign(errorUs) * Math.min(Math.abs(errorUs), limitUs);
    this.#setAnchor(ts, predictedUs + stepUs);
  }

  #setAnchor(ts: number, mediaTimeUs: number): void {
    this.#anchorTs = ts;
    this.#anchorUs = mediaTimeUs;
    this.#slewedAtTs = ts;
  }

  #predict(ts: number): number {
    return this.#anchorUs + ((ts - this.#anchorTs) * 1e6) / this.#rateHz;
  }

  #result(ts: number, mediaTimeUs: number, source: MediaTimeSource): MappedTime {
    this.#lastTs = ts;
    const roundedUs = Math.round(mediaTimeUs);
    if (roundedUs > this.#highestUs) this.#highestUs = roundedUs;
    return { mediaTimeUs: roundedUs, discontinuity: false, source };
  }
}

/** Without a wall clock a long silence (DTX, paused video) looks like a small jump, so only a large one counts: 30 s. */
const JUMP_WITHOUT_CLOCK = 60;
