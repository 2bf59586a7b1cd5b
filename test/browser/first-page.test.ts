import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import type { DubView } from '../../server/contract.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../sfu/chromium.ts';

const executablePath = findChromium();

/** The real command with its real worker, engines and tools; the sample is dubbed once and then looked at. */
describe.skipIf(executablePath === undefined)('the first page in a browser', () => {
  let folder: string;
  let server: Started;
  let browser: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  /** Waits for an expression in the page; from here, as the page's own policy forbids to evaluate text. */
  async function until(expression: string): Promise<void> {
    const deadlineMs = performance.now() + 30_000;
    while (!(await page.evaluate(expression))) {
      if (performance.now() > deadlineMs) throw new Error(`in vain for 30 s: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-browser-'));
    server = await startServer(join(folder, 'data'));
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: executablePath ?? '',
      args: [...CHROMIUM_FLAGS],
      viewport: { width: 1280, height: 800 },
    });
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.addInitScript({ content: HELPERS });
    await page.goto(server.url);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('shows how far the sample is, then its player with the original chosen', {
    timeout: 400_000,
  }, async () => {
    await page.getByRole('progressbar').or(page.locator('video')).first().waitFor({ timeout: 30_000 });
    await page.locator('video').waitFor({ timeout: 380_000 });
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('livedub');
    expect(await page.getByText('Synthetic sample').count()).toBe(1);
    expect(await page.getByRole('radio', { name: 'Original' }).isChecked()).toBe(true);
    expect(await page.getByRole('radio', { name: 'Español (AI dub)' }).isChecked()).toBe(false);
    expect(await page.getByText('AI dub', { exact: true }).count()).toBe(0);
  });

  it('plays, and goes on at the same place in the other language', async () => {
    await page.evaluate('video().muted = true; video().play()');
    await until('video().currentTime > 2');
    await page.getByRole('radio', { name: 'Español (AI dub)' }).check();
    await until("playing('es') && video().currentTime > 2");
    const resumed = Number(await page.evaluate('video().currentTime'));
    expect(resumed).toBeLessThan(12);
    await until(`video().currentTime > ${resumed + 1}`);
    expect(await page.getByText('AI dub', { exact: true }).isVisible()).toBe(true);
    expect(await page.getByText('Gist tier').isVisible()).toBe(true);
  });

  it('says so in full screen too, where a browser shows the video alone', async () => {
    expect(await page.getByRole('link', { name: 'AI dub', exact: true }).getAttribute('href')).toBe(
      '/verify',
    );
    await page.evaluate('video().requestFullscreen()');
    await until("badges().join() === 'AI dub'");
    await page.evaluate('document.exitFullscreen()');
    await until('badges().length === 0');
  });

  it('keeps the place of a paused video, and switches by keyboard', async () => {
    await page.evaluate('video().pause(); video().currentTime = 9');
    await page.getByRole('radio', { name: 'Español (AI dub)' }).focus();
    await page.keyboard.press('ArrowLeft');
    await until("playing('original') && Math.abs(video().currentTime - 9) < 0.1");
    expect(await page.evaluate('video().paused')).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await until("playing('fr') && Math.abs(video().currentTime - 9) < 0.1");
  });

  it('shows captions in the language that is chosen', async () => {
    await page.getByLabel('Captions', { exact: true }).selectOption('es');
    await until("cuesOf('es') > 2");
    expect(await page.evaluate("cuesOf('en')")).toBe(0);
  });

  it('offers the files', async () => {
    for (const name of ['MP4 with all tracks', 'Report', 'Captions Español, VTT', 'Captions English, SRT']) {
      const address = await page.getByRole('link', { name }).getAttribute('href');
      const answer = await fetch(new URL(address ?? '', server.url));
      expect(answer.status, name).toBe(200);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.byteLength).toBeGreaterThan(100);
      if (name.startsWith('MP4')) expect(bytes.includes('compositeWithTrainedAlgorithmicMedia')).toBe(true);
      if (name.includes('Español')) {
        expect(bytes.toString()).toMatch(/NOTE AI dub/);
        expect(bytes.toString()).toContain('[Doblado con IA]');
      }
    }
  });

  it('fits a phone and complains of nothing', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  it('stops within 5 s, leaves no process, and shows the same dub at once when started again', async () => {
    const before = await dubsOf(server.url);
    const family = descendants(server.process.pid ?? 0);
    expect(family.length).toBeGreaterThan(0);
    const startMs = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(family.filter((pid) => isAlive(pid))).toEqual([]);

    server = await startServer(join(folder, 'data'));
    expect(await dubsOf(server.url)).toEqual(before);
  });
});

/** For the page, as text (this folder is checked without the browser's types): the video lies in shadow roots. */
const HELPERS = `
  globalThis.video = () => document.querySelector('livedub-page').shadowRoot.querySelector('dub-player').shadowRoot.querySelector('video');
  globalThis.playing = (track) => video().currentSrc.endsWith('/' + track);
  globalThis.badges = () => [...video().textTracks].filter((one) => one.mode === 'showing' && one.label === 'AI dub')
    .flatMap((one) => [...one.activeCues].map((cue) => cue.text));
  globalThis.cuesOf = (language) => [...video().textTracks].find((one) => one.language === language).cues?.length ?? 0;
`;

interface Started {
  readonly process: ChildProcess;
  readonly url: string;
  /** @returns exit code */
  stop(): Promise<number | null>;
}

async function startServer(dataDir: string): Promise<Started> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', 'serve', '--to', 'es,fr'], {
    cwd: repositoryRoot,
    env: { ...process.env, LIVEDUB_DATA: dataDir, LIVEDUB_PORT: '0', LIVEDUB_FETCH_MODELS: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
      const match = /livedub is at (http:\S+)/.exec(out);
      if (match?.[1]) resolve(match[1]);
    });
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${out}`)));
  });
  return {
    process: child,
    url,
    stop: async () => {
      child.kill('SIGTERM');
      return await ended;
    },
  };
}

async function dubsOf(url: string): Promise<DubView[]> {
  return ((await (await fetch(`${url}/v1/dubs`)).json()) as { dubs: DubView[] }).dubs;
}

/** A process that has ended but was not yet reaped counts as ended. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Ids of every process below one (Linux). */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const below = (id: number): number[] =>
    [...parents].filter(([, parent]) => parent === id).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}
