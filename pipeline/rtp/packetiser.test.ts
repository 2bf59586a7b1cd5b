import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { H264RtpPayload, RtcpPacketConverter, type RtcpSrPacket, RtpPacket, Vp8RtpPayload } from 'werift-rtp';
import type { EncodedFrame } from '../frames.ts';
import { opusDurationUs } from './depacketise-opus.ts';
import { MediaTimeline } from './media-time.ts';
import { createPacketiser } from './packetiser.ts';
import type { RtpCodec } from './rtp-packet.ts';
import { RtpReader } from './rtp-reader.ts';
import { readSenderReports, SenderReporter } from './sender-reporter.ts';
import { RtpTrackReceiver } from './track-receiver.ts';

const ORIGIN_US = 1_700_000_000_000_000;
const ID = 10;

function frame(codec: RtpCodec, data: Uint8Array, mediaTimeUs: number): EncodedFrame {
  const durationUs = codec === 'opus' ? opusDurationUs(data) : 40_000;
  return { kind: 'encoded', codec, mediaTimeUs, durationUs, keyframe: true, data };
}

/** Random bytes; every NAL unit, like real ones, free of start codes and not ending in zero. */
const bytes = (max: number, head: fc.Arbitrary<number>, nonZero: boolean) =>
  fc
    .tuple(head, fc.integer({ min: 1, max }), fc.integer({ min: 1, max: 250 }))
    .map(([first, length, seed]) => {
      const data = new Uint8Array(length + 1);
      let x = seed;
      for (let i = 1; i <= length; i++) {
        x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
        data[i] = nonZero ? ((x >> 16) & 0xff) | 1 : (x >> 16) & 0xff;
      }
      data[0] = first;
      return data;
    });

const opusFrame = bytes(1100, fc.constantFrom(0x78, 0xf8, 0xfc, 0x48), false);
const vp8Frame = bytes(20_000, fc.integer({ min: 0, max: 255 }), false);
const accessUnit = fc
  .array(bytes(5000, fc.constantFrom(0x67, 0x68, 0x65, 0x41, 0x06, 0x09), true), {
    minLength: 1,
    maxLength: 6,
  })
  .map((units) => Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit])));

function roundTrip(
  codec: RtpCodec,
  frames: EncodedFrame[],
  firstTimestamp: number,
  firstSequence: number,
  mtuBytes: number,
) {
  const packetiser = createPacketiser({
    codec,
    ssrc: 7,
    payloadType: 96,
    captureTimeId: ID,
    originUs: ORIGIN_US,
    firstTimestamp,
    firstSequence,
    mtuBytes,
  });
  const out: EncodedFrame[] = [];
  const receiver = new RtpTrackReceiver({
    codec,
    captureTimeId: ID,
    timeline: new MediaTimeline({ originUs: ORIGIN_US }),
    onFrame: (f) => out.push(f),
  });
  let markers = 0;
  for (const f of frames) {
    const before = markers;
    packetiser.packetise(f, (packet) => {
      expect(packet.length).toBeLessThanOrEqual(mtuBytes);
      if (packet[1]! > 127) markers += 1;
      receiver.push(packet, 0);
    });
    if (codec !== 'opus') expect(markers - before).toBe(1);
  }
  receiver.flush();
  return out;
}

describe.each([
  ['opus', opusFrame],
  ['vp8', vp8Frame],
  ['h264', accessUnit],
] as const)('packetise and depacketise %s', (codec, arbitrary) => {
  it('gives every frame back byte by byte with its media time', () => {
    fc.assert(
      fc.property(
        fc.array(arbitrary, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(1200, 1400),
        (contents, firstTimestamp, firstSequence, mtuBytes) => {
          const frames = contents.map((data, i) => frame(codec, data, i * 40_000));
          const out = roundTrip(codec, frames, firstTimestamp, firstSequence, mtuBytes);
          expect(out.length).toBe(frames.length);
          out.forEach((f, i) => {
            expect(Buffer.compare(f.data, frames[i]!.data)).toBe(0);
            expect(f.mediaTimeUs).toBe(i * 40_000);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('H264', () => {
  const unit = (head: number, length: number) =>
    Buffer.concat([Buffer.from([0, 0, 0, 1, head]), Buffer.alloc(length, 0x83)]);

  it('puts parameter sets together in STAP-A, splits a large slice into FU-A and tells keyframes', () => {
    const packets: Buffer[] = [];
    const packetiser = createPacketiser({ codec: 'h264', ssrc: 1, payloadType: 96 });
    const data = Buffer.concat([unit(0x67, 20), unit(0x68, 4), unit(0x65, 3000)]);
    packetiser.packetise(frame('h264', data, 0), (p) => packets.push(p));
    expect(packets.map((p) => p[12]! & 0x1f)).toEqual([24, 28, 28, 28]);
    const frames: EncodedFrame[] = [];
    const receiver = new RtpTrackReceiver({
      codec: 'h264',
      timeline: new MediaTimeline(),
      onFrame: (f) => frames.push(f),
    });
    for (const p of packets) receiver.push(p, 0);
    // A P slice whose second byte would look like an IDR to a careless reader.
    packetiser.packetise(frame('h264', Buffer.from([0, 0, 0, 1, 0x41, 0x85, 1]), 40_000), (p) =>
      receiver.push(p, 0),
    );
    receiver.flush();
    expect(frames.map((f) => f.keyframe)).toEqual([true, false]);
  });

  it('gives up a picture with a missing packet and keeps its neighbours', () => {
    const frames: EncodedFrame[] = [];
    const dropped: number[] = [];
    const receiver = new RtpTrackReceiver({
      codec: 'h264',
      captureTimeId: ID,
      timeline: new MediaTimeline({ originUs: 0 }),
      gapAfterMediaUs: 40_000,
      onFrame: (f) => frames.push(f),
      onDropped: (at) => dropped.push(at),
    });
    const packetiser = createPacketiser({ codec: 'h264', ssrc: 1, payloadType: 96, captureTimeId: ID });
    let n = 0;
    for (let i = 0; i < 6; i++) {
      packetiser.packetise(frame('h264', unit(0x41, 4000), i * 40_000), (p) => {
        n += 1;
        // Four packets a picture: lose the second of picture 1, the last of picture 2 and the first of picture 4.
        if (n !== 6 && n !== 12 && n !== 17) receiver.push(p, 0);
      });
    }
    receiver.flush();
    expect(frames.map((f) => f.mediaTimeUs)).toEqual([0, 120_000, 200_000]);
    expect(dropped).toEqual([40_000, 80_000, 160_000]);
  });

  it('agrees with werift-rtp on fragments', () => {
    const packetiser = createPacketiser({ codec: 'h264', ssrc: 1, payloadType: 96 });
    let fragment: Buffer | undefined;
    let payload: Buffer | undefined;
    packetiser.packetise(frame('h264', unit(0x65, 5000), 0), (p) => {
      const part = H264RtpPayload.deSerialize(RtpPacket.deSerialize(p).payload, fragment);
      fragment = part.fragment;
      payload = part.payload;
    });
    expect(payload!.equals(unit(0x65, 5000))).toBe(true);
  });
});

describe('VP8', () => {
  it('reads every form of the payload descriptor', () => {
    const frames: EncodedFrame[] = [];
    const receiver = new RtpTrackReceiver({
      codec: 'vp8',
      timeline: new MediaTimeline(),
      onFrame: (f) => frames.push(f),
    });
    const heads = [
      [0x10],
      [0x90, 0x80, 5],
      [0x90, 0x80, 0x81, 5],
      [0x90, 0xe0, 0x81, 5, 9, 0x40],
      [0x90, 0x20, 0x40],
      [0x90, 0x40, 3],
    ];
    heads.forEach((head, i) => {
      const writer = createPacketiser({ codec: 'vp8', ssrc: 1, payloadType: 96, firstSequence: i }).writer;
      const packet = writer.begin(head.length + 3, i * 3000, true, 0);
      packet.set([...head, i % 2, 2, 3], 12);
      receiver.push(packet, 0);
    });
    expect(frames.map((f) => [...f.data])).toEqual(heads.map((_, i) => [i % 2, 2, 3]));
    expect(frames.map((f) => f.keyframe)).toEqual([true, false, true, false, true, false]);
  });

  it('writes descriptors that werift-rtp reads', () => {
    const packetiser = createPacketiser({ codec: 'vp8', ssrc: 1, payloadType: 96 });
    const ids: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      packetiser.packetise(frame('vp8', new Uint8Array(1500), i * 40_000), (p) => {
        ids.push(Vp8RtpPayload.deSerialize(RtpPacket.deSerialize(p).payload).pictureId);
      });
    }
    expect(ids).toEqual([0, 0, 1, 1, 2, 2]);
  });
});

describe('RtpReader', () => {
  it('reads in place what werift-rtp reads in full, whatever headers follow each other', () => {
    const header = fc.record({
      marker: fc.boolean(),
      sequence: fc.nat(0xffff),
      timestamp: fc.nat(0xffff_ffff),
      ids: fc.uniqueArray(fc.integer({ min: 1, max: 14 }), { maxLength: 3 }),
      length: fc.constantFrom(1, 8, 16),
      csrc: fc.boolean(),
      padding: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(header, fc.integer({ min: 1, max: 4 })), { maxLength: 12 }), (specs) => {
        const reader = new RtpReader({ captureTimeId: ID });
        for (const [spec, repeat] of specs) {
          for (let i = 0; i < repeat; i++) {
            const packet = createWeriftPacket(spec);
            const raw = packet.serialize();
            const read = reader.read(raw);
            expect(read.sequence).toBe(spec.sequence);
            expect(read.timestamp).toBe(spec.timestamp);
            expect(read.marker).toBe(spec.marker);
            expect(Buffer.compare(read.payload, Buffer.from('payload'))).toBe(0);
            expect(read.captureUs !== undefined).toBe(spec.ids.includes(ID) && spec.length !== 1);
          }
        }
      }),
    );
  });

  it('refuses what is no RTP', () => {
    const reader = new RtpReader();
    for (const raw of [
      Buffer.alloc(0),
      Buffer.alloc(11, 0x80),
      Buffer.alloc(40),
      Buffer.from('90e0000000000000000000000000ffff', 'hex'),
    ]) {
      expect(() => reader.read(raw)).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_BAD_REQUEST' }));
    }
  });

  it('parses a steady track in full only once', () => {
    const reader = new RtpReader({ captureTimeId: ID });
    const packetiser = createPacketiser({ codec: 'opus', ssrc: 1, payloadType: 111, captureTimeId: ID });
    for (let i = 0; i < 100; i++) {
      packetiser.packetise(frame('opus', Uint8Array.of(0x78, i), i * 20_000), (p) => {
        expect(reader.read(p).captureUs).toBe(i * 20_000);
      });
    }
    expect(reader.fullParses).toBe(1);
  });
});

function createWeriftPacket(spec: {
  marker: boolean;
  sequence: number;
  timestamp: number;
  ids: number[];
  length: number;
  csrc: boolean;
  padding: boolean;
}): RtpPacket {
  const packet = RtpPacket.deSerialize(
    Buffer.concat([Buffer.from([0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), Buffer.from('payload')]),
  );
  Object.assign(packet.header, {
    marker: spec.marker,
    sequenceNumber: spec.sequence,
    timestamp: spec.timestamp,
    csrc: spec.csrc ? [3] : [],
    extensions: spec.ids.map((id) => ({ id, payload: Buffer.alloc(spec.length, 0xc1) })),
    padding: spec.padding,
    paddingSize: spec.padding ? 4 : 0,
  });
  return packet;
}

describe('SenderReporter', () => {
  it('says which RTP timestamp belongs to a wall time, with counts and CNAME', () => {
    const packetiser = createPacketiser({
      codec: 'opus',
      ssrc: 77,
      payloadType: 111,
      originUs: ORIGIN_US,
      firstTimestamp: 0xffff_ff00,
    });
    packetiser.packetise(frame('opus', new Uint8Array(100).fill(0x78), 0), () => {});
    const reporter = new SenderReporter({ packetiser, ssrc: 77, cname: 'channel-1' });
    const raw = reporter.report(ORIGIN_US + 1_500_000);
    expect(readSenderReports(raw)).toEqual([
      { ssrc: 77, wallUs: ORIGIN_US + 1_500_000, rtpTimestamp: (0xffff_ff00 + 72_000) % 2 ** 32 },
    ]);
    const [report, description] = RtcpPacketConverter.deSerialize(raw);
    expect((report as RtcpSrPacket).senderInfo).toMatchObject({ packetCount: 1, octetCount: 100 });
    expect(JSON.stringify(description)).toContain('channel-1');
  });
});

describe('opusDurationUs', () => {
  it.each([
    [[0x78], 20_000],
    [[0x08], 20_000],
    [[0x18], 60_000],
    [[0xe0], 2500],
    [[0xfb, 3], 60_000],
    [[0xf9], 40_000],
    [[], 0],
  ])('reads %j as %d µs', (data, expected) => {
    expect(opusDurationUs(Uint8Array.from(data))).toBe(expected);
  });
});
