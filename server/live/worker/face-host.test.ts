import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mediasoupWorkerBin, repositoryRoot } from '../../../pipeline/cache-paths.ts';
import type { LivedubError } from '../../../pipeline/errors.ts';
import { type Picture, planeLayout } from '../../../pipeline/face/picture.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { deriveMarkKey, type MarkKey } from '../../../pipeline/mark/mark-key.ts';
import { VideoMarkDetector } from '../../../pipeline/mark/video/video-detector.ts';
import { LivePictureDecoder } from '../../../pipeline/media/live-picture-decoder.ts';
import { LivePictureEncoder } from '../../../pipeline/media/live-picture-encoder.ts';
import { MediaTimeline } from '../../../pipeline/rtp/media-time.ts';
import { createPacketiser, type Packetiser } from '../../../pipeline/rtp/packetiser.ts';
import { RtpTrackReceiver } from '../../../pipeline/rtp/track-receiver.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpFeed } from '../../../sfu/rtp-feed.ts';
import type { RtpTap } from '../../../sfu/rtp-tap.ts';
import { SfuWorkerPool } from '../../../sfu/worker-pool.ts';
import type { FromLiveWorker } from '../worker-messages.ts';
import { FaceHost } from './face-host.ts';
import { SharedFaceThread } from './shared-face-thread.ts';

const workerBin = mediasoupWorkerBin();
const ORIGIN_US = 1_700_000_000_000_000;
const DELAY_MS = 2000;
const FRAME_US = 40_000;
const GRID = path.join(repositoryRoot, '../shared/testdata/video/grid');
const person = existsSync(GRID) ? readdirSync(GRID).find((name) => name.endsWith('.mpg')) : undefined;
const RENDITION = 4711;

type FaceMessage = Extract<FromLiveWorker, { kind: 'face' }>;

/** Pictures of a person who speaks where the shared test data is, else of FFmpeg's test picture. */
async function film(codec: 'vp8' | 'h264', seconds: number): Promise<EncodedFrame[]> {
  const [widthPx, heightPx] = [360, 288];
  const input =
    person === undefined
      ? ['-f', 'lavfi', '-i', `testsrc2=size=360x288:rate=25:duration=${seconds}`]
      : ['-stream_loop', '-1', '-i', path.join(GRID, person)];
  const args = ['-v', 'error', ...input, '-t', String(seconds), '-r', '25', '-an', '-pix_fmt', 'yuv420p'];
  const raw = execFileSync('ffmpeg', [...args, '-f', 'rawvideo', '-'], { maxBuffer: 2 ** 30 });
  const { totalBytes } = planeLayout({ widthPx, heightPx });
  const format = { widthPx, heightPx, colour: { matrix: 'bt601', range: 'limited' } } as const;
  const frames: EncodedFrame[] = [];
  const encoder = new LivePictureEncoder({
    ...{ codec, format, bitrateBps: 1_500_000, signal: new AbortController().signal },
    onFrame: (frame) => frames.push(frame),
  });
  for (let at = 0; at + totalBytes <= raw.length; at += totalBytes) {
    const i = at / totalBytes;
    // A keyframe every second, as who does not listen to requests.
    if (i % 25 === 0) encoder.requestKeyframe();
    encoder.push({ ...format, mediaTimeUs: i * FRAME_US, bytes: raw.subarray(at, at + totalBytes) });
    while (frames.length <= i) await sleep(1);
  }
  await encoder.close();
  return frames;
}

/** A publisher in real time, and a viewer of the made picture, on a router of their own. */
describe.skipIf(workerBin === undefined).each(['vp8', 'h264'] as const)(
  'the faces of a live channel in %s',
  { timeout: 60_000 },
  (codec) => {
    const once = it.skipIf(codec === 'h264');
    let pool: SfuWorkerPool;
    let key: MarkKey;
    let filmed: EncodedFrame[];
    let router: SfuRouter;
    let thread: SharedFaceThread;
    let host: FaceHost;
    let startMs: number;
    let delayMs: number;
    let messages: FaceMessage[];
    let failures: LivedubError[];
    let received: { frame: EncodedFrame; headUs: number }[];
    let viewer: RtpTap | undefined;
    let feed: RtpFeed;
    let packetiser: Packetiser;
    let isPublishing: boolean;
    let publishedUs: number;
    let publishing: Promise<void>;

    const nowUs = () => (performance.now() - startMs) * 1000;
    const headUs = () => nowUs() - delayMs * 1000;

    beforeAll(async () => {
      pool = await SfuWorkerPool.start({ count: 1, ...(workerBin === undefined ? {} : { workerBin }) });
      key = await deriveMarkKey({ master: new Uint8Array(32).fill(5), issuer: 'test' });
      filmed = await film(codec, 3);
    }, 60_000);
    afterAll(() => pool?.close());

    beforeEach(async () => {
      router = await pool.createRouter();
      thread = new SharedFaceThread({ signal: router.closed });
      [messages, failures, received] = [[], [], []];
      delayMs = DELAY_MS;
      isPublishing = true;
      host = new FaceHost({
        ...{ channelId: 'one', originUs: ORIGIN_US, router, thread, headUs, delayMs, consent: true },
        markOf: () => ({ key, rendition: RENDITION, strength: 'firm' }),
        onTrack: (_key, producerId) => void watch(producerId),
        onFailed: (error) => failures.push(error),
        send: (message) => messages.push(message),
      });
      feed = await router.createFeed({ codec, cname: 'live' });
      packetiser = createPacketiser({ ...feed.packetiserOptions, originUs: ORIGIN_US });
      startMs = performance.now();
      publishing = publish();
      host.setPicture(feed.id);
    });
    afterEach(async () => {
      isPublishing = false;
      await publishing;
      await host.close();
      await thread.close();
      viewer?.close();
      router.close();
    });

    async function publish(): Promise<void> {
      for (let i = 0; isPublishing; i += 1) {
        const frame = filmed[i % filmed.length]!;
        publishedUs = i * FRAME_US;
        packetiser.packetise({ ...frame, mediaTimeUs: publishedUs }, (packet) => feed.send(packet));
        host.speech('es', { kind: 'known', untilUs: headUs() + 800_000 });
        await sleep(Math.max(0, ((i + 1) * FRAME_US - nowUs()) / 1000));
      }
    }

    /** Somebody is to be heard to say the same again and again. */
    function say(startUs: number, seconds: number): void {
      const endUs = startUs + seconds * 1e6;
      const phonemes = Array.from({ length: seconds * 8 }, (_, i) => ({
        phoneme: ['m', 'a', 'l', 'o'][i % 4]!,
        startUs: startUs + i * 125_000,
      }));
      const pcm = Float32Array.from(
        { length: seconds * 48_000 },
        (_, i) => 0.3 * Math.sin(i / 40) * Math.sin(i / 2000),
      );
      host.speech('es', { kind: 'dubbed-span', startUs, endUs });
      host.speech('es', { kind: 'utterance', startUs, endUs, phonemes, pcm });
    }

    async function watch(producerId: string): Promise<void> {
      let receiver: RtpTrackReceiver | undefined;
      const tap = await router.createTap({ producerId, onPacket: (raw) => receiver?.push(raw, nowUs()) });
      viewer = tap;
      receiver = new RtpTrackReceiver({
        codec,
        payloadType: tap.payloadType,
        captureTimeId: tap.captureTimeId,
        timeline: new MediaTimeline({ originUs: ORIGIN_US }),
        onFrame: (frame) => received.push({ frame, headUs: headUs() }),
      });
    }

    const gone = (count: number) =>
      expect.poll(() => received.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(count);

    it('go out when synced sound comes to them, marked, and a viewer gets a keyframe when it asks for one', async () => {
      host.setDemand('es', true);
      say(1_500_000, 60);
      await gone(110);
      const { frame: first } = received[0]!;
      expect(first.keyframe).toBe(true);
      for (const [i, { frame, headUs: at }] of received.entries()) {
        // In step with the sound: never before it, and no later than a busy machine's timers.
        expect(at).toBeGreaterThanOrEqual(frame.mediaTimeUs - 1000);
        if (i > 0) expect(frame.mediaTimeUs).toBeGreaterThan(received[i - 1]!.frame.mediaTimeUs);
        // The time of the picture that was sent.
        expect(Math.abs(frame.mediaTimeUs % FRAME_US)).toBeLessThan(20);
      }
      const lateUs = received.map(({ frame, headUs: at }) => at - frame.mediaTimeUs).sort((a, b) => a - b);
      expect(lateUs[Math.floor(lateUs.length * 0.5)]).toBeLessThan(40_000);
      expect(lateUs[Math.floor(lateUs.length * 0.95)]).toBeLessThan(250_000);

      const before = received.length;
      const keyframes = () => received.slice(before).filter(({ frame }) => frame.keyframe).length;
      expect(received.slice(before - 20).some(({ frame }) => frame.keyframe)).toBe(false);
      await viewer!.requestKeyframe();
      await expect.poll(keyframes, { timeout: 2000 }).toBeGreaterThan(0);

      const detector = await VideoMarkDetector.create({ keys: [key] });
      const pictures: Picture[] = [];
      const decoder = new LivePictureDecoder({
        signal: router.closed,
        maxWaitingUs: 60_000_000,
        onPicture: (picture) => void pictures.push(picture),
        onKeyframeWanted: () => undefined,
      });
      const wanted = received.slice(0, 110).map(({ frame }) => frame);
      for (const frame of wanted) decoder.push(frame);
      await expect.poll(() => pictures.length, { timeout: 8000 }).toBe(wanted.length);
      await decoder.close();
      for (const { widthPx, heightPx, bytes, mediaTimeUs } of pictures)
        detector.push({ data: bytes, width: widthPx, height: heightPx, strideBytes: widthPx }, mediaTimeUs);
      expect(detector.finish().findings.map(({ payload }) => payload.rendition)).toContain(RENDITION);

      const told = messages.filter(({ state }) => state === 'active').at(-1)!;
      // A busy machine makes fewer pictures.
      expect(told.fps).toBeGreaterThan(4);
      expect(told.computeMs).toBeGreaterThan(0);
      expect(told.computeMs).toBeLessThan(1000);
      // A face follows what is said; where nobody is seen, that is why it does not.
      const spoken = messages.slice(0, -1);
      if (person) expect(Math.max(...spoken.map(({ strength }) => strength))).toBeGreaterThan(0.5);
      else expect(spoken.some(({ guards }) => (guards['no-face'] ?? 0) > 10)).toBe(true);
      expect(failures).toEqual([]);
    });

    once('cost nothing within a second after nobody watches any more, and begin again', async () => {
      host.setDemand('es', true);
      await gone(10);
      host.setDemand('es', false);
      expect(messages.at(-1)).toMatchObject({ language: 'es', state: 'off' });
      await sleep(1000);
      expect(viewer!.consumer.closed).toBe(true);
      const [count, told] = [received.length, messages.length];
      await sleep(1500);
      expect(received.length).toBe(count);
      expect(messages.length).toBe(told);
      host.setDemand('es', true);
      await gone(count + 10);
      expect(received[count]!.frame.keyframe).toBe(true);
    });

    once('go out to the last, though none follows', async () => {
      host.setDemand('es', true);
      await gone(10);
      isPublishing = false;
      await publishing;
      host.speech('es', { kind: 'known', untilUs: publishedUs + 5_000_000 });
      // A decoder gives its last picture out with the next, and a busy machine makes every other one.
      const lastUs = publishedUs - 3 * FRAME_US;
      const madeUs = () => received.at(-1)!.frame.mediaTimeUs;
      await expect.poll(madeUs, { timeout: 10_000 }).toBeGreaterThanOrEqual(lastUs);
    });

    once('are back after the face thread has died', async () => {
      host.setDemand('es', true);
      await gone(10);
      const user = {};
      const faces = await thread.acquire(user, router.closed);
      await faces.close();
      thread.release(user);
      await expect.poll(() => failures.length, { timeout: 3000 }).toBeGreaterThan(0);
      await sleep(300);
      const count = received.length;
      await gone(count + 10);
    });

    once('follow the operator’s delay', async () => {
      host.setDemand('es', true);
      await gone(10);
      delayMs = 3000;
      host.setDelay(delayMs);
      await sleep(1500);
      const count = received.length;
      await gone(count + 20);
      for (const { frame, headUs: at } of received.slice(count))
        expect(at).toBeGreaterThanOrEqual(frame.mediaTimeUs - 1000);
      delayMs = 2000;
      host.setDelay(delayMs);
      const later = received.length;
      await gone(later + 60);
      const { frame, headUs: at } = received.at(-1)!;
      expect(at - frame.mediaTimeUs).toBeLessThan(200_000);
    });
  },
);
