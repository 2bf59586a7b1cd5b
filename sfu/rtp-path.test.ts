import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRtcp } from 'werift-rtp';
import type { EncodedFrame } from '../pipeline/frames.ts';
import { MediaTimeline } from '../pipeline/rtp/media-time.ts';
import { createPacketiser } from '../pipeline/rtp/packetiser.ts';
import { RtpReader } from '../pipeline/rtp/rtp-reader.ts';
import { readSenderReports, SenderReporter } from '../pipeline/rtp/sender-reporter.ts';
import { RtpTrackReceiver } from '../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from './router.ts';
import { workerBin } from './test-support.ts';
import { SfuWorkerPool } from './worker-pool.ts';

const ORIGIN_US = 1_700_000_000_000_000;

const opus = (i: number): EncodedFrame => {
  const data = Buffer.alloc(80, i & 0xff);
  data[0] = 0xfc;
  data.writeUInt32BE(i, 1);
  return {
    kind: 'encoded',
    codec: 'opus',
    mediaTimeUs: i * 20_000,
    durationUs: 20_000,
    keyframe: true,
    data,
  };
};

describe.skipIf(workerBin === undefined)('RTP through a router', () => {
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1 });
    router = await pool.createRouter();
  });
  afterAll(() => pool?.close());

  it('carries 100 000 Opus packets far faster than real time without loss or reordering, within its credits', async () => {
    const feed = await router.createFeed({ codec: 'opus', cname: 'replay', highWaterPackets: 256 });
    const frames: number[] = [];
    let wrong = 0;
    let tapped = 0;
    const tap = await router.createTap({
      producerId: feed.id,
      onPacket: (packet) => {
        tapped += 1;
        receiver.push(packet, 0);
      },
    });
    const receiver = new RtpTrackReceiver({
      codec: 'opus',
      payloadType: tap.payloadType,
      captureTimeId: tap.captureTimeId,
      timeline: new MediaTimeline({ originUs: ORIGIN_US }),
      onFrame: (frame) => {
        const i = frames.length;
        if (frame.mediaTimeUs !== i * 20_000 || Buffer.from(frame.data).readUInt32BE(1) !== i) wrong += 1;
        frames.push(frame.mediaTimeUs);
      },
    });
    const packetiser = createPacketiser({
      ...feed.packetiserOptions,
      originUs: ORIGIN_US,
      firstTimestamp: 4_294_900_000,
    });
    let highest = 0;
    const startMs = performance.now();
    for (let i = 0; i < 100_000; i++) {
      packetiser.packetise(opus(i), (packet) => feed.send(packet));
      highest = Math.max(highest, i + 1 - tapped);
      if (feed.bufferedPackets >= 256) await feed.ready();
    }
    feed.close();
    await tap.ended;
    receiver.flush();
    const speed = 2_000_000 / (performance.now() - startMs);
    expect(wrong).toBe(0);
    expect(frames.length).toBe(100_000);
    expect(tap.droppedPackets).toBe(0);
    expect(highest).toBeLessThanOrEqual(256);
    // 33 minutes of sound; even a busy machine is far beyond the 50 times that a replay may want.
    expect(speed).toBeGreaterThan(50);
  });

  it('hands packets to an async reader, which ends after the last one', async () => {
    const feed = await router.createFeed({ codec: 'opus', cname: 'a' });
    const tap = await router.createTap({ producerId: feed.id });
    const packetiser = createPacketiser(feed.packetiserOptions);
    for (let i = 0; i < 500; i++) packetiser.packetise(opus(i), (packet) => feed.send(packet));
    await feed.flushed();
    expect(feed.bufferedPackets).toBe(0);
    expect(tap.queuedPackets).toBe(500);
    feed.close();
    feed.close();
    const reader = new RtpReader();
    const seen: number[] = [];
    for await (const packet of tap.packets()) seen.push(reader.read(packet).timestamp / 960);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(() => feed.send(Buffer.alloc(20))).toThrow(expect.objectContaining({ code: 'LIVEDUB_E_CLOSED' }));
  });

  it('keeps its queue bounded: the oldest go, or the tap fails, as it was told', async () => {
    const feed = await router.createFeed({ codec: 'opus', cname: 'a' });
    const live = await router.createTap({ producerId: feed.id, capacityPackets: 10 });
    const strict = await router.createTap({ producerId: feed.id, capacityPackets: 10, policy: 'fail' });
    const packetiser = createPacketiser(feed.packetiserOptions);
    for (let i = 0; i < 25; i++) packetiser.packetise(opus(i), (packet) => feed.send(packet));
    await feed.flushed();
    expect(live.droppedPackets).toBe(15);
    await expect(strict.ended).rejects.toMatchObject({ code: 'LIVEDUB_E_CHANNEL_OVERFLOW' });
    live.close();
    const left: Buffer[] = [];
    for await (const packet of live.packets()) left.push(packet);
    expect(left).toHaveLength(10);
    feed.close();
  });

  it('tells the reader of an aborted wait, and a failing packet handler ends its tap', async () => {
    const feed = await router.createFeed({ codec: 'opus', cname: 'a' });
    const tap = await router.createTap({ producerId: feed.id });
    await expect(tap.packets(AbortSignal.timeout(20)).next()).rejects.toMatchObject({ name: 'TimeoutError' });
    const broken = await router.createTap({
      producerId: feed.id,
      onPacket: () => {
        throw new Error('boom');
      },
    });
    createPacketiser(feed.packetiserOptions).packetise(opus(0), (packet) => feed.send(packet));
    await expect(broken.ended).rejects.toMatchObject({ code: 'LIVEDUB_E_INTERNAL' });
    feed.close();
    await expect(router.createTap({ producerId: 'nobody' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_SFU_FAILED',
    });
  });

  it('asks the sender of pictures for a keyframe', async () => {
    let asked = 0;
    const feed = await router.createFeed({ codec: 'vp8', cname: 'a', onKeyframeRequest: () => (asked += 1) });
    const tap = await router.createTap({ producerId: feed.id });
    const packetiser = createPacketiser(feed.packetiserOptions);
    const picture: EncodedFrame = { ...opus(0), codec: 'vp8', data: Buffer.from([1, 2, 3]) };
    packetiser.packetise(picture, (packet) => feed.send(packet));
    await expect.poll(() => asked).toBeGreaterThan(0);
    // Nothing is sent on before a keyframe; then everything is.
    expect(tap.queuedPackets).toBe(0);
    packetiser.packetise({ ...picture, data: Buffer.from([0, 2, 3]), mediaTimeUs: 40_000 }, (packet) =>
      feed.send(packet),
    );
    await feed.flushed();
    expect(tap.queuedPackets).toBeGreaterThan(0);
    feed.close();
  });

  it('tells players in sender reports when the media was captured, for sound and pictures alike', async () => {
    // A rendition that goes out six seconds after its capture, and a player that gets plain RTP.
    const delayUs = 6_000_000;
    const originUs = Date.now() * 1000 - delayUs;
    const wallUs = () => Date.now() * 1000;
    const player = createSocket('udp4');
    await new Promise<void>((resolve) => player.bind(0, '127.0.0.1', resolve));
    const reports = new Map<number, { wallUs: number; rtpTimestamp: number }>();
    player.on('message', (message) => {
      if (isRtcp(message)) for (const report of readSenderReports(message)) reports.set(report.ssrc, report);
    });
    const transport = await router.router.createPlainTransport({
      listenInfo: { protocol: 'udp', ip: '127.0.0.1' },
      rtcpMux: true,
    });
    await transport.connect({ ip: '127.0.0.1', port: player.address().port });
    const tapReports: number[] = [];
    const tracks = await Promise.all(
      (['opus', 'vp8'] as const).map(async (codec) => {
        const feed = await router.createFeed({ codec, cname: 'channel' });
        const packetiser = createPacketiser({ ...feed.packetiserOptions, originUs });
        const { rtpCapabilities } = router.router;
        const consumer = await transport.consume({ producerId: feed.id, rtpCapabilities });
        const tap = await router.createTap({
          producerId: feed.id,
          onPacket: () => {},
          onSenderReport: (atUs, rtpTimestamp) =>
            tapReports.push(atUs - originUs - (rtpTimestamp / packetiser.clockRateHz) * 1e6),
        });
        const reporter = new SenderReporter({ packetiser, ssrc: feed.ssrc, cname: 'channel' });
        return { codec, feed, packetiser, tap, reporter, ssrc: consumer.rtpParameters.encodings![0]!.ssrc! };
      }),
    );
    const startMs = performance.now();
    for (let i = 0; i < 400; i++) {
      for (const { codec, feed, packetiser, reporter } of tracks) {
        const frame = { ...opus(i), codec, data: Buffer.alloc(30) };
        packetiser.packetise(frame, (packet) => feed.send(packet));
        if (i === 0) feed.startReports(reporter, wallUs, 200);
      }
      await new Promise((resolve) => setTimeout(resolve, startMs + (i + 1) * 20 - performance.now()));
    }
    player.close();
    transport.close();
    for (const { feed } of tracks) feed.close();
    // At the wall time of a report its RTP clock shows what was captured then: media time = wall time − origin.
    const errorsUs = tracks.map(({ ssrc, packetiser }) => {
      const report = reports.get(ssrc)!;
      return report.wallUs - originUs - (report.rtpTimestamp / packetiser.clockRateHz) * 1e6;
    });
    for (const errorUs of errorsUs) expect(Math.abs(errorUs)).toBeLessThan(100_000);
    expect(Math.abs(errorsUs[0]! - errorsUs[1]!)).toBeLessThan(20_000);
    // Taps see the reports of the feeds themselves: exact.
    expect(tapReports.length).toBeGreaterThan(10);
    for (const errorUs of tapReports) expect(Math.abs(errorUs)).toBeLessThan(50);
  }, 20_000);
});
