import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { DUBBED_FILE_SOURCE_TYPE } from '../../../pipeline/media/disclosure.ts';
import { MediaFixtures, onsetsMs } from '../../../pipeline/media/media-fixtures.ts';
import { flashAndBeep } from '../ingest/test-support.ts';
import { ChannelRecorder, type ChannelRecorderOptions, viewRecording } from './channel-recorder.ts';
import { finishRecording } from './finish-recording.ts';
import { readState } from './recording-state.ts';
import { finished, flashesMs, h264Clip, SECOND_US, START_US, vp8Pictures } from './test-support.ts';

const signal = new AbortController().signal;

describe('ChannelRecorder', () => {
  const fixtures = new MediaFixtures();
  afterAll(() => fixtures.remove());

  const clip = (seconds: number) => h264Clip(fixtures, seconds);
  const vp8 = (size: string, seconds: number, fromUs: number) => {
    const input = flashAndBeep(seconds).map((arg) => arg.replace('320x240', size));
    return vp8Pictures(fixtures, { name: size, input, fromUs });
  };

  async function start(
    name: string,
    options: Partial<ChannelRecorderOptions> = {},
  ): Promise<ChannelRecorder> {
    return ChannelRecorder.start({
      ...options,
      folder: fixtures.path(`recordings/${name}`),
      ...{ id: name, title: 'A talk', from: 'en', startedAt: '2026-01-02T03:04:05.000Z', startUs: START_US },
    });
  }

  /** Largest step from one picture to the next, ms. */
  function widestStepMs(file: string): number {
    const out = execFileSync('ffprobe', [
      ...[
        '-v',
        'error',
        '-select_streams',
        'v:0',
        '-show_entries',
        'packet=pts_time',
        '-of',
        'csv=p=0',
        file,
      ],
    ]);
    const times = out
      .toString()
      .split('\n')
      .map(Number.parseFloat)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    return Math.max(...times.slice(1).map((time, i) => (time - times[i]!) * 1000));
  }

  const near = (got: readonly number[], wanted: readonly number[], toleranceMs = 25) => {
    expect(got.map((ms) => Math.round(ms / 1000))).toEqual(wanted.map((ms) => ms / 1000));
    got.forEach((ms, i) => {
      expect(Math.abs(ms - wanted[i]!)).toBeLessThan(toleranceMs);
    });
  };
  const inHole = (frame: EncodedFrame) =>
    frame.mediaTimeUs >= START_US + 6 * SECOND_US && frame.mediaTimeUs < START_US + 11 * SECOND_US;

  it('keeps picture, sound and dub on media time over a hole of 5 s, in an MP4 that says what each track is', async () => {
    const { video, audio } = clip(16);
    const recorder = await start('hole');
    for (const frame of video) if (!inHole(frame)) recorder.push('live:video', frame);
    for (const frame of audio) {
      if (!inHole(frame)) recorder.push('live:audio', frame);
      // The dub is switched on later, and comes later.
      if (frame.mediaTimeUs > START_US + 4 * SECOND_US) recorder.push('mix:es:synced', frame);
    }
    const at = (seconds: number) => START_US + seconds * SECOND_US;
    const clause = { kind: 'clause', clauseId: 0, confidence: 1, startUs: at(1), endUs: at(3) } as const;
    recorder.pushText({ ...clause, text: 'Good evening.' });
    recorder.pushText({ ...clause, kind: 'translation', language: 'es', text: 'Buenas noches.' });
    recorder.pushText({
      ...{ kind: 'utterance', clauseId: 0, language: 'es', mode: 'synced', outcome: 'spoken' },
      ...{ startUs: at(1.5), endUs: at(3.5), rate: 1, afterClauseMs: 0 },
    });
    recorder.pushText({ ...clause, clauseId: 1, startUs: at(15), endUs: at(19), text: 'Cut short.' });
    recorder.pushText({ ...clause, clauseId: 2, startUs: at(17), endUs: at(19), text: 'Too late.' });
    expect(recorder.state).toBe('recording');
    const state = await finished(recorder);
    expect(state.state).toBe('done');
    // No caption makes it longer.
    expect(Math.abs(state.durationMs - 16_000)).toBeLessThan(100);
    const file = path.join(recorder.folder, 'recording.mp4');
    near(flashesMs(file), [1000, 3000, 5000, 11_000, 13_000, 15_000]);
    near(onsetsMs(fixtures.decode(file, 0)), [1000, 3000, 5000, 11_000, 13_000, 15_000]);
    near(onsetsMs(fixtures.decode(file, 1)), [5000, 7000, 9000, 11_000, 13_000, 15_000]);
    const { streams, format } = fixtures.probe(file);
    expect(streams.map((stream) => stream.codec_name)).toEqual([
      'h264',
      'aac',
      'aac',
      'mov_text',
      'mov_text',
    ]);
    const tags = streams.map((stream) => stream.tags as Record<string, string>);
    expect(tags.map((tag) => tag.language).slice(1)).toEqual(['eng', 'spa', 'eng', 'spa']);
    expect(tags[1]!.handler_name).toBe('English (original)');
    expect(tags[2]!.handler_name).toBe('Español (AI dub)');
    expect((format.tags as Record<string, string>).comment).toMatch(/AI dub.*synthetic speech/u);
    expect((format.tags as Record<string, string>).description).toContain(DUBBED_FILE_SOURCE_TYPE);
    expect(readFileSync(file, 'utf8')).toContain(`DigitalSourceType>${DUBBED_FILE_SOURCE_TYPE}<`);
    const spanish = readFileSync(path.join(recorder.folder, 'es.vtt'), 'utf8');
    expect(spanish).toMatch(/^WEBVTT\n.*\n\nNOTE AI dub /su);
    expect(spanish).toContain('00:00:00.000 --> 00:00:01.500\n[Doblado con IA]');
    expect(spanish).toContain('00:00:01.500 --> 00:00:03.500\nBuenas noches.');
    expect(readFileSync(path.join(recorder.folder, 'en.vtt'), 'utf8')).not.toMatch(/NOTE|\[/u);
    expect(readFileSync(path.join(recorder.folder, 'en.srt'), 'utf8')).toContain(
      '00:00:01,000 --> 00:00:03,000\nGood evening.',
    );
    const english = readFileSync(path.join(recorder.folder, 'en.vtt'), 'utf8');
    expect(english).toMatch(/00:00:15\.000 --> 00:00:(15\.9|16\.0)\d\d\nCut short\.\n\n$/u);
    const view = viewRecording(state, (name) => `/x/${name}`);
    expect(view.download).toBe('/x/recording.mp4');
    expect(view.captions.map((one) => one.language)).toEqual(['en', 'es']);
    // The picture was copied, and what it was made of is gone.
    expect(existsSync(path.join(recorder.folder, '000-live-video.mkv'))).toBe(false);
  });

  it('ends soon after what was filmed, however long a dub goes on in silence', async () => {
    const { video, audio } = clip(16);
    const until = (seconds: number) => (frame: EncodedFrame) =>
      frame.mediaTimeUs < START_US + seconds * SECOND_US;
    const recorder = await start('tail');
    for (const frame of video.filter(until(4))) recorder.push('live:video', frame);
    for (const frame of audio.filter(until(5))) recorder.push('live:audio', frame);
    for (const frame of audio) recorder.push('mix:es:synced', frame);
    const { durationMs } = await finished(recorder);
    expect(Math.abs(durationMs - 10_000)).toBeLessThan(200);
    const file = path.join(recorder.folder, 'recording.mp4');
    near(onsetsMs(fixtures.decode(file, 1)), [1000, 3000, 5000, 7000, 9000]);
  });

  it('asks for a keyframe once a second while a picture waits for one', async () => {
    let asked = 0;
    const recorder = await start('keyframes', { onKeyframeWanted: () => (asked += 1) });
    const [key, ...later] = vp8('160x120', 4, START_US);
    for (const frame of later.slice(0, 49)) recorder.push('face:es:synced', frame);
    expect(asked).toBe(2);
    recorder.push('face:es:synced', { ...key!, mediaTimeUs: START_US + 2 * SECOND_US });
    for (const frame of later.slice(50)) recorder.push('face:es:synced', frame);
    expect(asked).toBe(2);
    await recorder.close();
  });

  it('follows a VP8 picture that changes its size, and a publisher that comes back with H.264', async () => {
    const recorder = await start('sizes');
    const { video, audio } = clip(12);
    for (const frame of audio) recorder.push('live:audio', frame);
    const frames = [
      ...vp8('160x120', 4, START_US),
      ...vp8('640x360', 4, START_US + 4 * SECOND_US),
      ...video.filter((frame) => frame.mediaTimeUs >= START_US + 8 * SECOND_US),
    ];
    for (const frame of frames) recorder.push('live:video', frame);
    await finished(recorder);
    const file = path.join(recorder.folder, 'recording.mp4');
    const wanted = [1000, 3000, 5000, 7000, 9000, 11_000];
    near(flashesMs(file), wanted);
    near(onsetsMs(fixtures.decode(file, 0)), wanted);
    // Where the codec changes, FFmpeg's joining of the two may cost one picture.
    expect(widestStepMs(file)).toBeLessThan(90);
    const picture = fixtures.probe(file).streams[0]!;
    expect([picture.codec_name, picture.width, picture.height]).toEqual(['h264', 640, 360]);
  });

  it('finishes what a crash left, up to the last whole frame', async () => {
    const { video, audio } = clip(8);
    const recorder = await start('crash');
    for (const frame of video) recorder.push('live:video', frame);
    for (const frame of audio) recorder.push('live:audio', frame);
    await expect.poll(() => recorder.pendingBytes, { timeout: 30_000 }).toBe(0);
    // Nothing is closed or finished; the last write was cut.
    truncateSync(path.join(recorder.folder, '000-live-video.mkv'), 60_000);
    const left = await readState(recorder.folder);
    expect(left.state).toBe('recording');
    const finished = await finishRecording({ folder: recorder.folder, state: left, signal });
    expect(finished).toMatchObject({ state: 'done', id: 'crash' });
    expect(Math.abs(finished.durationMs - 8000)).toBeLessThan(100);
    near(onsetsMs(fixtures.decode(path.join(recorder.folder, 'recording.mp4'), 0)), [1000, 3000, 5000, 7000]);
  });

  it('records sound without a picture, and says so when nothing came', async () => {
    const { audio } = clip(4);
    const recorder = await start('sound');
    for (const frame of audio) recorder.push('live:audio', frame);
    expect((await finished(recorder)).state).toBe('done');
    const empty = await start('empty');
    expect(await finished(empty)).toMatchObject({
      ...{ state: 'failed', error: { code: 'LIVEDUB_E_INPUT_UNREADABLE' } },
    });
  });

  it('has its folder for itself, and leaves none when it cannot begin', async () => {
    const recorder = await start('alone');
    const folder = path.join(recorder.folder, '..');
    await expect(start('alone')).rejects.toMatchObject({ code: 'LIVEDUB_E_OUTPUT_NOT_WRITABLE' });
    expect(await readState(recorder.folder)).toMatchObject({ id: 'alone', state: 'recording' });
    await recorder.close();
    const before = readdirSync(folder);
    await expect(start('x'.repeat(300))).rejects.toMatchObject({ code: 'LIVEDUB_E_OUTPUT_NOT_WRITABLE' });
    expect(readdirSync(folder)).toEqual(before);
  });

  it('fails by itself when the disk cannot keep up, and takes frames without complaint', async () => {
    const { audio } = clip(4);
    let changes = 0;
    const recorder = await ChannelRecorder.start({
      folder: fixtures.path('slow'),
      ...{ id: 'slow', title: 'A talk', from: 'en', startedAt: '2026-01-02T03:04:05.000Z' },
      maxPendingBytes: 1000,
      onChange: () => {
        changes += 1;
      },
    });
    for (const frame of audio) recorder.push('live:audio', frame);
    expect(recorder.state).toBe('failed');
    expect(recorder.view(String).error?.code).toBe('LIVEDUB_E_CHANNEL_OVERFLOW');
    expect(changes).toBe(1);
    await recorder.close();
  });
});
