import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { LivePictureEncoder } from '../../../pipeline/media/live-picture-encoder.ts';
import type { FaceChannelOptions, FaceThread } from '../../face/face-thread-client.ts';
import { RecentSpeech } from '../../face/recent-speech.ts';
import { FaceMaker } from './face-maker.ts';
import { SharedFaceThread } from './shared-face-thread.ts';
import { SourceSound } from './source-sound.ts';

const FRAME_US = 40_000;
const [widthPx, heightPx] = [64, 48];
const format = { widthPx, heightPx, colour: { matrix: 'bt601', range: 'limited' } } as const;

/** A thread that takes a while for each picture, one after the other, and makes it once one `holdsUs` later is there. */
function threadOf(costMs: () => number, opened: FaceChannelOptions[] = [], holdsUs = 0): FaceThread {
  const channel = (options: FaceChannelOptions) => {
    opened.push(options);
    let work: Promise<unknown> = Promise.resolve();
    const held: { mediaTimeUs: number; bytes: Uint8Array }[] = [];
    const self = {
      waiting: 0,
      push: async (pushed: { mediaTimeUs: number; bytes: Uint8Array }) => {
        self.waiting += 1;
        const done = work.then(async () => {
          held.push(pushed);
          while (held.length > 0 && held[0]!.mediaTimeUs + holdsUs <= pushed.mediaTimeUs) {
            const { mediaTimeUs, bytes } = held.shift()!;
            await sleep(costMs());
            const picture = { id: 'es', bytes, verdict: { strength: 1 }, isMarked: true };
            options.onPictures(mediaTimeUs, [picture], { trackMs: 0, reanimateMs: 0, markMs: 0 });
          }
          self.waiting -= 1;
        });
        work = done;
        if (self.waiting >= 4) await done;
      },
      add: () => undefined,
      close: () => undefined,
    };
    return self;
  };
  return {
    died: new AbortController().signal,
    channel,
    close: async () => undefined,
  } as unknown as FaceThread;
}

async function frames(count: number): Promise<EncodedFrame[]> {
  const args = ['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${widthPx}x${heightPx}:rate=25`];
  const raw = execFileSync('ffmpeg', [
    ...args,
    ...['-frames:v', String(count), '-pix_fmt', 'yuv420p', '-f', 'rawvideo', '-'],
  ]);
  const out: EncodedFrame[] = [];
  const encoder = new LivePictureEncoder({
    ...{ codec: 'vp8', format, signal: new AbortController().signal },
    onFrame: (frame) => out.push(frame),
  });
  const bytes = raw.length / count;
  for (let i = 0; i < count; i += 1) {
    encoder.push({ ...format, mediaTimeUs: i * FRAME_US, bytes: raw.subarray(i * bytes, (i + 1) * bytes) });
    while (out.length <= i) await sleep(1);
  }
  await encoder.close();
  return out;
}

/** Decoder real; the thread is as slow as a test says. */
describe('FaceMaker', () => {
  it('works on fewer pictures while the thread is too slow, and on none for a while where even that is too much', {
    timeout: 60_000,
  }, async () => {
    const stop = new AbortController();
    let costMs = 55;
    const shown: number[] = [];
    const startMs = performance.now();
    const headUs = () => (performance.now() - startMs) * 1000 - 800_000;
    const maker = new FaceMaker(
      {
        thread: new SharedFaceThread({ signal: stop.signal, open: async () => threadOf(() => costMs) }),
        ...{ consent: true, delayMs: 2000, headUs, signal: stop.signal },
        onKeyframeWanted: () => undefined,
        onPictures: (_format, mediaTimeUs) => shown.push(mediaTimeUs),
        onFailed: (error) => expect(error).toBeUndefined(),
      },
      new RecentSpeech(),
    );
    maker.add({ id: 'es', mark: { key: undefined as never, rendition: 1, strength: 'firm' } });
    expect(maker.state).toBe('starting');
    const film = await frames(25);
    let isOn = true;
    const publishing = (async () => {
      for (let i = Math.ceil((performance.now() - startMs) / 40); isOn; i += 1) {
        maker.push({ ...film[i % film.length]!, mediaTimeUs: i * FRAME_US });
        await sleep(Math.max(0, startMs + (i + 1) * 40 - performance.now()));
      }
    })();
    // 55 ms for a picture every 40 ms: half of them can be done.
    await expect.poll(() => maker.divisor, { timeout: 10_000 }).toBe(2);
    expect(maker.state).toBe('active');
    expect(maker.leftOutPictures).toBeGreaterThan(0);
    costMs = 400;
    await expect.poll(() => maker.state, { timeout: 10_000 }).toBe('overloaded');
    await sleep(1000);
    const count = shown.length;
    costMs = 1;
    await sleep(2000);
    expect(shown.length).toBe(count);
    await expect.poll(() => maker.state, { timeout: 12_000 }).not.toBe('overloaded');
    await expect.poll(() => maker.state, { timeout: 4000 }).toBe('active');
    isOn = false;
    await publishing;
    stop.abort();
    await maker.close();
  });

  it('does not take pictures that waited out a hole for a machine that is too slow', async () => {
    const stop = new AbortController();
    const open = async () => threadOf(() => 1, [], 400_000);
    // Long before: a busy machine makes nothing late here.
    let headUs = -3_000_000;
    const late: number[] = [];
    const maker = new FaceMaker(
      {
        thread: new SharedFaceThread({ signal: stop.signal, open }),
        ...{ consent: true, delayMs: 2000, headUs: () => headUs, signal: stop.signal },
        onKeyframeWanted: () => undefined,
        onPictures: (_format, mediaTimeUs) => {
          if (mediaTimeUs > 10_000_000) late.push(mediaTimeUs);
        },
        onFailed: (error) => expect(error).toBeUndefined(),
      },
      new RecentSpeech(),
    );
    const film = await frames(25);
    let mediaTimeUs = 0;
    const more = () => {
      maker.push({ ...film[(mediaTimeUs / FRAME_US) % film.length]!, mediaTimeUs });
      mediaTimeUs += FRAME_US;
      headUs += FRAME_US;
      return maker.state;
    };
    await expect.poll(more, { timeout: 20_000, interval: 40 }).toBe('active');
    // The start is over, and what comes late counts.
    for (let i = 0; i < 60; i += 1) {
      more();
      await sleep(40);
    }
    mediaTimeUs += 10_000_000;
    headUs += 10_000_000;
    const back = () => {
      more();
      return late.length;
    };
    await expect.poll(back, { timeout: 20_000, interval: 40 }).toBeGreaterThan(20);
    expect([maker.divisor, maker.state]).toEqual([1, 'active']);
    expect(maker.latePictures).toBeGreaterThan(5);
    stop.abort();
    await maker.close();
  });

  it('looks ahead as far as the delay leaves room, and begins anew only where that is another time', async () => {
    const stop = new AbortController();
    const opened: FaceChannelOptions[] = [];
    let shown = 0;
    const maker = new FaceMaker(
      {
        thread: new SharedFaceThread({ signal: stop.signal, open: async () => threadOf(() => 1, opened) }),
        ...{ consent: true, delayMs: 6000, headUs: () => -1_000_000, signal: stop.signal },
        onKeyframeWanted: () => undefined,
        onPictures: () => (shown += 1),
        onFailed: (error) => expect(error).toBeUndefined(),
      },
      new RecentSpeech(),
    );
    const film = await frames(25);
    let next = 0;
    const showMore = async () => {
      const before = shown;
      const more = () => {
        maker.push({ ...film[next % film.length]!, mediaTimeUs: next * FRAME_US });
        next += 1;
        return shown;
      };
      await expect.poll(more, { timeout: 20_000 }).toBeGreaterThan(before);
    };
    const aheads = () => opened.map(({ aheadUs }) => aheadUs);
    await showMore();
    maker.setDelay(8000);
    await showMore();
    expect(aheads()).toEqual([1_500_000]);
    maker.setDelay(2000);
    expect(maker.aheadUs).toBe(600_000);
    await showMore();
    expect(aheads()).toEqual([1_500_000, 600_000]);
    stop.abort();
    await maker.close();
  });
});

describe('SourceSound', () => {
  it('gives out what belongs to a picture, once, and keeps no more than the longest delay needs', () => {
    const sound = new SourceSound();
    const pcm = new Float32Array(1600);
    for (let i = 0; i < 400; i += 1) sound.add(pcm, i * 100_000);
    // Forty seconds came, the last twenty are there.
    const first = sound.until(25_000_000);
    expect(first[0]!.mediaTimeUs).toBe(19_900_000);
    expect(first.at(-1)!.mediaTimeUs).toBe(25_300_000);
    expect(sound.until(25_000_000)).toEqual([]);
    expect(sound.until(26_000_000)).toHaveLength(10);
  });
});
