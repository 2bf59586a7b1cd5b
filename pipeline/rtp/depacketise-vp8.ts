import type { Depacketiser, DepacketiserOptions } from './depacketise-opus.ts';
import type { RtpPacketInfo } from './rtp-packet.ts';
import { VideoFrameTiming, type VideoFrameTimingOptions } from './video-frame-timing.ts';

/**
 * RFC 7741. The payload descriptor is read here: werift-rtp 0.8.9 skips the TID/KEYIDX byte for L or K instead of T or
 * K, which corrupts streams with temporal layers.
 */
export class Vp8Depacketiser implements Depacketiser {
  readonly #options: DepacketiserOptions;
  readonly #timing: VideoFrameTiming;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #timestamp = -1;
  #mediaTimeUs = 0;
  /** A frame is being put together and nothing of it is missing so far. */
  #whole = false;

  constructor(options: DepacketiserOptions & VideoFrameTimingOptions) {
    this.#options = options;
    this.#timing = new VideoFrameTiming(options);
  }

  push(packet: RtpPacketInfo, mediaTimeUs: number): void {
    const { payload } = packet;
    const offset = vp8DescriptorBytes(payload);
    if (offset === 0 || offset >= payload.length) return;
    if (packet.timestamp !== this.#timestamp) {
      // The marker packet of the frame before was lost.
      if (this.#whole) this.#drop();
      this.#timestamp = packet.timestamp;
      this.#mediaTimeUs = mediaTimeUs;
      this.#parts = [];
      this.#bytes = 0;
      // A frame begins with S set and partition 0; anything else means its head is missing.
      this.#whole = (payload[0]! & 0x17) === 0x10;
      if (!this.#whole) this.#drop();
    }
    if (!this.#whole) return;
    const part = payload.subarray(offset);
    this.#parts.push(part);
    this.#bytes += part.length;
    if (packet.marker) this.#emit();
  }

  gap(): void {
    if (this.#whole) this.#drop();
  }

  flush(): void {
    if (this.#whole) this.#drop();
  }

  #emit(): void {
    const data = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#bytes);
    this.#whole = false;
    this.#parts = [];
    this.#options.onFrame({
      kind: 'encoded',
      codec: 'vp8',
      mediaTimeUs: this.#mediaTimeUs,
      durationUs: this.#timing.next(this.#mediaTimeUs),
      keyframe: (data[0]! & 1) === 0,
      data,
    });
  }

  #drop(): void {
    this.#whole = false;
    this.#parts = [];
    this.#options.onDropped?.(this.#mediaTimeUs);
  }
}

/** Length of the VP8 payload descriptor (RFC 7741 §4.2); 0 when it is cut off. */
export function vp8DescriptorBytes(payload: Uint8Array): number {
  if (payload.length < 1) return 0;
  if ((payload[0]! & 0x80) === 0) return 1;
  const extension = payload[1];
  if (extension === undefined) return 0;
  let length = 2;
  if ((extension & 0x80) !== 0) length += (payload[2] ?? 0) > 127 ? 2 : 1;
  if ((extension & 0x40) !== 0) length += 1;
  if ((extension & 0x30) !== 0) length += 1;
  return length <= payload.length ? length : 0;
}
