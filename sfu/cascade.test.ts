import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../pipeline/frames.ts';
import { MediaTimeline } from '../pipeline/rtp/media-time.ts';
import { createPacketiser } from '../pipeline/rtp/packetiser.ts';
import type { RtpCodec } from '../pipeline/rtp/rtp-packet.ts';
import { RtpTrackReceiver } from '../pipeline/rtp/track-receiver.ts';
import { CascadeEnd, connectCascade } from './cascade.ts';
import { createCascadePortPair, createProcessCascadePort } from './cascade-port.ts';
import type { SfuRouter } from './router.ts';
import type { RtpTap } from './rtp-tap.ts';
import { pictureHashes, TestFolder, workerBin } from './test-support.ts';
import { SfuWorkerPool } from './worker-pool.ts';

const ORIGIN_US = 1_700_000_000_000_000;

function receive(tap: RtpTap, codec: RtpCodec): { frames: EncodedFrame[]; done: Promise<RtpTrackReceiver> } {
  const frames: EncodedFrame[] = [];
  const receiver = new RtpTrackReceiver({
    codec,
    payloadType: tap.payloadType,
    captureTimeId: tap.captureTimeId,
    timeline: new MediaTimeline({ originUs: ORIGIN_US }),
    onFrame: (frame) => frames.push(frame),
  });
  const done = (async () => {
    for await (const packet of tap.packets()) receiver.push(packet, 0);
    receiver.flush();
    return receiver;
  })();
  return { frames, done };
}

describe.skipIf(workerBin === undefined)('a cascade between two workers, with SRTP', () => {
  let pool: SfuWorkerPool;
  let near: SfuRouter;
  let far: SfuRouter;
  let cascade: CascadeEnd;
  const folder = new TestFolder();
  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 2 });
    near = await pool.createRouter();
    far = await pool.createRouter();
    cascade = await connectCascade({ from: near, to: far });
  });
  afterAll(async () => {
    folder.close();
    await pool?.close();
  });

  it('connects different processes, and both ends bring SRTP keys of their own', async () => {
    expect(near.workerPid).not.toBe(far.workerPid);
    const [one, other] = createCascadePortPair();
    const keys = new Set<string | undefined>();
    for (const port of [one, other]) {
      port.onMessage((message) => {
        if (message.type === 'hello') keys.add(message.address.srtpParameters?.keyBase64);
      });
    }
    const ends = await Promise.all([
      CascadeEnd.create({ router: near, port: one }),
      CascadeEnd.create({ router: far, port: other }),
    ]);
    await Promise.all(ends.map((end) => end.ready));
    expect(keys.size).toBe(2);
    expect(keys.has(undefined)).toBe(false);
    ends[0].close();
    // The other end learns of it and closes too.
    await expect.poll(() => ends[1].pipe('any').catch((error) => error.code)).toBe('LIVEDUB_E_CLOSED');
  });

  it('carries Opus with its capture times, and ends the copy after the last packet', async () => {
    const feed = await near.createFeed({
      codec: 'opus',
      cname: 'a',
      highWaterPackets: 64,
      fence: () => cascade.drained(feed.id),
    });
    const tap = await far.createTap({ producerId: await cascade.pipe(feed.id), policy: 'fail' });
    const { frames, done } = receive(tap, 'opus');
    const packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: ORIGIN_US });
    const payload = (i: number) =>
      Buffer.from([0xfc, i >> 8, i & 0xff, ...Array.from({ length: 100 }, () => i & 0xff)]);
    for (let i = 0; i < 5000; i++) {
      const frame = { kind: 'encoded', codec: 'opus', durationUs: 20_000, keyframe: true } as const;
      packetiser.packetise({ ...frame, mediaTimeUs: i * 20_000, data: payload(i) }, (p) => feed.send(p));
      if (feed.bufferedPackets >= 64) await feed.ready();
    }
    feed.close();
    const receiver = await done;
    expect(receiver.stats.lost).toBe(0);
    expect(frames.length).toBe(5000);
    expect(
      frames.every((frame, i) => frame.mediaTimeUs === i * 20_000 && payload(i).equals(frame.data)),
    ).toBe(true);
  });

  it.each(['h264', 'vp8'] as const)(
    'carries real pictures in %s that decode to the very same',
    async (codec) => {
      const { file, frames: original } = await folder.encode(codec);
      expect(original.length).toBeGreaterThan(20);
      const feed = await near.createFeed({ codec, cname: 'a', fence: () => cascade.drained(feed.id) });
      const tap = await far.createTap({ producerId: await cascade.pipe(feed.id), policy: 'fail' });
      const { frames, done } = receive(tap, codec);
      const packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: ORIGIN_US });
      for (const frame of original) {
        packetiser.packetise(frame, (packet) => feed.send(packet));
        await feed.flushed();
      }
      feed.close();
      await done;
      expect(frames.map((frame) => frame.mediaTimeUs)).toEqual(original.map((frame) => frame.mediaTimeUs));
      expect(frames[0]!.keyframe).toBe(true);
      expect(frames.some((frame) => !frame.keyframe)).toBe(true);
      const [before, after] = await Promise.all([
        pictureHashes(file),
        pictureHashes(await folder.write(codec, frames, file)),
      ]);
      expect(before.length).toBe(original.length);
      expect(after).toEqual(before);
    },
  );

  it('mirrors pause, resume and the end of either side', async () => {
    const feed = await near.createFeed({ codec: 'opus', cname: 'a' });
    const copies: string[] = [];
    const copyId = await cascade.pipe(feed.id, { appData: { language: 'es' } });
    expect(await cascade.pipe(feed.id)).toBe(copyId);
    copies.push(copyId);
    const tap = await far.createTap({ producerId: copyId });
    await feed.producer.pause();
    await expect.poll(() => tap.consumer.producerPaused).toBe(true);
    await feed.producer.resume();
    await expect.poll(() => tap.consumer.producerPaused).toBe(false);
    feed.close();
    await tap.ended;
    await expect(cascade.pipe('nobody')).rejects.toThrow();
  });

  it('takes a track back and carries it again, at once', async () => {
    const feed = await near.createFeed({ codec: 'opus', cname: 'a' });
    const first = await far.createTap({ producerId: await cascade.pipe(feed.id) });
    cascade.unpipe(feed.id);
    const copyId = await cascade.pipe(feed.id);
    await first.ended;
    expect(far.producer(copyId)?.closed).toBe(false);
    const { frames } = receive(await far.createTap({ producerId: copyId }), 'opus');
    const packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: ORIGIN_US });
    const frame = { kind: 'encoded', codec: 'opus', durationUs: 20_000, keyframe: true } as const;
    for (let i = 0; i < 10; i++)
      packetiser.packetise({ ...frame, mediaTimeUs: i * 20_000, data: Buffer.alloc(50, 0xfc) }, (packet) =>
        feed.send(packet),
      );
    await expect.poll(() => frames.length).toBeGreaterThan(5);
    expect(await cascade.pipe(feed.id)).toBe(copyId);
    cascade.unpipe(feed.id);
    cascade.unpipe('nobody');
    await expect.poll(() => far.producer(copyId)).toBeUndefined();
    feed.close();
  });

  it('reaches a router in another process, with the ends created in any order', async () => {
    const child = fork(new URL('./cascade-far.fixture.ts', import.meta.url), [workerBin!], {
      execArgv: ['--import', 'tsx'],
    });
    const messages: { tapped?: string; packets?: number }[] = [];
    child.on('message', (message) => messages.push(message as { packets?: number }));
    const router = await pool.createRouter();
    const end = await CascadeEnd.create({ router, port: createProcessCascadePort(child, 'test') });
    const feed = await router.createFeed({ codec: 'opus', cname: 'a', fence: () => end.drained(feed.id) });
    const copyId = await end.pipe(feed.id);
    await expect
      .poll(() => messages.some((message) => message.tapped === copyId), { timeout: 10_000 })
      .toBe(true);
    const packetiser = createPacketiser(feed.packetiserOptions);
    const data = Buffer.alloc(100, 0xfc);
    for (let i = 0; i < 300; i++) {
      const frame = { kind: 'encoded', codec: 'opus', durationUs: 20_000, keyframe: true } as const;
      packetiser.packetise({ ...frame, mediaTimeUs: i * 20_000, data }, (packet) => feed.send(packet));
      await feed.ready();
    }
    feed.close();
    await once(child, 'exit');
    expect(messages.find((message) => message.packets !== undefined)).toEqual({ packets: 300 });
    end.close();
    end.close();
  });
});
