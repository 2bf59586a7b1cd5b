import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtpReader } from '../pipeline/rtp/rtp-reader.ts';
import { RelayTrack, type RelayTrackOptions } from './relay-track.ts';
import type { SfuRouter } from './router.ts';
import { workerBin } from './test-support.ts';
import { ViewerTransport } from './viewer-transport.ts';
import { SfuWorkerPool } from './worker-pool.ts';

const ORIGIN_US = 1_700_000_000_000_000;
const packet = (sequence: number, timestamp: number) => ({
  sequence,
  timestamp,
  marker: false,
  payload: Buffer.from([0xfc, sequence & 0xff]),
});

describe.skipIf(workerBin === undefined)('RelayTrack', () => {
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1, webRtc: {} });
    router = await pool.createRouter();
  });
  afterAll(() => pool?.close());

  const create = (options: Partial<RelayTrackOptions> = {}) =>
    RelayTrack.create({
      router,
      codec: 'opus',
      key: 'live:audio',
      cname: 'programme',
      originUs: ORIGIN_US,
      ...options,
    });

  it('goes on over a change of source, with capture times and sender reports of its own timeline', async () => {
    let wallUs = ORIGIN_US;
    const relay = await create({ wallUs: () => wallUs, reportEveryMs: 20, appData: { language: 'es' } });
    expect(relay.producer.appData).toMatchObject({ key: 'live:audio', language: 'es' });
    const reports: number[] = [];
    const raw: Buffer[] = [];
    const tap = await router.createTap({
      producerId: relay.producer.id,
      onPacket: (data) => void raw.push(data),
      onSenderReport: (atUs, timestamp) => reports.push(atUs - ORIGIN_US - (timestamp * 1e6) / 48_000),
    });
    const first = relay.attach({ startMediaTimeUs: 1_000_000 });
    // 1003 is lost, 1002 comes late.
    for (const i of [1000, 1001, 1004, 1002]) expect(first.send(packet(i, 7 + (i - 1000) * 960))).toBe(true);
    const second = relay.attach({ startMediaTimeUs: 2_000_000 });
    expect(first.send(packet(1005, 4807))).toBe(false);
    for (const i of [5, 6]) second.send(packet(i, 4_294_967_000 + (i - 5) * 960));
    wallUs += 5_000_000;
    await expect.poll(() => reports.length).toBeGreaterThan(2);
    await expect.poll(() => raw.length).toBe(6);
    const reader = new RtpReader({ captureTimeId: tap.captureTimeId! });
    const seen = raw.map((data) => reader.read(data));
    const base = seen[0]!.sequence;
    expect(seen.map(({ sequence }) => sequence - base)).toEqual([0, 1, 4, 2, 5, 6]);
    const timesUs = [1_000_000, 1_020_000, 1_080_000, 1_040_000, 2_000_000, 2_020_000];
    expect(seen.map(({ captureUs }) => captureUs! - ORIGIN_US)).toEqual(timesUs);
    expect(seen.map(({ timestamp }) => (timestamp * 1e6) / 48_000)).toEqual(timesUs);
    for (const errorUs of reports) expect(Math.abs(errorUs)).toBeLessThan(50);
    expect(relay.stats).toMatchObject({ packets: 6, refusedPackets: 1 });
    relay.close();
    relay.close();
    expect(second.send(packet(7, 0))).toBe(false);
  });

  it('passes on requests for keyframes, none too often and none lost', async () => {
    const askedMs: number[] = [];
    const relay = await create({
      codec: 'vp8',
      key: 'live:video',
      keyframeIntervalMs: 100,
      onKeyframeRequest: () => askedMs.push(performance.now()),
    });
    relay.attach();
    expect(askedMs).toHaveLength(1);
    for (let i = 0; i < 5; i++) relay.requestKeyframe();
    expect(askedMs).toHaveLength(1);
    await expect.poll(() => askedMs.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(askedMs).toHaveLength(2);
    expect(askedMs[1]! - askedMs[0]!).toBeGreaterThan(95);
    relay.close();
    relay.requestKeyframe();
    expect(askedMs).toHaveLength(2);
  });

  it('tells viewers when it ends', async () => {
    const relay = await create();
    const gone: string[] = [];
    const viewer = await ViewerTransport.create({ router, onTrackGone: (key) => gone.push(key) });
    const { rtpCapabilities } = router.router;
    const both = () => [viewer.addProducer('a', relay.producer), viewer.addProducer('a', relay.producer)];
    expect(await viewer.addProducer('a', relay.producer)).toBeUndefined();
    await viewer.join(rtpCapabilities, new Map());
    const [one, two] = await Promise.all(both());
    expect(one!.id).toBe(two!.id);
    expect(viewer.tracks.map(({ key }) => key)).toEqual(['a']);
    relay.close();
    await expect.poll(() => gone).toEqual(['a']);
    await viewer.select(new Set(['a']));
    const other = await create();
    const broken = { codecs: [{ mimeType: 7 }] } as never;
    await expect(viewer.join(broken, new Map([['b', other.producer]]))).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
    await expect(viewer.connect({ fingerprints: [] })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
    viewer.close();
    expect(viewer.connectionState).toBe('closed');
    await expect(viewer.restartIce()).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });
});
