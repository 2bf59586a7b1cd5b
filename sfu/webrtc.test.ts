import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtpReader } from '../pipeline/rtp/rtp-reader.ts';
import { openBrowser, type TestBrowser } from './browser-support.ts';
import { type IngestTrack, WhipIngest } from './ingest-session.ts';
import { LossyRelay } from './lossy-relay.ts';
import { PayloadProfiles } from './payload-profiles.ts';
import { RelayTrack } from './relay-track.ts';
import type { SfuRouter } from './router.ts';
import { workerBin } from './test-support.ts';
import { ViewerTransport } from './viewer-transport.ts';
import type { ConnectionState } from './webrtc-connection.ts';
import { WhepSession } from './whep-session.ts';
import { SfuWorkerPool } from './worker-pool.ts';

interface PageTrack {
  packetsReceived: number;
  packetsLost: number;
  framesDecoded: number;
  keyFramesDecoded: number;
  totalAudioEnergy: number;
  freezeCount: number;
  bytesSent: number;
  nackCount: number;
}
type PageStats = { state: string; audio: PageTrack; video: PageTrack };

const canRun = workerBin !== undefined && existsSync('/usr/bin/chromium');

describe.skipIf(!canRun)('WebRTC with Chromium', () => {
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  let browser: TestBrowser;
  let ingest: WhipIngest | undefined;
  let whep: WhepSession | undefined;
  let viewer: ViewerTransport;
  let lossy: LossyRelay;
  const relays = new Map<string, RelayTrack>();
  const states: ConnectionState[] = [];
  const originUs = Date.now() * 1000;
  let requireVideoCodec: 'vp8' | 'h264' | undefined;

  const relay = async (track: IngestTrack) => {
    const { kind } = track.producer;
    const key = `live:${kind}:${track.codec}`;
    let relayed = relays.get(key);
    const tap = await track.createTap({ onPacket: (raw) => void input.send(reader.read(raw)) });
    if (relayed === undefined) {
      relayed = await RelayTrack.create({
        router,
        codec: track.codec,
        key,
        cname: 'programme',
        originUs,
        onKeyframeRequest: () => void tap.requestKeyframe(),
        ...(track.h264ProfileLevelId === undefined
          ? undefined
          : { h264ProfileLevelId: track.h264ProfileLevelId }),
      });
      relays.set(key, relayed);
    }
    const reader = new RtpReader();
    const input = relayed.attach({ startMediaTimeUs: Date.now() * 1000 - originUs });
    if (kind === 'video') await tap.requestKeyframe();
  };
  const producers = (video: 'vp8' | 'h264') => ({
    audio: relays.get('live:audio:opus')!.producer,
    video: relays.get(`live:video:${video}`)!.producer,
  });

  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1, webRtc: {} });
    router = await pool.createRouter();
    browser = await openBrowser(chromium, {
      'POST /whip': async ({ body }) => {
        ingest = await WhipIngest.create({
          router,
          offer: body,
          onConnectionState: (state) => states.push(state),
          ...(requireVideoCodec === undefined ? undefined : { requireVideoCodec }),
        });
        await Promise.all([relay(ingest.audio!), relay(ingest.video!)]);
        return ingest.answer;
      },
      'PATCH /whip': async ({ body }) => ingest!.patch(body),
      'POST /whep': async ({ body }) => {
        whep = await WhepSession.create({ router, offer: body, producers: producers('vp8') });
        return whep.answer;
      },
      'POST /whep-lossy': async ({ body }) => {
        whep = await WhepSession.create({ router, offer: body, producers: producers('vp8') });
        const udp = /(a=candidate:udp.* 127\.0\.0\.1 )(\d+)/;
        lossy = await LossyRelay.open({
          targetPort: Number(udp.exec(whep.answer)![2]),
          loss: 0.05,
          burst: 2,
        });
        return whep.answer.replace(udp, `$1${lossy.port}`).replace(/a=candidate:tcp.*\r\n/, '');
      },
      'POST /whep-tcp': async ({ body }) => {
        whep = await WhepSession.create({ router, offer: body, producers: producers('vp8') });
        return whep.answer.replace(/a=candidate:udp.*\r\n/, '');
      },
      'POST /whep-h264': async ({ body }) => {
        whep = await WhepSession.create({ router, offer: body, producers: producers('h264') });
        return whep.answer;
      },
      'GET /viewer': async () => {
        viewer = await ViewerTransport.create({ router });
        return JSON.stringify({
          routerRtpCapabilities: router.router.rtpCapabilities,
          transport: viewer.parameters,
        });
      },
      'POST /viewer/connect': async ({ body }) => {
        await viewer.connect(JSON.parse(body));
        return undefined;
      },
      'POST /viewer/join': async ({ body }) => {
        const all = new Map([...relays].map(([key, { producer }]) => [key, producer]));
        return JSON.stringify(await viewer.join(JSON.parse(body), all));
      },
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await pool?.close();
  });

  const stats = (name: string) => browser.page.evaluate(`stats('${name}')`) as Promise<PageStats>;

  it('takes sound and picture by WHIP and reports their health', async () => {
    await browser.page.evaluate(`publish('publisher', '/whip')`);
    await expect.poll(() => states).toContain('connected');
    expect(ingest!.audio!.codec).toBe('opus');
    expect(ingest!.video!.codec).toBe('vp8');
    await expect
      .poll(async () => (await ingest!.stats()).video?.packets ?? 0, { timeout: 5000 })
      .toBeGreaterThan(20);
    const { audio, video } = await ingest!.stats();
    expect(audio!.loss).toBe(0);
    expect(video!.bitrateBps).toBeGreaterThan(10_000);
    expect(relays.get('live:audio:opus')!.stats.refusedPackets).toBe(0);
  }, 20_000);

  it('plays the relays by WHEP as one stream, at once', async () => {
    const { streams } = (await browser.page.evaluate(`play('player', '/whep')`)) as { streams: number };
    expect(streams).toBe(1);
    await expect
      .poll(async () => (await stats('player')).video?.framesDecoded ?? 0, { timeout: 5000 })
      .toBeGreaterThan(15);
    const { audio, video } = await stats('player');
    expect(audio.packetsReceived).toBeGreaterThan(20);
    expect(audio.packetsLost + video.packetsLost).toBe(0);
    expect(PayloadProfiles.of(router).size).toBe(0);
    expect((await whep!.stats()).video!.packets).toBeGreaterThan(15);
    await browser.page.evaluate(`hangUp('player')`);
    await expect.poll(() => whep!.connectionState).toBe('closed');
  }, 20_000);

  it('plays to a player with other payload types, on a router that ends with the last such player', async () => {
    const { answer } = (await browser.page.evaluate(`play('other', '/whep', [111, 96])`)) as {
      answer: string;
    };
    expect(answer).not.toMatch(/a=rtpmap:(111|96) /);
    await expect
      .poll(async () => (await stats('other')).video?.framesDecoded ?? 0, { timeout: 5000 })
      .toBeGreaterThan(15);
    const { audio, video } = await stats('other');
    expect(audio.packetsReceived).toBeGreaterThan(20);
    expect(audio.packetsLost + video.packetsLost).toBe(0);
    expect(PayloadProfiles.of(router).size).toBe(1);
    await browser.page.evaluate(`hangUp('other')`);
    await expect.poll(() => PayloadProfiles.of(router).size).toBe(0);
  }, 20_000);

  it('plays over TCP where UDP does not get through', async () => {
    await browser.page.evaluate(`play('tcp', '/whep-tcp')`);
    await expect
      .poll(async () => (await stats('tcp')).video?.framesDecoded ?? 0, { timeout: 5000 })
      .toBeGreaterThan(15);
    await browser.page.evaluate(`hangUp('tcp')`);
    await expect.poll(() => whep!.connectionState).toBe('closed');
  }, 20_000);

  it('sends a WHEP player again what was lost, also without RTX', async () => {
    await browser.page.evaluate(`play('lossy', '/whep-lossy')`);
    await expect
      .poll(async () => (await stats('lossy')).video?.framesDecoded ?? 0, { timeout: 12_000 })
      .toBeGreaterThan(100);
    const { video } = await stats('lossy');
    expect(lossy.lost).toBeGreaterThan(10);
    expect(video.nackCount).toBeGreaterThan(0);
    expect(video.packetsLost).toBeLessThan(5);
    await browser.page.evaluate(`hangUp('lossy')`);
    await expect.poll(() => whep!.connectionState, { timeout: 15_000 }).not.toBe('connected');
    lossy.close();
  }, 40_000);

  it('switches tracks of a mediasoup-client viewer by pausing and resuming', async () => {
    await browser.page.evaluate(`join('viewer')`);
    await viewer.select(new Set(['live:audio:opus', 'live:video:vp8']));
    await expect
      .poll(async () => (await stats('viewer')).video?.framesDecoded ?? 0, { timeout: 5000 })
      .toBeGreaterThan(5);
    const times: number[] = [];
    for (let i = 0; i < 20; i++) {
      const startMs = performance.now();
      await viewer.select(new Set(i % 2 === 0 ? ['live:audio:opus'] : ['live:audio:opus', 'live:video:vp8']));
      times.push(performance.now() - startMs);
    }
    expect(times.sort((a, b) => a - b)[18]!).toBeLessThan(100);
    const before = (await stats('viewer')).video.framesDecoded;
    await expect
      .poll(async () => (await stats('viewer')).video.framesDecoded, { timeout: 5000 })
      .toBeGreaterThan(before + 5);
    // Told twice without waiting, the last word counts.
    await Promise.all([viewer.select(new Set(['live:video:vp8'])), viewer.select(new Set())]);
    const stopped = (await stats('viewer')).audio.packetsReceived;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await stats('viewer')).audio.packetsReceived - stopped).toBeLessThan(5);
    await viewer.select(new Set(['live:audio:opus', 'live:video:vp8']));
  }, 20_000);

  it('goes on after an ICE restart', async () => {
    const ufrag = ingest!.iceUfrag;
    const answer = await browser.page.evaluate(`restartIce('publisher', '/whip')`);
    expect(answer).toContain('a=ice-ufrag:');
    expect(ingest!.iceUfrag).not.toBe(ufrag);
    const before = (await ingest!.stats()).audio!.packets;
    await expect
      .poll(async () => (await ingest!.stats()).audio!.packets, { timeout: 5000 })
      .toBeGreaterThan(before + 100);
    expect(ingest!.connectionState).toBe('connected');
  }, 20_000);

  it('keeps a viewer playing when the publisher leaves and another takes over', async () => {
    const before = (await stats('viewer')).video.framesDecoded;
    await browser.page.evaluate(`hangUp('publisher')`);
    await expect.poll(() => states.at(-1)).toBe('closed');
    requireVideoCodec = 'vp8';
    await browser.page.evaluate(`publish('second', '/whip', ['video/H264', 'video/VP8'])`);
    expect(ingest!.video!.codec).toBe('vp8');
    await expect
      .poll(async () => (await stats('viewer')).video.framesDecoded, { timeout: 8000 })
      .toBeGreaterThan(before + 20);
    const { audio, video } = await stats('viewer');
    expect(audio.packetsLost + video.packetsLost).toBe(0);
    await browser.page.evaluate(`hangUp('second')`);
  }, 25_000);

  it('takes and plays H.264', async () => {
    requireVideoCodec = 'h264';
    await browser.page.evaluate(`publish('third', '/whip', ['video/VP8', 'video/H264'])`);
    expect(ingest!.video!.codec).toBe('h264');
    await browser.page.evaluate(`play('h264', '/whep-h264')`);
    await expect
      .poll(async () => (await stats('h264')).video?.framesDecoded ?? 0, { timeout: 8000 })
      .toBeGreaterThan(15);
    await browser.page.evaluate(`hangUp('h264')`);
    await expect.poll(() => whep!.connectionState).toBe('closed');
  }, 25_000);
});
