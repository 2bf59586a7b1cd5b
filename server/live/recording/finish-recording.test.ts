import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaFixtures } from '../../../pipeline/media/media-fixtures.ts';
import { ChannelRecorder, viewRecording } from './channel-recorder.ts';
import { finishRecording } from './finish-recording.ts';
import { again, isUnfinished, type RecordingState, readState } from './recording-state.ts';
import { finished, h264Clip, START_US, vp8Pictures } from './test-support.ts';

const { signal } = new AbortController();
const PATIENTLY = { timeout: 60_000, interval: 5 };
const FACE = 'recording.es.face.mp4';

/** What goes wrong while the files of a recording are made, with a real disk and a real FFmpeg. */
describe('finishing a recording', () => {
  const fixtures = new MediaFixtures();
  /** A recording that has ended, and nothing made of it. */
  let ended: string;
  /** What its files take of a disk. */
  let sizesKb: { whole: number; face: number; sound: number };

  const files = (folder: string) => readdirSync(folder).sort();
  const finish = async (folder: string, state?: RecordingState) =>
    finishRecording({ folder, state: state ?? (await readState(folder)), signal });
  const copy = (to: string) => {
    cpSync(ended, to, { recursive: true });
    return to;
  };
  const plays = (file: string) => Number(fixtures.probe(file).format.duration);

  beforeAll(async () => {
    const seconds = 6;
    const { video, audio } = h264Clip(fixtures, seconds);
    const input = ['-f', 'lavfi', '-i', `testsrc2=s=320x240:r=25:d=${seconds}`];
    const moved = vp8Pictures(fixtures, { name: 'moved', input, fromUs: START_US });
    ended = fixtures.path('ended');
    const recorder = await ChannelRecorder.start({
      ...{ folder: ended, id: 'talk', title: 'A talk', from: 'en' },
      ...{ startedAt: '2026-01-02T03:04:05.000Z', startUs: START_US },
    });
    for (const frame of video) recorder.push('live:video', frame);
    for (const frame of audio) for (const key of ['live:audio', 'mix:es:synced']) recorder.push(key, frame);
    for (const frame of moved) recorder.push('face:es:synced', frame);
    await recorder.close();
    const folder = copy(fixtures.path('measured'));
    await finish(folder);
    const kb = (file: string) => Math.ceil(statSync(file).size / 4096) * 4;
    sizesKb = {
      ...{ whole: kb(path.join(folder, 'recording.mp4')), face: kb(path.join(folder, FACE)) },
      sound: kb(path.join(ended, files(ended).find((name) => name.endsWith('live-audio.mkv'))!)),
    };
  });
  afterAll(() => fixtures.remove());

  it('loses nothing when the disk is full, wherever that happens, and goes on when there is room', async (context) => {
    const disk = fixtures.path('disk');
    mkdirSync(disk);
    const mount = (...options: string[]) => execFileSync('mount', [...options, disk], { stdio: 'ignore' });
    const usedKb = () => {
      const { blocks, bfree, bsize } = statfsSync(disk);
      return ((blocks - bfree) * bsize) / 1024;
    };
    const { whole, face, sound } = sizesKb;
    // The original's sound makes room for the second file.
    const second = whole + face - sound;
    // None; while the index is put in front, where FFmpeg may exit with 0; the last bytes; and the same of the second file.
    const rooms = [0, whole - 8, whole - 4, whole + face / 2, second - 4];
    for (const roomKb of rooms.map((kb) => Math.ceil(kb / 4) * 4)) {
      try {
        mount('-t', 'tmpfs', '-o', 'size=64m', 'tmpfs');
      } catch {
        context.skip();
      }
      try {
        const folder = copy(path.join(disk, 'talk'));
        mount('-o', `remount,size=${usedKb() + roomKb}k`);
        let state = await finish(folder);
        const isWhole = roomKb > whole;
        const [one] = isWhole ? state.faces : [state];
        expect(one).toMatchObject({
          ...{ state: 'failed' },
          error: { code: 'LIVEDUB_E_OUTPUT_DISK_FULL', remedy: 'Free some space.' },
        });
        expect(existsSync(path.join(folder, 'recording.mp4'))).toBe(isWhole);
        expect(files(folder).filter((name) => name.endsWith('.mp4.part'))).toEqual([]);
        mount('-o', 'remount,size=64m');
        // The next start knows of it, also where there was no room to note it.
        const noted = again(await readState(folder));
        expect(isUnfinished(noted)).toBe(true);
        state = await finish(folder, noted);
        expect(state).toMatchObject({ state: 'done', faces: [{ language: 'es', state: 'done' }], parts: [] });
        expect(state.error).toBeUndefined();
        for (const name of ['recording.mp4', FACE])
          expect(plays(path.join(folder, name))).toBeGreaterThan(5.9);
        expect(await readState(folder)).toEqual(state);
      } finally {
        execFileSync('umount', [disk]);
      }
    }
  });

  // FFmpeg may be done before anybody can end it.
  it('says that FFmpeg was ended, keeps what it was making it of, and makes it when asked again', {
    retry: 5,
  }, async () => {
    const folder = copy(fixtures.path(`killed-${crypto.randomUUID()}`));
    const kill = async (name: string) => {
      const pids = () =>
        execFileSync('ps', ['-eo', 'pid=,args='])
          .toString()
          .split('\n')
          .filter((line) => line.includes(`file:${path.join(folder, name)}.part`) && /ffmpeg/.test(line))
          .map((line) => Number.parseInt(line, 10));
      await expect.poll(pids, PATIENTLY).not.toEqual([]);
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
    };
    const ending = {
      error: { code: 'LIVEDUB_E_WORKER_DIED', message: 'FFmpeg was ended before it was done.' },
    };
    const [unmade] = await Promise.all([finish(folder), kill('recording.mp4')]);
    expect(unmade).toMatchObject({ state: 'failed', ...ending });
    expect(unmade.parts.length).toBe(4);
    expect(viewRecording(unmade, String).faces).toEqual([{ language: 'es', state: 'failed' }]);
    const [whole] = await Promise.all([finish(folder, again(unmade)), kill(FACE)]);
    expect(whole).toMatchObject({ state: 'done', faces: [{ language: 'es', state: 'failed', ...ending }] });
    expect(whole.error).toBeUndefined();
    // The original's sound is in the first file, and in no other.
    expect(whole.parts.map(({ track }) => track).sort()).toEqual([
      ...['face:es:synced', 'live:video', 'mix:es:synced'],
    ]);
    const madeMs = statSync(path.join(folder, 'recording.mp4')).mtimeMs;
    const state = await finish(folder, again(whole));
    expect(state.faces).toMatchObject([{ language: 'es', state: 'done' }]);
    expect(statSync(path.join(folder, 'recording.mp4')).mtimeMs).toBe(madeMs);
    expect(files(folder).filter((name) => /mkv|part/.test(name))).toEqual([]);
  });

  it('says why a recording ended early, also when its file is made', async () => {
    const { audio } = h264Clip(fixtures, 6);
    const bytes = audio.reduce((sum, { data }) => sum + data.length, 0);
    const recorder = await ChannelRecorder.start({
      ...{ folder: fixtures.path('cut'), id: 'cut', title: 'A talk', from: 'en' },
      ...{ startedAt: '2026-01-02T03:04:05.000Z', maxPendingBytes: 0.45 * bytes },
    });
    for (const frame of audio.slice(0, 100)) recorder.push('live:audio', frame);
    await expect.poll(() => recorder.pendingBytes, PATIENTLY).toBe(0);
    for (const frame of audio.slice(100)) recorder.push('live:audio', frame);
    expect(recorder.state).toBe('failed');
    // A crash now loses nothing of it.
    await expect.poll(() => recorder.pendingBytes, PATIENTLY).toBe(0);
    await expect.poll(async () => isUnfinished(await readState(recorder.folder)), PATIENTLY).toBe(true);
    const state = await finished(recorder);
    expect(viewRecording(state, String)).toMatchObject({
      ...{ state: 'done', download: 'recording.mp4', error: { code: 'LIVEDUB_E_CHANNEL_OVERFLOW' } },
    });
    expect(existsSync(path.join(recorder.folder, 'recording.mp4'))).toBe(true);
  });
});
