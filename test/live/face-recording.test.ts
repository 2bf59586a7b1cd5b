import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel, RecordingView } from '../../server/live/contract.ts';
import type { VerifyReport } from '../../server/verify/contract.ts';
import { probeStreams, run } from '../support/clips.ts';
import { LiveBrowser } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { delayBetween, soundOf } from '../support/sound-compare.ts';
import {
  ABOVE,
  COMPARED_PX,
  difference,
  MOUTH,
  TALKING_CLIP,
  talkingCamera,
} from '../support/talking-camera.ts';
import { sleep, until } from '../support/until.ts';

const DELAY_MS = 6000;
/** So long lips are to follow the dub; a machine that is busy with other things takes longer for it. */
const ACTIVE_MS = 10_000;
/** Recorded before anything may be moved, and after it may no more. */
const AROUND_MS = 5000;
/** Files of four minutes are made while the channel goes on, which comes first. */
const MAKING_MS = 240_000;

/** A person speaks into Chromium's camera and microphone; nobody watches. */
describe.skipIf(TALKING_CLIP === undefined)('a recording with faces', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let channel: OperatorChannel;
  let recording: RecordingView;
  /** When consent was given and taken back, ms of the recording. */
  let allowedMs: { from: number; to: number };
  const files = { whole: '', face: '' };

  const face = async () => (await live.channel('kept')).renditions[0]!.face;
  const recorded = async () => (await live.channel('kept')).recordings.find(({ id }) => id === recording.id)!;
  const consent = (faceConsent: boolean) => live.api('PATCH', '/v1/channels/kept', { faceConsent });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-face-recording-'));
    live = await LiveTestServer.start();
    browser = await LiveBrowser.open({ base: live.base, ...(await talkingCamera(folder)) });
    channel = await live.createChannel({
      ...{ id: 'kept', delayMs: DELAY_MS, faceConsent: false },
      languages: [{ language: 'es', face: true }],
    });
    const page = await browser.page();
    const { whip: url, token } = channel.publish;
    const video = { width: 320, height: 320 };
    const published = await page.call('publish', 'camera', { url, token, video });
    expect(published).toMatchObject({ status: 201, state: 'connected' });
    await until('it can be dubbed', async () => (await live.channel('kept')).dub === 'ready', {
      timeoutMs: 60_000,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has lips moved though nobody watches, for as long as it runs and there is consent', async () => {
    expect(await face()).toEqual({ state: 'no-consent' });
    recording = (await live.api<RecordingView>('POST', '/v1/channels/kept/recordings')).body;
    const startedMs = Date.now();
    await sleep(AROUND_MS);
    const from = Date.now() - startedMs;
    await consent(true);
    let activeMs = 0;
    const told = new Set<string>();
    await until(
      'lips have moved',
      async () => {
        const { state } = await face();
        if (state === 'active') activeMs += 500;
        told.add(state);
        await sleep(500);
        return activeMs >= ACTIVE_MS;
      },
      { timeoutMs: 240_000 },
    );
    expect((await recorded()).faces).toEqual([{ language: 'es', state: 'recording' }]);
    await consent(false);
    // What is shown now was said the delay ago, and is recorded as of then.
    allowedMs = { from, to: Date.now() - startedMs };
    await sleep(AROUND_MS + DELAY_MS);
    await live.api('DELETE', '/v1/channels/kept/recordings/current');
    await consent(true);
    await until('nothing is made any more', async () => (await face()).state === 'idle', {
      timeoutMs: 20_000,
    });
    await until('it is done', async () => ['done', 'failed'].includes((await recorded()).state), {
      timeoutMs: MAKING_MS,
    });
    const isOver = async () => (await recorded()).faces.every(({ state }) => state !== 'finishing');
    await until('so is its face', isOver, { timeoutMs: MAKING_MS });
    console.log(JSON.stringify(await recorded()), live.notices, [...told]);
    expect(await recorded()).toMatchObject({ state: 'done', faces: [{ language: 'es', state: 'done' }] });
  }, 900_000);

  it('is two files to download, whole or in part', async () => {
    const { download, faces } = await recorded();
    for (const [name, path] of [
      ['whole', download!],
      ['face', faces[0]!.download!],
    ] as const) {
      const response = await fetch(`${live.base}${path}`);
      expect(response.status).toBe(200);
      expect(response.headers.get('etag')).toBeTruthy();
      const bytes = Buffer.from(await response.arrayBuffer());
      files[name] = join(folder, `${name}.mp4`);
      await writeFile(files[name], bytes);
      const part = await fetch(`${live.base}${path}`, { headers: { range: 'bytes=4-7' } });
      expect([part.status, await part.text()]).toEqual([206, 'ftyp']);
    }
    const named = (await fetch(`${live.base}${faces[0]!.download}`)).headers.get('content-disposition');
    expect(named).toContain('es.face.mp4');
    const streams = await probeStreams(files.face);
    expect(streams.map((one) => [one.codec_type, one.codec_name, one.tags?.language])).toEqual([
      ['video', 'h264', expect.anything()],
      ['audio', 'aac', 'spa'],
      ['subtitle', 'mov_text', 'spa'],
    ]);
    expect(await readFile(files.face, 'utf8')).toMatch(/<dc:description>[\s\S]*lips .* were moved/u);
  });

  it('keeps picture and dub in step, and the picture as filmed as it is', async () => {
    expect(pictureTimes(files.face)).toEqual(pictureTimes(files.whole));
    const [dub, same] = await Promise.all([
      soundOf(files.whole, 1, join(folder, 'dub.f32')),
      soundOf(files.face, 0, join(folder, 'same.f32')),
    ]);
    expect(delayBetween(dub, same, 2000)).toBe(0);
    expect((await probeStreams(files.whole)).map((one) => one.codec_type)).toEqual([
      ...['video', 'audio', 'audio', 'subtitle', 'subtitle'],
    ]);
  });

  it('has the mouth moved in many pictures, nothing else, and nothing where there was no consent', () => {
    const [filmed, moved] = [picturesOf(files.whole), picturesOf(files.face)];
    const pairs = pictureTimes(files.face).map((ms, i) => ({
      ...{ ms, mouth: difference(filmed[i]!, moved[i]!, MOUTH) },
      above: difference(filmed[i]!, moved[i]!, ABOVE),
    }));
    const isAllowed = (ms: number) => ms >= allowedMs.from - DELAY_MS && ms <= allowedMs.to - DELAY_MS + 1000;
    const allowed = pairs.filter(({ ms }) => isAllowed(ms));
    const others = pairs.filter(({ ms }) => !isAllowed(ms));
    const changed = allowed.filter(({ mouth, above }) => mouth > 2 * above + 2);
    const aboveMean = changed.reduce((sum, { above }) => sum + above, 0) / changed.length;
    const worst = Math.max(...others.map(({ mouth }) => mouth));
    console.log({
      pictures: pairs.length,
      allowed: allowed.length,
      changed: changed.length,
      aboveMean,
      worst,
    });
    expect(changed.length).toBeGreaterThan(60);
    // A moved picture may stand in for one after it that was not made.
    expect(aboveMean).toBeLessThan(4);
    expect(others.length).toBeGreaterThan(40);
    expect(worst).toBeLessThan(2);
  });

  it('says by its marks which rendition it is, in picture and sound', async () => {
    const verified = async (file: string) => {
      // A minute of the picture is looked at.
      const clip = join(folder, 'clip.mp4');
      const fromS = Math.max(0, (allowedMs.to - DELAY_MS) / 1000 - 40);
      await run('ffmpeg', [
        '-v',
        'error',
        '-y',
        '-ss',
        `${fromS}`,
        '-i',
        file,
        '-t',
        '40',
        '-c',
        'copy',
        clip,
      ]);
      const headers = { 'content-type': 'application/octet-stream' };
      const body = await readFile(clip);
      const answer = await fetch(`${live.base}/v1/verify`, { method: 'POST', headers, body });
      return (await answer.json()) as VerifyReport;
    };
    const { picture, sound, agreement } = await verified(files.face);
    console.log(JSON.stringify({ picture, agreement }));
    expect(picture).toMatchObject({ verdict: 'ours', codec: 'h264' });
    const from = { channel: { id: 'kept' }, language: 'es', mode: 'synced' };
    expect(picture!.findings[0]).toMatchObject({ ...from, kind: 'face' });
    expect(sound[0]!.findings[0]).toMatchObject({ ...from, kind: 'mix' });
    expect(agreement).toBe('same');
    expect((await verified(files.whole)).picture?.verdict).toBe('not-found');
  }, 180_000);
});

/** When each picture of a file is shown, ms. */
function pictureTimes(file: string): number[] {
  const out = execFileSync('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file],
  ]);
  const times = out.toString().split('\n').map(Number.parseFloat).filter(Number.isFinite);
  return times.map((seconds) => Math.round(seconds * 1000)).sort((a, b) => a - b);
}

/** The luma of each picture of a file, COMPARED_PX wide and high. */
function picturesOf(file: string): Uint8Array[] {
  const size = `${COMPARED_PX}:${COMPARED_PX}`;
  const out = execFileSync(
    'ffmpeg',
    [
      ...['-v', 'error', '-i', file, '-map', '0:v:0', '-vf', `scale=${size}:flags=area,format=gray`],
      ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000', '-f', 'rawvideo', '-'],
    ],
    { maxBuffer: 2 ** 28 },
  );
  const bytes = COMPARED_PX ** 2;
  return Array.from({ length: Math.floor(out.length / bytes) }, (_, i) =>
    out.subarray(i * bytes, (i + 1) * bytes),
  );
}
