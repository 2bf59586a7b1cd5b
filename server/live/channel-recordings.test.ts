import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';
import { ChannelRecordings } from './channel-recordings.ts';
import { ChannelSettingsSchema, type Notice } from './contract.ts';
import { DemandBook } from './demand.ts';
import { flashAndBeep } from './ingest/test-support.ts';
import type { Programme } from './programme.ts';
import { FinishingQueue } from './recording/finishing-queue.ts';
import { readState, writeState } from './recording/recording-state.ts';
import { h264Clip, START_US, vp8Pictures } from './recording/test-support.ts';

/** FFmpeg gives way to everything else. */
const PATIENTLY = { timeout: 60_000 };
const SECONDS = 4;
const END_US = START_US + SECONDS * 1_000_000;

describe('ChannelRecordings', () => {
  const fixtures = new MediaFixtures();
  let audio: EncodedFrame[];
  let picture: EncodedFrame[];

  beforeAll(() => {
    ({ audio } = h264Clip(fixtures, SECONDS));
    const input = flashAndBeep(SECONDS);
    picture = vp8Pictures(fixtures, { name: 'picture', input, fromUs: START_US });
  });
  afterAll(() => fixtures.remove());

  /** The recordings in one folder, as a server that has just started has them. */
  async function open(folder: string, finishing = new FinishingQueue()) {
    const asked: string[] = [];
    const notices: Omit<Notice, 'kind'>[] = [];
    const demand = new DemandBook(() => undefined);
    const programme = { nowUs: START_US, requestKeyframes: () => void asked.push('keyframes') };
    const recordings = new ChannelRecordings({
      channelId: 'talk',
      folder: fixtures.path(folder),
      settings: () =>
        ChannelSettingsSchema.parse({
          title: 'A talk',
          from: 'en',
          languages: [{ language: 'es', face: true }],
        }),
      programme: () => programme as unknown as Programme,
      demand,
      finishing,
      onChange: () => undefined,
      onNotice: (notice) => notices.push(notice),
    });
    await recordings.open();
    const view = () => recordings.views()[0]!;
    return { recordings, demand, asked, notices, view };
  }
  const push = (recordings: ChannelRecordings) => {
    for (const frame of picture)
      for (const key of ['live:video', 'face:es:synced', 'delayed:video'] as const)
        recordings.push(key, frame);
    for (const frame of audio)
      for (const key of ['live:audio', 'mix:es:synced', 'voice:es:synced'] as const)
        recordings.push(key, frame);
  };

  it('want lips moved while they run, and hand out both files when they are made', async () => {
    const { recordings, demand, asked, view } = await open('runs');
    const { id } = await recordings.start();
    expect(asked).toEqual(['keyframes']);
    expect(demand.of('es')).toMatchObject({ captions: true, face: true, synced: { mix: true } });
    expect(demand.listeners('es', recordings)).toBe(0);
    push(recordings);
    recordings.stop(END_US, 0);
    expect(demand.of('es').face).toBe(false);
    await expect.poll(() => view().state, PATIENTLY).toBe('done');
    // The first can be had while the second is made.
    const whole = await recordings.file(id, 'recording.mp4');
    expect(whole.downloadName).toMatch(/^A talk \d{4}-\d\d-\d\d\.mp4$/);
    await expect.poll(() => view().faces[0]?.state, PATIENTLY).toBe('done');
    expect(view().faces[0]!.download).toBe(`/v1/channels/talk/recordings/${id}/recording.es.face.mp4`);
    const face = await recordings.file(id, 'recording.es.face.mp4');
    expect(face.downloadName).toMatch(/^A talk \d{4}-\d\d-\d\d es\.face\.mp4$/);
    for (const path of [whole.path, face.path])
      expect((await readFile(path)).subarray(4, 8).toString()).toBe('ftyp');
    for (const wrong of ['recording.fr.face.mp4', 'recording.es.face.mp4.part', '000-live-video.mkv'])
      await expect(recordings.file(id, wrong)).rejects.toMatchObject({ code: 'LIVEDUB_E_NOT_FOUND' });
    await recordings.close();
  });

  it('are being finished as soon as they are ended, while the last of their dubs comes in', async () => {
    const { recordings, view } = await open('drains');
    await recordings.start();
    push(recordings);
    expect(view().state).toBe('recording');
    expect(recordings.stop(END_US, 60_000)?.state).toBe('finishing');
    expect(view().state).toBe('finishing');
    await expect(recordings.start()).rejects.toMatchObject({
      code: 'LIVEDUB_E_CONFLICT',
      message: 'The recording before is still taking in its last seconds.',
    });
    await recordings.close();
  });

  it('end by themselves when they cannot go on, with what they have, and the next one can begin', async () => {
    const { recordings, demand, notices, view } = await open('stuck');
    const { id } = await recordings.start();
    // The second track's file is there already.
    await writeFile(join(fixtures.path(`stuck/${id}`), '001-live-video.mkv'), '');
    for (const frame of audio) recordings.push('live:audio', frame);
    for (const frame of picture) recordings.push('live:video', frame);
    const error = {
      code: 'LIVEDUB_E_OUTPUT_NOT_WRITABLE',
      remedy: 'Let the server write to its data folder.',
    };
    await expect.poll(() => view().state, PATIENTLY).toBe('done');
    expect(view()).toMatchObject({ id, error, download: `/v1/channels/talk/recordings/${id}/recording.mp4` });
    expect(view().error!.message).toMatch(/^It ends early\. /);
    await expect.poll(() => notices.length, PATIENTLY).toBe(1);
    expect(demand.of('es').face).toBe(false);
    expect(recordings.isRecording).toBe(false);
    expect((await recordings.start()).state).toBe('recording');
    await recordings.close();
  });

  it('are finished by the next start, wherever the last one stopped', async () => {
    const before = await open('restart');
    const { id } = await before.recordings.start();
    push(before.recordings);
    before.recordings.stop(END_US, 0);
    await expect.poll(() => before.view().state, { ...PATIENTLY, interval: 5 }).toBe('done');
    await before.recordings.close();
    const { recordings, notices, view } = await open('restart');
    expect(view()).toMatchObject({ id, state: 'done' });
    await expect.poll(() => view().faces[0]?.state, PATIENTLY).toBe('done');
    expect((await recordings.file(id, 'recording.es.face.mp4')).path).toContain(id);
    expect(notices).toEqual([]);
    await recordings.close();
  });

  it('say why there is nothing, also when it is the next start that finds nothing', async () => {
    const before = await open('nothing');
    const { id } = await before.recordings.start();
    await before.recordings.close();
    // A crash leaves it as it ran.
    const folder = fixtures.path(`nothing/${id}`);
    await writeState(folder, { ...(await readState(folder)), state: 'recording' });
    const { recordings, notices, view } = await open('nothing');
    expect(view().state).toBe('finishing');
    await expect.poll(() => view().state, PATIENTLY).toBe('failed');
    expect(view()).toMatchObject({ faces: [], error: { code: 'LIVEDUB_E_INPUT_UNREADABLE' } });
    expect(view().download).toBeUndefined();
    expect(notices.map(({ level, message }) => [level, message])).toEqual([
      ['warning', 'Recording: Nothing was recorded.'],
    ]);
    await recordings.close();
  });

  /** Ended and closed at once: the next start finds it unfinished. */
  const leave = async (folder: string) => {
    const { recordings } = await open(folder);
    const { id } = await recordings.start();
    push(recordings);
    recordings.stop(END_US, 0);
    await recordings.close();
    return id;
  };
  /** Whether it is not refused. */
  const may = async (ask: () => unknown) => {
    try {
      await ask();
      return true;
    } catch {
      return false;
    }
  };
  /** FFmpegs that make an MP4 now. */
  const making = () =>
    execFileSync('ps', ['-eo', 'args='])
      .toString()
      .split('\n')
      .filter((line) => line.includes(`file:${fixtures.path('together')}`) && line.endsWith('.mp4.part'));

  it('of all channels are finished one after another, and say how many files come first', async () => {
    const finishing = new FinishingQueue({ concurrency: 1 });
    const folders = ['together/a', 'together/b', 'together/c', 'together/d'];
    const channels = await Promise.all(folders.map((folder) => open(folder, finishing)));
    for (const { recordings } of channels) {
      await recordings.start();
      push(recordings);
    }
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    void finishing.inTurn({ signal: new AbortController().signal, work: () => held });
    for (const { recordings } of channels) recordings.stop(END_US, 0);
    const ahead = () => channels.map(({ recordings }) => recordings.views()[0]?.filesAhead ?? 0).sort();
    await expect.poll(ahead, PATIENTLY).toEqual([1, 2, 3, 4]);
    // One that is deleted while it waits leaves the queue, and nothing of it stays.
    const deleted = channels[1]!;
    await deleted.recordings.remove(deleted.view().id);
    expect(deleted.recordings.views()).toEqual([]);
    expect(await readdir(fixtures.path('together/b'))).toEqual([]);
    expect(ahead()).toEqual([0, 1, 2, 3]);
    goOn();
    let most = 0;
    const isOver = () => {
      most = Math.max(most, making().length);
      return channels.every(({ recordings }) =>
        recordings.views().every(({ faces: [face] }) => face?.state === 'done'),
      );
    };
    await expect.poll(isOver, { timeout: 120_000, interval: 20 }).toBe(true);
    expect(most).toBe(1);
    expect(channels.flatMap(({ notices }) => notices)).toEqual([]);
    for (const { recordings } of channels) await recordings.close();
  });

  it('can be deleted while files are made of them, and while they take in their last seconds', async () => {
    const { recordings, view } = await open('deleted');
    const { id } = await recordings.start();
    await expect(recordings.remove(id)).rejects.toMatchObject({ code: 'LIVEDUB_E_CONFLICT' });
    push(recordings);
    recordings.stop(END_US, 60_000);
    await recordings.remove(id);
    expect(recordings.views()).toEqual([]);
    await recordings.start();
    push(recordings);
    recordings.stop(END_US, 0);
    await expect.poll(() => view().state, { ...PATIENTLY, interval: 5 }).toBe('done');
    // Two desks at once.
    const both = await Promise.allSettled([1, 2].map(() => recordings.remove(view().id)));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(recordings.views()).toEqual([]);
    expect(await readdir(fixtures.path('deleted'))).toEqual([]);
    await expect(recordings.remove(id)).rejects.toMatchObject({ code: 'LIVEDUB_E_NOT_FOUND' });
    await recordings.close();
  });

  it('have files that were not made tried again, or given up with all that they were to be made of', async () => {
    const id = await leave('again');
    const folder = fixtures.path(`again/${id}`);
    const face = (await readdir(folder)).find((name) => name.includes('face-es'))!;
    const away = fixtures.path(face);
    await rename(join(folder, face), away);
    const { recordings, notices, view } = await open('again');
    await expect.poll(() => view().faces[0]?.state, PATIENTLY).toBe('failed');
    expect(notices).toHaveLength(1);
    await expect.poll(() => may(() => recordings.retry(id)), PATIENTLY).toBe(true);
    expect(view().faces).toEqual([{ language: 'es', state: 'finishing' }]);
    expect(() => recordings.retry(id)).toThrow('being made');
    await expect.poll(() => view().faces[0]?.state, PATIENTLY).toBe('failed');
    expect(view().faces[0]!.error?.code).toBe('LIVEDUB_E_INPUT_UNREADABLE');
    await recordings.close();
    // What cannot be read is not tried again by itself; who has it back asks for it.
    await rename(away, join(folder, face));
    const next = await open('again');
    expect(next.view().faces[0]!.state).toBe('failed');
    next.recordings.retry(id);
    await expect.poll(() => next.view().faces[0]?.state, PATIENTLY).toBe('done');
    const removed = () => next.recordings.removeFile(id, 'recording.es.face.mp4');
    await expect.poll(() => may(removed), PATIENTLY).toBe(true);
    expect(next.view().faces).toEqual([]);
    await expect(next.recordings.removeFile(id, 'recording.mp4')).rejects.toMatchObject({
      code: 'LIVEDUB_E_NOT_FOUND',
    });
    const left = await readdir(folder);
    expect(left.filter((name) => /mkv|face/.test(name))).toEqual([]);
    expect(left).toContain('recording.mp4');
    await next.recordings.close();
  });

  it('are tried again by the next start where that may help, and rid of what a crash left behind', async () => {
    const id = await leave('helps');
    const folder = fixtures.path(`helps/${id}`);
    const state = await readState(folder);
    const error = { code: 'LIVEDUB_E_OUTPUT_DISK_FULL', message: 'Full.', remedy: 'Free some space.' };
    await writeState(folder, { ...state, state: 'failed', error });
    await mkdir(fixtures.path('helps/20260101t000000000z.deleted'));
    const { recordings, view } = await open('helps');
    await expect.poll(() => view().faces[0]?.state, PATIENTLY).toBe('done');
    expect(view().error).toBeUndefined();
    expect(await readdir(fixtures.path('helps'))).toEqual([id]);
    await recordings.close();
    for (const name of ['007-live-audio.mkv', 'recording.fr.face.mp4', 'recording.mp4.part'])
      await writeFile(join(folder, name), 'left by a crash');
    const next = await open('helps');
    expect((await readdir(folder)).sort()).toEqual(
      ['recording.es.face.mp4', 'recording.json', 'recording.mp4', 'text.jsonl'].sort(),
    );
    await next.recordings.close();
  });

  it('never meet in one folder, whatever the clock says', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-02T03:04:05.678Z') });
    try {
      const { recordings } = await open('clock');
      for (let i = 0; i < 3; i += 1) {
        await recordings.start();
        recordings.stop(END_US, 0);
      }
      const ids = recordings.views().map(({ id }) => id);
      expect(ids.sort()).toEqual(['20260102t030405678z', '20260102t030405679z', '20260102t030405680z']);
      await recordings.close();
    } finally {
      vi.useRealTimers();
    }
  });
});
