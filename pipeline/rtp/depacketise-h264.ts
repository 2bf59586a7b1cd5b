import type { Depacketiser, DepacketiserOptions } from './depacketise-opus.ts';
import type { RtpPacketInfo } from './rtp-packet.ts';
import { VideoFrameTiming, type VideoFrameTimingOptions } from './video-frame-timing.ts';

const START_CODE = Buffer.from([0, 0, 0, 1]);
const NAL_IDR = 5;
const STAP_A = 24;
const FU_A = 28;

/**
 * RFC 6184, packetization modes 0 and 1: single NAL units, STAP-A and FU-A → access units in Annex B form with four-byte
 * start codes. Done here because werift-rtp 0.8.9 tells keyframes by the second byte of any packet (so by chance) and
 * copies a fragmented unit anew for each fragment.
 */
export class H264Depacketiser implements Depacketiser {
  readonly #options: DepacketiserOptions;
  readonly #timing: VideoFrameTiming;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #timestamp = -1;
  #mediaTimeUs = 0;
  #keyframe = false;
  /** A fragmented unit is open: its start came, its end has not. */
  #inFragment = false;
  #broken = false;
  /** Packets are missing since the last one: the next access unit may lack its head. */
  #headUnsure = false;

  constructor(options: DepacketiserOptions & VideoFrameTimingOptions) {
    this.#options = options;
    this.#timing = new VideoFrameTiming(options);
  }

  push(packet: RtpPacketInfo, mediaTimeUs: number): void {
    const { payload } = packet;
    if (payload.length === 0) return;
    if (packet.timestamp !== this.#timestamp) {
      // A new access unit; without the marker of the one before, that one is complete all the same unless broken.
      this.#finish();
      this.#timestamp = packet.timestamp;
      this.#mediaTimeUs = mediaTimeUs;
      if (this.#headUnsure && !beginsAccessUnit(payload)) this.#broken = true;
    }
    this.#headUnsure = false;
    const type = payload[0]! & 0x1f;
    if (type === FU_A) this.#fragment(payload);
    else if (this.#inFragment) this.#broken = true;
    else if (type === STAP_A) this.#aggregate(payload);
    else if (type > 0 && type < STAP_A) this.#unit(payload);
    else this.#broken = true;
    if (packet.marker) this.#finish();
  }

  gap(): void {
    if (this.#bytes > 0) this.#broken = true;
    this.#headUnsure = true;
  }

  flush(): void {
    this.#finish();
  }

  #unit(nal: Uint8Array): void {
    if ((nal[0]! & 0x1f) === NAL_IDR) this.#keyframe = true;
    this.#parts.push(START_CODE, nal);
    this.#bytes += 4 + nal.length;
  }

  #aggregate(payload: Uint8Array): void {
    let at = 1;
    while (at + 2 < payload.length) {
      const length = (payload[at]! << 8) | payload[at + 1]!;
      at += 2;
      if (length === 0 || at + length > payload.length) {
        this.#broken = true;
        return;
      }
      this.#unit(payload.subarray(at, at + length));
      at += length;
    }
  }

  #fragment(payload: Uint8Array): void {
    const head = payload[1];
    if (head === undefined) {
      this.#broken = true;
      return;
    }
    const isStart = (head & 0x80) !== 0;
    if (isStart === this.#inFragment) {
      this.#broken = true;
      return;
    }
    if (isStart) {
      const nalType = head & 0x1f;
      if (nalType === NAL_IDR) this.#keyframe = true;
      this.#parts.push(START_CODE, Uint8Array.of((payload[0]! & 0xe0) | nalType));
      this.#bytes += 5;
      this.#inFragment = true;
    }
    this.#parts.push(payload.subarray(2));
    this.#bytes += payload.length - 2;
    if ((head & 0x40) !== 0) this.#inFragment = false;
  }

  #finish(): void {
    const broken = this.#broken || this.#inFragment;
    const parts = this.#parts;
    const bytes = this.#bytes;
    const keyframe = this.#keyframe;
    this.#parts = [];
    this.#bytes = 0;
    this.#keyframe = false;
    this.#inFragment = false;
    this.#broken = false;
    if (broken) {
      this.#options.onDropped?.(this.#mediaTimeUs);
      return;
    }
    if (bytes === 0) return;
    this.#options.onFrame({
      kind: 'encoded',
      codec: 'h264',
      mediaTimeUs: this.#mediaTimeUs,
      durationUs: this.#timing.next(this.#mediaTimeUs),
      keyframe,
      data: Buffer.concat(parts, bytes),
    });
  }
}

/** Whether a packet holds the first bytes of an access unit: parameter sets, SEI, delimiter, or macroblock 0's slice. */
function beginsAccessUnit(payload: Uint8Array): boolean {
  const type = payload[0]! & 0x1f;
  if (type === STAP_A || (type >= 6 && type <= 9)) return true;
  // first_mb_in_slice is the first Exp-Golomb code of a slice header: 0 is a single 1 bit.
  if (type === FU_A) {
    const nalType = (payload[1] ?? 0) & 0x1f;
    const isStart = ((payload[1] ?? 0) & 0x80) !== 0;
    return isStart && ((nalType >= 6 && nalType <= 9) || ((payload[2] ?? 0) & 0x80) !== 0);
  }
  return ((payload[1] ?? 0) & 0x80) !== 0;
}
