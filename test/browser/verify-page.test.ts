import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClient } from '../../client/build.mjs';
import { AudioMarkEmbedder } from '../../pipeline/mark/audio/embedder.ts';
import { AudioMarkLayout } from '../../pipeline/mark/audio/layout.ts';
import { Marker } from '../../server/marks/marker.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../sfu/chromium.ts';
import { run } from '../support/clips.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';

const executablePath = findChromium();
const RATE_HZ = 48_000;

/** The page, the server behind it, its detector and its registry; clips are marked as a dub marks them. */
describe.skipIf(executablePath === undefined)('the page that checks clips', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: BrowserContext;
  let page: Page;
  let speech: Float32Array;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-verify-page-'));
    await buildClient();
    live = await LiveTestServer.start();
    const wav = await microphoneSpeech(folder);
    const raw = join(folder, 'speech.f32');
    await run('ffmpeg', ['-v', 'error', '-y', '-i', wav, '-ac', '1', '-ar', '48000', '-f', 'f32le', raw]);
    const bytes = await readFile(raw);
    speech = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2).slice();
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: executablePath ?? '',
      args: [...CHROMIUM_FLAGS],
      viewport: { width: 1280, height: 800 },
      locale: 'en-US',
      timezoneId: 'UTC',
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${live.base}/`);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A stretch of speech with picture, as somebody posts it; marked as a rendition of a channel, or not. */
  async function clip(
    name: string,
    fromS: number,
    seconds: number,
    marked?: { title: string; isPublic: boolean; language: string; minute: number },
  ): Promise<string> {
    const part = speech.slice(fromS * RATE_HZ, (fromS + seconds) * RATE_HZ);
    const sound = marked ? await mark(part, marked) : part;
    const raw = join(folder, `${name}.f32`);
    await writeFile(raw, Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength));
    const file = join(folder, name);
    await run('ffmpeg', [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25'],
      ...['-f', 'f32le', '-ar', '48000', '-ac', '1', '-i', raw, '-shortest'],
      ...['-pix_fmt', 'yuv420p', '-preset', 'ultrafast', '-c:a', 'aac', '-b:a', '96k', file],
    ]);
    return file;
  }

  async function mark(
    sound: Float32Array,
    {
      title,
      isPublic,
      language,
      minute,
    }: { title: string; isPublic: boolean; language: string; minute: number },
  ): Promise<Float32Array> {
    const marker = await Marker.open({ dataDir: live.dataDir });
    const { key, rendition } = await marker.issue({
      channel: { id: title.toLowerCase().replaceAll(' ', '-'), title, isPublic },
      ...{ source: 'live', programme: 'p1', language, mode: 'synced', kind: 'mix' },
      startedAt: '2026-03-04T18:00:00.000Z',
    });
    await marker.close();
    const layout = await AudioMarkLayout.create(key);
    const embedder = await AudioMarkEmbedder.create({ layout, keyId: key.keyId, rendition, channels: 1 });
    embedder.restart((minute * 60 + 11) * RATE_HZ);
    const late = [...embedder.process([sound])[0]!, ...embedder.flush()[0]!];
    return Float32Array.from(late.slice(AudioMarkEmbedder.latencySamples));
  }

  /** Gives the page a file as a person does who picks it. */
  async function give(file: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
    await page.getByRole('button', { name: 'Choose a file' }).waitFor();
    await page.locator('input[type=file]').setInputFiles(file);
  }

  /** Waits for the answer, whatever it is. */
  async function answer(text: RegExp): Promise<void> {
    const answered = page.locator('report-card h2');
    await answered.or(page.getByRole('alert')).waitFor({ timeout: 90_000 });
    expect((await page.getByRole('alert').allTextContents()).join(' ')).toBe('');
    expect(await answered.textContent()).toMatch(text);
  }
  const said = async () => (await page.locator('report-card section').textContent()) ?? '';
  const told = async () => (await page.getByRole('alert').textContent()) ?? '';

  it('is found from the first page, and says what it cannot tell before it is asked', async () => {
    await page.getByRole('link', { name: 'Check a clip' }).click();
    await page.getByRole('heading', { level: 1, name: 'Was this dubbed here?' }).waitFor();
    expect(await page.getByText('“Not found” proves nothing.').isVisible()).toBe(true);
  });

  it('names channel, language, minute and time of a dub, and where it is in the clip', async () => {
    await give(
      await clip('public.mp4', 0, 12, { title: 'Morning talk', isPublic: true, language: 'es', minute: 12 }),
    );
    await answer(/Yes, this was dubbed here/);
    const text = await said();
    expect(text).toContain('Morning talk');
    expect(text).toContain('AI dub, Español');
    expect(text).toContain('minute 13 of the programme');
    expect(text).toContain('March 4, 2026');
    expect(await page.getByRole('img', { name: /^Sound.*dubbed here: 0:0\d to 0:1\d, dub 1$/ }).count()).toBe(
      1,
    );
    expect(await page.getByRole('img', { name: /^Picture: no watermark found/ }).count()).toBe(1);
    // Whoever listens to the page goes on at the answer.
    expect(await page.evaluate(FOCUSED)).toMatch(/^Yes/);
  });

  it('tells of a private channel only the language and the minute', async () => {
    await give(
      await clip('private.mp4', 12, 10, {
        title: 'Board meeting',
        isPublic: false,
        language: 'fr',
        minute: 3,
      }),
    );
    await answer(/Yes, this was dubbed here/);
    const text = await said();
    expect(text).toContain('A private programme');
    expect(text).toContain('AI dub, Français');
    expect(text).toContain('minute 4 of the programme');
    expect(text).not.toMatch(/Board|2026/);
  });

  it('finds nothing in speech that was not dubbed, and claims no more than that', async () => {
    await give(await clip('original.mp4', 0, 8));
    await answer(/No watermark of this server was found/);
    expect(await said()).toContain('does not mean that the clip is authentic');
  });

  it('says so when a file is no clip, empty, or too large to be sent', async () => {
    await give({ name: 'noise.bin', mimeType: 'application/octet-stream', buffer: randomBytes(200_000) });
    await page
      .getByRole('alert')
      .or(page.getByRole('heading', { name: /nothing in this clip/ }))
      .waitFor({ timeout: 30_000 });
    await give({ name: 'empty.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(0) });
    expect(await told()).toContain('This file is empty.');
    const large = join(folder, 'large.mp4');
    await run('truncate', ['-s', '65M', large]);
    await give(large);
    expect(await told()).toContain('too large: 65 MB, 64 MB at most');
  });

  it('takes a clip back when it is cancelled, and the keyboard is where it was', async () => {
    await page.route('**/v1/verify', () => {});
    await give(await clip('cancel.mp4', 0, 2));
    await page.getByRole('button', { name: 'Cancel' }).press('Enter');
    expect(await page.evaluate(FOCUSED)).toBe('Choose a file');
    await page.unroute('**/v1/verify');
  });

  it('says when there is no network, and tries the same clip again', async () => {
    await browser.setOffline(true);
    await give(await clip('offline.mp4', 0, 2));
    expect(await told()).toContain('This device is offline.');
    await browser.setOffline(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('report-card').waitFor({ timeout: 30_000 });
  });

  it('says how long to wait when too many clips were sent', async () => {
    for (let status = 0, sent = 0; status !== 429 && sent < 12; sent++)
      ({ status } = await fetch(`${live.base}/v1/verify`, { method: 'POST', body: randomBytes(1000) }));
    await give(await clip('again.mp4', 0, 2));
    expect(await told()).toContain('too many clips');
    const again = page.getByRole('button', { name: /Try again in \d+ (s|min)/ });
    expect(await again.isDisabled()).toBe(true);
  });

  it('fits a phone and breaks nowhere', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });
});

/** What has the focus, through the shadow roots. */
const FOCUSED = `(() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.textContent?.trim();
})()`;
