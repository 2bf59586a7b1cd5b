import type { types } from 'mediasoup';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { splitAnnexB } from '../../../pipeline/rtp/annex-b.ts';
import { opusDurationUs } from '../../../pipeline/rtp/depacketise-opus.ts';
import { createPacketiser, type Packetiser } from '../../../pipeline/rtp/packetiser.ts';
import { SenderReporter } from '../../../pipeline/rtp/sender-reporter.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpFeed } from '../../../sfu/rtp-feed.ts';
import type { IngestTrackName } from './transcode-args.ts';

export interface IngestTrackOptions {
  readonly router: SfuRouter;
  readonly name: IngestTrackName;
  /** Tracks with one cname belong together in time. */
  readonly cname: string;
  /** Capture time of media time 0, µs since the Unix epoch. */
  readonly originUs: number;
  /** First access unit, for a picture: its parameter set says the profile. */
  readonly first: Uint8Array;
  /** Wall clock, µs since the Unix epoch. */
  readonly wallUs: () => number;
}

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_DELIMITER = 9;
const START_CODE = Buffer.from([0, 0, 0, 1]);

/** One track of an ingest: from access units on media time to a track on the router, with sender reports. */
export class IngestTrack {
  readonly name: IngestTrackName;
  readonly #feed: RtpFeed;
  readonly #packetiser: Packetiser;
  #frames = 0;
  #bytes = 0;
  #lastKeyframeUs: number | undefined;
  #keyframeIntervalUs = 0;

  private constructor(name: IngestTrackName, feed: RtpFeed, originUs: number) {
    this.name = name;
    this.#feed = feed;
    this.#packetiser = createPacketiser({ ...feed.packetiserOptions, originUs });
  }

  /** @throws LivedubError LIVEDUB_E_SFU_FAILED, LIVEDUB_E_CLOSED */
  static async create(options: IngestTrackOptions): Promise<IngestTrack> {
    const { name, router, cname, originUs, wallUs } = options;
    const profile = name === 'video' ? profileLevelId(options.first) : undefined;
    const feed = await router.createFeed({
      codec: name === 'video' ? 'h264' : 'opus',
      cname,
      appData: { ingest: name },
      ...(profile === undefined ? undefined : { h264ProfileLevelId: profile }),
    });
    const track = new IngestTrack(name, feed, originUs);
    feed.startReports(new SenderReporter({ packetiser: track.#packetiser, ssrc: feed.ssrc, cname }), wallUs);
    return track;
  }

  get producer(): types.Producer {
    return this.#feed.producer;
  }

  get frames(): number {
    return this.#frames;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Longest distance of two keyframes so far, µs. */
  get keyframeIntervalUs(): number {
    return this.#keyframeIntervalUs;
  }

  send(mediaTimeUs: number, data: Uint8Array): void {
    if (this.#feed.closed) return;
    const frame = this.name === 'video' ? picture(mediaTimeUs, data) : sound(mediaTimeUs, data);
    if (frame.keyframe && this.name === 'video') {
      if (this.#lastKeyframeUs !== undefined) {
        this.#keyframeIntervalUs = Math.max(this.#keyframeIntervalUs, mediaTimeUs - this.#lastKeyframeUs);
      }
      this.#lastKeyframeUs = mediaTimeUs;
    }
    this.#frames += 1;
    this.#bytes += frame.data.length;
    this.#packetiser.packetise(frame, (packet) => this.#feed.send(packet));
  }

  close(): void {
    this.#feed.close();
  }
}

/** An access unit as RTP carries it: the delimiters of the transport stream are of no use there. */
function picture(mediaTimeUs: number, unit: Uint8Array): EncodedFrame {
  const nals = splitAnnexB(unit).filter((nal) => (nal[0]! & 0x1f) !== NAL_DELIMITER);
  const keyframe = nals.some((nal) => (nal[0]! & 0x1f) === NAL_IDR);
  const data = Buffer.concat(nals.flatMap((nal) => [START_CODE, nal]));
  return { kind: 'encoded', codec: 'h264', mediaTimeUs, durationUs: 33_333, keyframe, data };
}

function sound(mediaTimeUs: number, data: Uint8Array): EncodedFrame {
  const durationUs = opusDurationUs(data);
  return { kind: 'encoded', codec: 'opus', mediaTimeUs, durationUs, keyframe: true, data };
}

/** RFC 6184 §8.1: the three bytes after the header of the sequence parameter set. */
function profileLevelId(unit: Uint8Array): string | undefined {
  const sps = splitAnnexB(unit).find((nal) => (nal[0]! & 0x1f) === NAL_SPS);
  return sps === undefined ? undefined : Buffer.from(sps.subarray(1, 4)).toString('hex');
}

/** True for an access unit that a decoder can begin with. */
export function beginsPicture(unit: Uint8Array): boolean {
  const types = splitAnnexB(unit).map((nal) => nal[0]! & 0x1f);
  return types.includes(NAL_SPS) && types.includes(NAL_IDR);
}
