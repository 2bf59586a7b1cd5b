import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { iso6391, iso6392 } from './iso639.ts';
import { beeps, MediaFixtures, picture, X264 } from './media-fixtures.ts';
import { probeMedia } from './probe.ts';

const files = new MediaFixtures();
const signal = new AbortController().signal;
afterAll(() => files.remove());

const failure = (input: string) =>
  probeMedia(input, { signal }).then(
    () => undefined,
    (error) => error.code as string,
  );

describe('probeMedia', () => {
  it('tells container, picture and sound of a file', async () => {
    const file = files.make(
      'film.mkv',
      ...picture(2),
      ...beeps(2),
      ...X264,
      '-c:a',
      'flac',
      '-metadata:s:a:0',
      'language=fre',
    );
    const info = await probeMedia(file, { signal });
    expect(info).toMatchObject({ path: file, isUrl: false, container: 'matroska,webm', startUs: 0 });
    expect(Math.abs(info.durationUs - 2e6)).toBeLessThan(50_000);
    expect(info.video).toMatchObject({
      codec: 'h264',
      widthPx: 160,
      framesPerSecond: 25,
      variableRate: false,
      copyToMp4: true,
    });
    expect(info.audio).toEqual([
      {
        index: 1,
        codec: 'flac',
        channels: 1,
        sampleRateHz: 48_000,
        language: 'fr',
        title: undefined,
        isDefault: false,
        copyToMp4: false,
      },
    ]);
  });

  it('does not take cover art for a picture', async () => {
    const cover = files.make('cover.png', ...picture(1), '-frames:v', '1');
    const song = files.make(
      'song.mp3',
      ...beeps(1),
      '-i',
      cover,
      '-map',
      '0:a',
      '-map',
      '1:v',
      '-disposition:v:0',
      'attached_pic',
    );
    expect((await probeMedia(song, { signal })).video).toBeUndefined();
  });

  it('names what is wrong with a bad input', async () => {
    mkdirSync(files.path('folder'));
    writeFileSync(files.path('empty.mp4'), '');
    writeFileSync(
      files.path('noise.mp4'),
      Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255),
    );
    const mute = files.make('mute.mp4', ...picture(1), ...X264);
    expect(await failure(files.path('none.mp4'))).toBe('LIVEDUB_E_INPUT_NOT_FOUND');
    expect(await failure(files.path('folder'))).toBe('LIVEDUB_E_INPUT_IS_DIRECTORY');
    expect(await failure(files.path('empty.mp4'))).toBe('LIVEDUB_E_INPUT_EMPTY');
    expect(await failure(files.path('noise.mp4'))).toBe('LIVEDUB_E_INPUT_UNREADABLE');
    expect(await failure(mute)).toBe('LIVEDUB_E_INPUT_NO_AUDIO');
    expect(await failure('/dev/zero')).toBe('LIVEDUB_E_INPUT_UNREADABLE');
  });

  it('never takes a path for an option, a protocol or a playlist', async () => {
    expect(await failure('-version')).toBe('LIVEDUB_E_INPUT_NOT_FOUND');
    expect(await failure('concat:a|b')).toBe('LIVEDUB_E_INPUT_NOT_FOUND');
    const inner = files.make('inner.ts', ...beeps(1), '-c:a', 'aac');
    writeFileSync(
      files.path('list.m3u8'),
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${inner}\n#EXT-X-ENDLIST\n`,
    );
    writeFileSync(files.path('list.ffconcat'), `ffconcat version 1.0\nfile '${inner}'\n`);
    expect(await failure(files.path('list.m3u8'))).toBe('LIVEDUB_E_INPUT_UNREADABLE');
    expect(await failure(files.path('list.ffconcat'))).toBe('LIVEDUB_E_INPUT_UNREADABLE');
  });

  it('reads from http when the input is such a URL', async () => {
    const file = files.make('web.wav', ...beeps(1));
    const server = createServer((_request, response) =>
      createReadStream(file).pipe(response.setHeader('content-type', 'audio/wav')),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const info = await probeMedia(`${base}/web.wav`, { signal });
      expect(info).toMatchObject({ isUrl: true, container: 'wav', path: `${base}/web.wav` });
      expect(info.audio[0]).toMatchObject({ sampleRateHz: 48_000 });
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(await failure(`${base}/web.wav`)).toBe('LIVEDUB_E_INPUT_NOT_FOUND');
  });

  it('reads odd but honest names', async () => {
    const file = files.make('-i: 100% "ä" file.wav', ...beeps(1));
    expect((await probeMedia(file, { signal })).audio.length).toBe(1);
  });
});

describe('language codes', () => {
  it('go both ways, bibliographic codes and regions included', () => {
    expect(['es', 'fr', 'pt-BR', 'deu', 'ger', 'xx', ''].map(iso6392)).toEqual([
      'spa',
      'fra',
      'por',
      'deu',
      'deu',
      'und',
      'und',
    ]);
    expect(['spa', 'fre', 'fra', 'de', 'und', undefined].map(iso6391)).toEqual([
      'es',
      'fr',
      'fr',
      'de',
      undefined,
      undefined,
    ]);
  });
});
