import { randomBytes } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarkRegistryFile } from '../../db/mark-registry-file.ts';
import { deriveMarkKey, type MarkKey } from '../../pipeline/mark/mark-key.ts';
import { MediaFixtures, X264 } from '../../pipeline/media/media-fixtures.ts';
import type { IssuedMark, MarkRequest } from '../../pipeline/ports/mark-registry.ts';
import { VerifyReportSchema } from './contract.ts';
import { babble, marked, markedPicture, rawInput } from './test-clips.ts';
import { type VerifyMediaOptions, verifyMedia } from './verify-media.ts';

const files = new MediaFixtures();
let key: MarkKey;
let registry: MarkRegistryFile;
let spanish: IssuedMark;
let french: IssuedMark;
let request: MarkRequest;
let spanishClip: string;
let frenchSound: Float32Array;

beforeAll(async () => {
  key = await deriveMarkKey({ master: new Uint8Array(32).fill(3), issuer: 'Example TV' });
  registry = await MarkRegistryFile.open({ folder: files.path('marks') });
  request = {
    keyId: key.keyId,
    issuer: key.issuer,
    channel: { id: 'my-show', title: 'My show', isPublic: true },
    source: 'live',
    programme: 'p1',
    language: 'es',
    mode: 'synced',
    kind: 'mix',
    startedAt: '2026-03-01T12:00:00.000Z',
  };
  spanish = await registry.issue(request);
  french = await registry.issue({ ...request, language: 'fr' });
  for (const { rendition } of [spanish, french]) await registry.end(rendition, 30);
  const sound = await marked(babble(12, 1), { key, rendition: spanish.rendition, minute: 17 });
  frenchSound = await marked(babble(12, 2), { key, rendition: french.rendition, minute: 4 });
  spanishClip = files.make(
    'spanish.webm',
    ...rawInput(files, 'es.raw', sound),
    '-c:a',
    'libopus',
    '-b:a',
    '32k',
  );
}, 30_000);
afterAll(async () => {
  await registry.close();
  files.remove();
});

const verify = async (input: string, options: Partial<VerifyMediaOptions> = {}) => {
  const signal = new AbortController().signal;
  const report = await verifyMedia({ input, keys: [key], registry, signal, ...options });
  return VerifyReportSchema.parse(report);
};
const failure = (input: string, options: Partial<VerifyMediaOptions> = {}) =>
  verify(input, options).then(
    ({ verdict }) => verdict as string,
    (error) => error.code as string,
  );

describe('verifyMedia', () => {
  it('names the channel, language and minute of a clip that was coded again', async () => {
    const seen: number[] = [];
    const report = await verify(spanishClip, { onProgress: ({ examinedS }) => seen.push(examinedS) });
    expect(report).toMatchObject({ verdict: 'ours', agreement: 'one-only', notes: [] });
    expect(report.sound).toHaveLength(1);
    const [finding] = report.sound[0]!.findings;
    expect(report.sound[0]!.findings).toHaveLength(1);
    expect(finding).toMatchObject({
      issuer: 'Example TV',
      channel: { visibility: 'public', id: 'my-show', title: 'My show' },
      language: 'es',
      minute: 17,
      wallTime: '2026-03-01T12:17:00.000Z',
    });
    expect(finding!.confidence).toBeGreaterThan(0.999999);
    expect(finding!.endS - finding!.startS).toBeGreaterThan(5);
    expect(seen.at(-1)).toBeCloseTo(12, 0);
  }, 60_000);

  it('examines every track and names each, with a picture that has no mark', async () => {
    const tracks = ['a.mka', 'b.mka'].map((name, track) => [
      name,
      ...(track === 0 ? ['-i', spanishClip] : rawInput(files, 'fr.raw', frenchSound)),
    ]);
    const film = files.make(
      'film.mp4',
      ...tracks.flatMap(([, ...input]) => input),
      ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=12'],
      ...['-map', '0:a', '-map', '1:a', '-map', '2:v', '-c:a', 'aac', '-b:a', '96k', ...X264],
      ...['-metadata:s:a:0', 'language=spa', '-metadata:s:a:1', 'language=fra'],
    );
    const report = await verify(film);
    expect(
      report.sound.map(({ findings }) => findings.map(({ language, minute }) => [language, minute])),
    ).toEqual([[['es', 17]], [['fr', 4]]]);
    expect(report.sound.map(({ language }) => language)).toEqual(['es', 'fr']);
    expect(report.picture).toMatchObject({ verdict: 'not-found', findings: [], widthPx: 320 });
    expect(report.notes.map(({ code }) => code)).toEqual(['sound-only']);
  }, 60_000);

  it('reads a marked picture, and says whether the sound under it belongs to it', async () => {
    const pictureOf = { ...request, programme: 'p2', language: 'es' };
    const { rendition } = await registry.issue(pictureOf);
    await registry.end(rendition, 30);
    const raw = await markedPicture(files, 'picture.raw', { key, rendition, minute: 9, seconds: 5 });
    const silent = files.make(
      'marked.mp4',
      ...raw,
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23'],
    );
    const alone = await verify(silent);
    expect(alone).toMatchObject({ verdict: 'ours', sound: [], agreement: 'one-only' });
    expect(alone.picture!.findings[0]).toMatchObject({ language: 'es', minute: 9 });
    const join = ['-map', '0:v', '-map', '1:a', '-shortest', '-c:v', 'copy', '-c:a', 'aac'];
    const foreign = await verify(files.make('foreign.mp4', '-i', silent, '-i', spanishClip, ...join));
    expect(foreign.agreement).toBe('different');
    expect(foreign.notes.map(({ code }) => code)).toEqual(['different-sources']);
    const french2 = await registry.issue({ ...request, programme: 'p2', language: 'fr' });
    const own = await marked(babble(8, 9), { key, rendition: french2.rendition, minute: 9 });
    const whole = files.make('whole.mp4', '-i', silent, ...rawInput(files, 'own.raw', own), ...join);
    expect((await verify(whole)).agreement).toBe('same');
  }, 90_000);

  it('says that a mark of its key is unknown to the registry, without a name', async () => {
    const stranger = { list: async () => [], find: async () => undefined };
    const report = await verify(spanishClip, { registry: stranger });
    expect(report.verdict).toBe('ours');
    expect(report.sound[0]!.findings[0]!.channel).toEqual({ visibility: 'unknown' });
    expect(report.notes.map(({ code }) => code)).toEqual(['unknown-here']);
  }, 60_000);

  it('finds nothing with another key, in unmarked sound, in tones and in noise', async () => {
    const other = await deriveMarkKey({ master: new Uint8Array(32).fill(9), issuer: 'Other' });
    expect(await failure(spanishClip, { keys: [other] })).toBe('not-found');
    const plain = files.make('plain.mp3', ...rawInput(files, 'plain.raw', babble(8, 5)), '-b:a', '64k');
    const tone = files.make('tone.flac', '-f', 'lavfi', '-i', 'sine=duration=6');
    const noise = files.make('noise.wav', '-f', 'lavfi', '-i', 'anoisesrc=duration=6:amplitude=0.3:seed=1');
    for (const file of [plain, tone, noise]) expect(await failure(file)).toBe('not-found');
  }, 120_000);

  it('says that there is nothing to examine in silence, 0.1 s, and a single frame', async () => {
    const silence = files.make('silence.flac', '-f', 'lavfi', '-i', 'anullsrc=r=48000:d=20');
    const short = files.make('short.wav', '-f', 'lavfi', '-i', 'sine=duration=0.1');
    const frame = files.make(
      'frame.mkv',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x180',
      '-frames:v',
      '1',
      '-c:v',
      'ffv1',
    );
    for (const file of [silence, short, frame]) expect(await failure(file)).toBe('nothing-to-examine');
  }, 60_000);

  it('takes a picture without sound, and sound of 192 kHz in 5.1', async () => {
    const mute = files.make(
      'mute.mp4',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x180:rate=25:duration=3',
      ...X264,
    );
    const report = await verify(mute);
    expect(report).toMatchObject({ verdict: 'not-found', sound: [] });
    const wide = files.make(
      'wide.wav',
      '-i',
      spanishClip,
      '-ar',
      '192000',
      '-af',
      'pan=5.1|FC=c0',
      '-t',
      '8',
    );
    expect((await verify(wide)).sound[0]!.findings[0]).toMatchObject({ language: 'es', minute: 17 });
  }, 60_000);

  it('examines what is there of a file that breaks off, and says so', async () => {
    const broken = files.make('broken.mp3', '-i', spanishClip, '-b:a', '64k');
    truncateSync(broken, 70_000);
    const report = await verify(broken);
    expect(report).toMatchObject({ verdict: 'ours', notes: [{ code: 'damaged' }] });
    const film = files.make('broken.mp4', '-i', spanishClip, '-c:a', 'aac');
    truncateSync(film, 40_000);
    expect(await failure(film)).toBe('LIVEDUB_E_INPUT_UNREADABLE');
  }, 60_000);

  it('refuses what is no media', async () => {
    writeFileSync(files.path('empty.mp4'), '');
    writeFileSync(files.path('random.bin'), randomBytes(300_000));
    writeFileSync(files.path('list.m3u8'), '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n');
    expect(await failure(files.path('empty.mp4'))).toBe('LIVEDUB_E_INPUT_EMPTY');
    expect(await failure(files.path('random.bin'))).toBe('LIVEDUB_E_INPUT_UNREADABLE');
    expect(await failure(files.path('list.m3u8'))).toBe('LIVEDUB_E_INPUT_UNREADABLE');
    expect(await failure(files.path('none.mp4'))).toBe('LIVEDUB_E_INPUT_NOT_FOUND');
  });

  it('keeps to its limits on length and time, and says what it left out', async () => {
    const hour = files.make('hour.flac', '-f', 'lavfi', '-i', 'anoisesrc=r=8000:duration=3600:amplitude=0.1');
    const limited = await verify(hour, { limits: { soundSeconds: 5 } });
    expect(limited.examinedS).toBeCloseTo(5, 1);
    expect(limited.notes.map(({ code }) => code)).toEqual(['examined-in-part']);
    const startedMs = performance.now();
    const outcome = await failure(hour, { limits: { wallSeconds: 4 } });
    expect(['not-found', 'LIVEDUB_E_VERIFY_LIMIT']).toContain(outcome);
    expect(performance.now() - startedMs).toBeLessThan(6000);
  }, 60_000);

  it('stops at once when it is told to', async () => {
    const controller = new AbortController();
    const outcome = failure(spanishClip, { signal: controller.signal, onProgress: () => controller.abort() });
    expect(await outcome).toBe('LIVEDUB_E_ABORTED');
  }, 60_000);
});
