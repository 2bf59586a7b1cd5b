import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MediaFixtures } from '../../../pipeline/media/media-fixtures.ts';
import { MediaTimeline } from '../../../pipeline/rtp/media-time.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import { workerBin } from '../../../sfu/test-support.ts';
import { SfuWorkerPool } from '../../../sfu/worker-pool.ts';
import { IngestListeners } from './ingest-listeners.ts';
import { flashAndBeep, TestReceiver } from './test-support.ts';
import { ToolIngest } from './tool-ingest.ts';

const KEY = 'a-stream_key-1234567890';

describe.skipIf(workerBin === undefined)('SRT and RTMP listeners', () => {
  const fixtures = new MediaFixtures();
  let pool: SfuWorkerPool;
  let router: SfuRouter;
  let listeners: IngestListeners;
  let publishers: ChildProcess[] = [];
  const ingests: ToolIngest[] = [];
  const notices: string[] = [];
  let waiting: ((ingest: ToolIngest) => void)[] = [];
  let clips: Record<'plain' | 'bframes' | 'two' | 'flv' | 'soundless' | 'silentFilm', string>;
  let speechTrack: number | undefined;

  beforeAll(async () => {
    pool = await SfuWorkerPool.start({ workerBin: workerBin!, count: 1 });
    const plain = ['-c:v', 'libx264', '-profile:v', 'baseline', '-g', '25', '-pix_fmt', 'yuv420p'];
    const plainTs = fixtures.make('plain.ts', ...flashAndBeep(9), ...plain, '-c:a', 'aac');
    clips = {
      plain: plainTs,
      bframes: fixtures.make(
        'bframes.ts',
        ...flashAndBeep(9),
        ...['-c:v', 'libx264', '-bf', '3', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
      ),
      two: fixtures.make(
        'two.ts',
        ...flashAndBeep(6),
        ...['-f', 'lavfi', '-i', 'sine=f=300:d=6', '-map', '0:v', '-map', '1:a', '-map', '2:a'],
        ...plain,
        ...['-c:a', 'aac'],
      ),
      flv: fixtures.make('plain.flv', '-i', plainTs, '-c', 'copy', '-bsf:a', 'aac_adtstoasc'),
      soundless: fixtures.make('v.ts', '-i', plainTs, '-map', '0:v', '-c', 'copy'),
      silentFilm: fixtures.make('a.ts', '-i', plainTs, '-map', '0:a', '-c', 'copy'),
    };
  });
  afterAll(async () => {
    await pool?.close();
    fixtures.remove();
  });

  beforeEach(async () => {
    router = await pool.createRouter();
    notices.length = 0;
    ingests.length = 0;
    speechTrack = undefined;
    listeners = await IngestListeners.start({
      router: () => router,
      streamKey: KEY,
      speechTrack: () => speechTrack,
      onIngest: (ingest) => {
        ingests.push(ingest);
        for (const resolve of waiting.splice(0)) resolve(ingest);
      },
      onNotice: (message) => notices.push(message),
    });
  });
  afterEach(async () => {
    for (const child of publishers) child.kill('SIGKILL');
    publishers = [];
    waiting = [];
    await listeners.close();
    router.close();
    expect(notices.join('\n')).not.toContain(KEY);
  });

  function publish(file: string, url: string): ChildProcess {
    const format = url.startsWith('srt') ? 'mpegts' : 'flv';
    const args = ['-v', 'error', '-nostdin', '-re', '-i', file, '-map', '0', '-c', 'copy'];
    if (format === 'flv' && file.endsWith('.ts')) args.push('-bsf:a', 'aac_adtstoasc');
    const child = spawn('ffmpeg', [...args, '-f', format, url], { stdio: 'ignore' });
    publishers.push(child);
    return child;
  }

  const nextIngest = () => new Promise<ToolIngest>((resolve) => waiting.push(resolve));

  async function receive(ingest: ToolIngest): Promise<{ video: TestReceiver; audio: TestReceiver }> {
    const timeline = new MediaTimeline();
    const video = await TestReceiver.open(router, ingest.video!, timeline);
    const audio = await TestReceiver.open(router, ingest.audio!, timeline);
    ingest.start();
    expect(await ingest.ended).toBeUndefined();
    await sleep(100);
    return { video, audio };
  }

  function expectInStep({ video, audio }: { video: TestReceiver; audio: TestReceiver }): void {
    const flashes = video.flashesMs(fixtures.path('got.h264'));
    const beeps = audio.beepsMs();
    expect(flashes.length).toBeGreaterThanOrEqual(3);
    expect(beeps.length).toBe(flashes.length);
    const offsets = flashes.map((flash, i) => beeps[i]! - flash);
    console.log(`sound minus picture: ${offsets.map((ms) => ms.toFixed(1)).join(' ')} ms`);
    for (const offset of offsets) expect(Math.abs(offset)).toBeLessThan(40);
  }

  /** Largest deviation of arrival from media time, ms: how steadily packets come. */
  function jitterMs({ frames, arrivalsMs }: TestReceiver): number {
    const delays = frames.map((frame, i) => arrivalsMs[i]! - frame.mediaTimeUs / 1000).sort((a, b) => a - b);
    return delays[Math.floor(delays.length * 0.95)]! - delays[0]!;
  }

  it('passes on the picture of an SRT publisher as it is, with the sound in step, at the pace of real time', async () => {
    const first = nextIngest();
    const started = performance.now();
    publish(clips.plain, listeners.srtUrl);
    const ingest = await first;
    console.log(`SRT: tracks after ${(performance.now() - started).toFixed(0)} ms`);
    expect(ingest.copiesPicture).toBe(true);
    const got = await receive(ingest);
    expectInStep(got);
    // Nothing of the publisher's first moments is lost: the first flash comes a second after the first picture.
    const [firstFlash] = got.video.flashesMs(fixtures.path('got.h264'));
    expect(firstFlash! - got.video.frames[0]!.mediaTimeUs / 1000).toBeCloseTo(1000, 0);
    expect(got.video.frames.length).toBeGreaterThanOrEqual(200);
    expect(got.audio.frames.length).toBeGreaterThanOrEqual(400);
    expect(got.audio.reports).toBeGreaterThan(3);
    console.log(
      `arrival P95: sound ${jitterMs(got.audio).toFixed(1)} picture ${jitterMs(got.video).toFixed(1)} ms`,
    );
    expect(jitterMs(got.audio)).toBeLessThan(60);
    // The listener is there again.
    const second = nextIngest();
    publish(clips.plain, listeners.srtUrl);
    (await second).close();
  });

  it('encodes a picture with B-frames, still in step', async () => {
    const first = nextIngest();
    publish(clips.bframes, listeners.srtUrl);
    const ingest = await first;
    expect(ingest.copiesPicture).toBe(false);
    expectInStep(await receive(ingest));
  });

  it('takes RTMP with the right key, and lets the same publisher take over from its lost connection', async () => {
    const first = nextIngest();
    const started = performance.now();
    publish(clips.flv, listeners.rtmpUrl);
    const lost = await first;
    console.log(`RTMP: tracks after ${(performance.now() - started).toFixed(0)} ms`);
    expect(lost.copiesPicture).toBe(true);
    lost.start();
    publishers[0]!.kill('SIGSTOP');
    const second = nextIngest();
    publish(clips.flv, listeners.rtmpUrl);
    const ingest = await second;
    await lost.ended;
    expectInStep(await receive(ingest));
    expect(ingest.health().protocol).toBe('rtmp');
  });

  it('plays a file as an ingest, at the pace of its clock', async () => {
    const { signal } = new AbortController();
    const input = { kind: 'file', path: clips.bframes } as const;
    const ingest = await ToolIngest.open({ router, input, protocol: 'replay', signal });
    const started = performance.now();
    const got = await receive(ingest);
    expect((performance.now() - started) / 1000).toBeGreaterThan(8);
    expect(got.video.frames).toHaveLength(225);
    expectInStep(got);
  });

  it('turns away wrong keys and garbage, says so, and goes on listening', async () => {
    const wrongSrt = publish(clips.plain, listeners.srtUrl.replace(KEY, 'some-other-phrase'));
    const wrongRtmp = publish(clips.flv, listeners.rtmpUrl.replace(KEY, 'guess'));
    await Promise.all([wrongSrt, wrongRtmp].map((child) => new Promise((done) => child.once('exit', done))));
    const garbage = connect(Number(new URL(listeners.rtmpServer.replace('rtmp', 'http')).port), '127.0.0.1');
    garbage.on('error', () => {});
    garbage.write(Buffer.alloc(5000, 0x47));
    await new Promise((done) => garbage.once('close', done));
    expect(ingests).toHaveLength(0);
    expect(notices.some((line) => /SRT.*pass phrase/u.test(line))).toBe(true);
    expect(notices.some((line) => /RTMP.*stream key/u.test(line))).toBe(true);
    expect(notices.some((line) => /RTMP.*(does not speak|did not publish)/u.test(line))).toBe(true);
    // Bytes that are no transport stream, from somebody who has the pass phrase.
    const noise = spawn(
      'ffmpeg',
      [
        '-v',
        'error',
        '-re',
        '-f',
        'data',
        '-i',
        '/dev/urandom',
        '-map',
        '0',
        '-c',
        'copy',
        '-t',
        '3',
        '-f',
        'data',
        listeners.srtUrl,
      ],
      { stdio: 'ignore' },
    );
    publishers.push(noise);
    await expect
      .poll(() => notices.some((line) => /SRT: .*cannot be read/u.test(line)), { timeout: 20_000 })
      .toBe(true);
    noise.kill('SIGKILL');
    const next = nextIngest();
    await sleep(300);
    publish(clips.plain, listeners.srtUrl);
    (await next).close();
  });

  it('ends when a publisher vanishes, and listens for the next one', async () => {
    const first = nextIngest();
    const gone = publish(clips.plain, listeners.srtUrl);
    const ingest = await first;
    ingest.start();
    await sleep(500);
    gone.kill('SIGKILL');
    await ingest.ended;
    const next = nextIngest();
    await sleep(300);
    publish(clips.plain, listeners.srtUrl);
    (await next).close();
  });

  it('takes a picture without sound, sound without a picture, and a second sound as clean speech', async () => {
    for (const [clip, has] of [
      [clips.soundless, { audio: false, video: true, speech: false }],
      [clips.silentFilm, { audio: true, video: false, speech: false }],
      [clips.two, { audio: true, video: true, speech: true }],
    ] as const) {
      speechTrack = has.speech ? 1 : undefined;
      const next = nextIngest();
      const child = publish(clip, listeners.srtUrl);
      const ingest = await next;
      expect({
        audio: ingest.audio !== undefined,
        video: ingest.video !== undefined,
        speech: ingest.speech !== undefined,
      }).toEqual(has);
      ingest.close();
      expect(await ingest.ended).toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
      child.kill('SIGKILL');
      await sleep(500);
    }
  });
});
