import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { MediaFixtures } from '../../pipeline/media/media-fixtures.ts';
import { ChannelRecordings } from './channel-recordings.ts';
import { ChannelSettingsSchema, type Notice } from './contract.ts';
import { DemandBook } from './demand.ts';
import { flashAndBeep } from './ingest/test-support.ts';
import type { Programme } from './programme.ts';
import { FinishingQueue } from './recording/finishing-queue.ts';
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
    await before.recordings.start();
    await before.recordings.close();
    const { recordings, notices, view } = await open('nothing');
    await expect.poll(() => view().state, PATIENTLY).toBe('failed');
    expect(view()).toMatchObject({ faces: [], error: { code: 'LIVEDUB_E_INPUT_UNREADABLE' } });
    expect(view().download).toBeUndefined();
    expect(notices.map(({ level, message }) => [level, message])).toEqual([
      ['warning', 'Recording: Nothing was recorded.'],
    ]);
    await recordings.close();
  });
});
