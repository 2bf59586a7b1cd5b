import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { DUBBED_FILE_SOURCE_TYPE } from '../../../pipeline/media/disclosure.ts';
import { MediaFixtures, onsetsMs } from '../../../pipeline/media/media-fixtures.ts';
import { flashAndBeep } from '../ingest/test-support.ts';
import { ChannelRecorder, type ChannelRecorderOptions, viewRecording } from './channel-recorder.ts';
import { finishRecording } from './finish-recording.ts';
import { isUnfinished, readState } from './recording-state.ts';
import { brightness, finished, h264Clip, SECOND_US, START_US, vp8Pictures } from './test-support.ts';

const signal = new AbortController().signal;
const FACE = 'face:es:synced';
/** A disk and a processor that others use, too. */
const PATIENTLY = { timeout: 30_000 };

/** The picture as filmed flashes for a moment every two seconds; the one that is moved is white throughout. */
describe('the file of a moved picture', () => {
  const fixtures = new MediaFixtures();
  let video: EncodedFrame[];
  let audio: EncodedFrame[];
  let filmedVp8: EncodedFrame[];

  beforeAll(() => {
    ({ video, audio } = h264Clip(fixtures, 12));
    filmedVp8 = vp8Pictures(fixtures, { name: 'filmed', input: flashAndBeep(12), fromUs: START_US });
  });
  afterAll(() => fixtures.remove());

  const at = (seconds: number) => START_US + seconds * SECOND_US;
  /** White pictures from one time of the recording to another; each stretch begins with a keyframe. */
  const moved = (fromS: number, toS: number, size = '320x240') => {
    const input = ['-f', 'lavfi', '-i', `color=white:s=${size}:r=25:d=${toS - fromS}`];
    return vp8Pictures(fixtures, { name: `moved-${fromS}`, input, fromUs: at(fromS) });
  };
  const start = (name: string, options: Partial<ChannelRecorderOptions> = {}) =>
    ChannelRecorder.start({
      folder: fixtures.path(name),
      ...{ id: name, title: 'A talk', from: 'en', startedAt: '2026-01-02T03:04:05.000Z', startUs: START_US },
      ...options,
    });
  const push = (recorder: ChannelRecorder, filmed: EncodedFrame[], faces: EncodedFrame[]) => {
    for (const frame of filmed) recorder.push('live:video', frame);
    for (const frame of audio) for (const key of ['live:audio', 'mix:es:synced']) recorder.push(key, frame);
    for (const frame of faces) recorder.push(FACE, frame);
    const clause = { kind: 'clause', clauseId: 0, confidence: 1, startUs: at(1), endUs: at(3) } as const;
    recorder.pushText({ ...clause, text: 'Good evening.' });
    recorder.pushText({ ...clause, kind: 'translation', language: 'es', text: 'Buenas noches.' });
  };
  /** Where a file is white for longer than a flash, ms. */
  const whiteMs = (file: string) => {
    const spans: { fromMs: number; toMs: number }[] = [];
    for (const { ms, isBright } of brightness(file)) {
      const last = spans.at(-1);
      if (isBright && last?.toMs === Number.POSITIVE_INFINITY) continue;
      if (isBright) spans.push({ fromMs: Math.round(ms), toMs: Number.POSITIVE_INFINITY });
      else if (last?.toMs === Number.POSITIVE_INFINITY) last.toMs = Math.round(ms);
    }
    return spans.filter(({ fromMs, toMs }) => toMs - fromMs > 500);
  };

  it('has the dub, its captions and the picture of all the time, moved where it was', async () => {
    const told: unknown[] = [];
    const recorder = await start('faces', { onChange: () => told.push(recorder.view(String).faces) });
    // Every second one is left out for a while, and the last is left out before the switch is turned off.
    const first = moved(2, 6).filter((_, i) => i < 50 || i % 2 === 0);
    push(recorder, filmedVp8, [...first, ...moved(8, 10)]);
    expect(recorder.view(String).faces).toEqual([]);
    const recorded = [{ language: 'es', state: 'recording' }];
    await expect.poll(() => told.at(-1), PATIENTLY).toEqual(recorded);
    expect(recorder.view(String).faces).toEqual(recorded);
    const state = await finished(recorder);
    const view = viewRecording(state, (file) => `/x/${file}`);
    const download = '/x/recording.es.face.mp4';
    expect(view.faces).toEqual([{ language: 'es', state: 'done', download, movedMs: expect.any(Number) }]);
    // Two stretches, to their last pictures.
    expect(Math.abs(view.faces[0]!.movedMs! - 5900)).toBeLessThan(100);
    const [whole, face] = ['recording.mp4', 'recording.es.face.mp4'].map((name) =>
      path.join(recorder.folder, name),
    ) as [string, string];
    expect(whiteMs(whole)).toEqual([]);
    expect(whiteMs(face)).toEqual([
      { fromMs: 2000, toMs: 5960 },
      { fromMs: 8000, toMs: 10_000 },
    ]);
    const times = (file: string) => brightness(file).map(({ ms }) => ms);
    expect(times(face)).toEqual(times(whole));
    const { streams, format } = fixtures.probe(face);
    expect(streams.map((one) => one.codec_name)).toEqual(['h264', 'aac', 'mov_text']);
    expect(streams[1]).toMatchObject({
      tags: { language: 'spa', handler_name: 'Español (AI dub)' },
      disposition: { default: 1, dub: 1 },
    });
    expect(onsetsMs(fixtures.decode(face, 0))).toEqual(onsetsMs(fixtures.decode(whole, 1)));
    expect((format.tags as Record<string, string>).comment).toMatch(/AI dub.*lips .* were moved/u);
    expect((format.tags as Record<string, string>).title).toBe('A talk');
    const bytes = readFileSync(face, 'utf8');
    expect(bytes).toContain(`DigitalSourceType>${DUBBED_FILE_SOURCE_TYPE}<`);
    expect(bytes).toMatch(/<dc:description>[\s\S]*were moved by livedub/u);
    expect(existsSync(path.join(recorder.folder, '000-live-video.mkv'))).toBe(false);
  });

  it('follows a publisher who is away and comes back with another codec and size', async () => {
    const recorder = await start('codecs');
    const filmed = [
      ...filmedVp8.filter((frame) => frame.mediaTimeUs < at(4.5)),
      ...video.filter((frame) => frame.mediaTimeUs >= at(8)),
    ];
    const white = ['-f', 'lavfi', '-i', 'color=white:s=640x480:r=25:d=2'];
    const large = vp8Pictures(fixtures, { name: 'large', input: white, fromUs: at(8.2) });
    push(recorder, filmed, [...moved(2, 4), ...large]);
    await finished(recorder);
    const face = path.join(recorder.folder, 'recording.es.face.mp4');
    expect(whiteMs(face)).toEqual([
      { fromMs: 2000, toMs: 4000 },
      { fromMs: 8200, toMs: 10_200 },
    ]);
    expect(brightness(face).filter(({ ms }) => ms > 4550 && ms < 7950)).toEqual([]);
    expect(fixtures.probe(face).streams[0]).toMatchObject({ width: 640, height: 480 });
  });

  it('is made after a crash, also when the crash came while it was made', async () => {
    const recorder = await start('crash');
    push(recorder, video, moved(2, 6));
    await expect.poll(() => recorder.pendingBytes, PATIENTLY).toBe(0);
    // Nothing is closed; the last write was cut.
    const part = path.join(recorder.folder, '003-face-es-synced.mkv');
    truncateSync(part, Math.round(statSync(part).size * 0.6));
    const { folder } = recorder;
    const stop = new AbortController();
    const whole = finishRecording({
      ...{ folder, state: await readState(folder), signal: stop.signal },
      onState: () => stop.abort(),
    });
    await expect(whole).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    const left = await readState(folder);
    expect(left).toMatchObject({ state: 'done', faces: [{ language: 'es', state: 'pending' }] });
    expect(isUnfinished(left)).toBe(true);
    expect(viewRecording(left, String)).toMatchObject({
      download: 'recording.mp4',
      faces: [{ language: 'es', state: 'finishing' }],
    });
    const made = statSync(path.join(folder, 'recording.mp4')).mtimeMs;
    const state = await finishRecording({ folder, state: left, signal });
    expect(isUnfinished(state)).toBe(false);
    expect(state.parts).toEqual([]);
    expect(statSync(path.join(folder, 'recording.mp4')).mtimeMs).toBe(made);
    const [span] = whiteMs(path.join(folder, 'recording.es.face.mp4'));
    expect(span!.fromMs).toBe(2000);
    expect(span!.toMs).toBeGreaterThan(3000);
    expect(span!.toMs).toBeLessThan(6000);
  });

  it('fails alone, and says why', async () => {
    const recorder = await start('broken');
    push(recorder, filmedVp8, moved(2, 4));
    await expect.poll(() => recorder.pendingBytes, PATIENTLY).toBe(0);
    await recorder.close();
    const part = path.join(recorder.folder, '003-face-es-synced.mkv');
    writeFileSync(part, 'nothing of a picture');
    const { folder } = recorder;
    const state = await finishRecording({ folder, state: await readState(folder), signal });
    expect(state.state).toBe('done');
    expect(state.error).toBeUndefined();
    expect(viewRecording(state, String)).toMatchObject({
      download: 'recording.mp4',
      faces: [{ language: 'es', state: 'failed', error: { code: 'LIVEDUB_E_INPUT_UNREADABLE' } }],
    });
    expect(isUnfinished(await readState(folder))).toBe(false);
    // What it was to be made of is there for who can mend it.
    expect(existsSync(part)).toBe(true);
  });

  it('ends while it is recorded when it cannot be written, and the recording goes on', async () => {
    const recorder = await start('unwritable');
    // The fourth track's file is there already.
    writeFileSync(path.join(recorder.folder, '003-face-es-synced.mkv'), '');
    push(recorder, filmedVp8, moved(2, 4));
    const state = await finished(recorder);
    expect(state).toMatchObject({
      state: 'done',
      faces: [{ language: 'es', state: 'failed', error: { code: 'LIVEDUB_E_OUTPUT_NOT_WRITABLE' } }],
    });
    expect(whiteMs(path.join(recorder.folder, 'recording.mp4'))).toEqual([]);
  });

  it('gives way to everything else when the disk is slow, and goes on at a keyframe', async () => {
    const filmed = filmedVp8.slice(0, 200);
    const sound = audio.slice(0, 200);
    const bytes = [...filmed, ...sound].reduce((sum, { data }) => sum + data.length, 0);
    const recorder = await start('slow', { maxPendingBytes: 1.5 * bytes });
    for (const frame of filmed) recorder.push('live:video', frame);
    for (const frame of sound) recorder.push('mix:es:synced', frame);
    expect(recorder.pendingBytes).toBeGreaterThan(0.9 * bytes);
    const [first, second, third] = [moved(2, 3), moved(3, 4), moved(5, 6)];
    for (const frame of [...first, ...second.slice(0, 10)]) recorder.push(FACE, frame);
    await expect.poll(() => recorder.pendingBytes, PATIENTLY).toBe(0);
    for (const frame of [...second.slice(10), ...third]) recorder.push(FACE, frame);
    expect((await finished(recorder)).state).toBe('done');
    expect(whiteMs(path.join(recorder.folder, 'recording.es.face.mp4'))).toEqual([
      { fromMs: 5000, toMs: 6000 },
    ]);
  });
});
