import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { splitAnnexB } from '../../../pipeline/rtp/annex-b.ts';

export interface PictureFormat {
  /** Frames with another one cannot go into the same file. */
  readonly key: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
}

/** What a keyframe says of its picture; undefined for a frame that a decoder cannot begin with. */
export function pictureFormat(frame: EncodedFrame): PictureFormat | undefined {
  if (!frame.keyframe) return undefined;
  if (frame.codec === 'vp8') {
    // RFC 6386 §9.1: start code, then 14 bits each of width and height. A decoder follows a change of size by itself.
    const { data } = frame;
    if (data.length < 10 || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
    const widthPx = ((data[7]! << 8) | data[6]!) & 0x3fff;
    const heightPx = ((data[9]! << 8) | data[8]!) & 0x3fff;
    return { key: 'vp8', widthPx, heightPx };
  }
  const sets = splitAnnexB(frame.data).filter((nal) => [7, 8].includes(nal[0]! & 0x1f));
  if (!sets.some((nal) => (nal[0]! & 0x1f) === 7)) return undefined;
  return { key: `h264:${sets.map((nal) => Buffer.from(nal).toString('base64')).join(',')}` };
}
