import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium, mediaFlags } from '../../sfu/chromium.ts';

export interface LiveBrowserOptions {
  /** Address of the server; pages are its own. */
  readonly base: string;
  /** WAV that is its microphone, over and over. */
  readonly microphone: string;
  /** Y4M or MJPEG that is its camera, over and over. Default: a test picture. */
  readonly camera?: string;
}

/** A Chromium with the functions of live-page.fixture.mjs in every page. */
export class LiveBrowser {
  readonly #context: BrowserContext;
  readonly #profile: string;
  readonly #base: string;

  private constructor(context: BrowserContext, profile: string, base: string) {
    this.#context = context;
    this.#profile = profile;
    this.#base = base;
  }

  static async open(options: LiveBrowserOptions): Promise<LiveBrowser> {
    const bundle = await build({
      entryPoints: [new URL('live-page.fixture.mjs', import.meta.url).pathname],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      target: 'chrome120',
      logLevel: 'error',
    });
    const profile = await mkdtemp(join(tmpdir(), 'livedub-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium() ?? '',
      headless: true,
      // The worklet that listens is made in the page.
      bypassCSP: true,
      args: [...mediaFlags({ ...options, fps: 15 })],
    });
    await context.addInitScript(bundle.outputFiles[0]!.text);
    return new LiveBrowser(context, profile, options.base);
  }

  async page(): Promise<LivePage> {
    const page = await this.#context.newPage();
    await page.goto(`${this.#base}/`);
    return new LivePage(page);
  }

  /** Ends it as a crash would: nobody is told anything. */
  async kill(): Promise<void> {
    const cdp = await this.#context.browser()?.newBrowserCDPSession();
    await cdp?.send('Browser.crash').catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#context.close().catch(() => undefined);
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 3 });
  }
}

export interface TrackStats {
  readonly mimeType: string | undefined;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly bytesReceived: number;
  readonly framesDecoded: number;
  readonly keyFramesDecoded: number;
  readonly freezeCount: number;
  readonly totalAudioEnergy: number;
  readonly totalSamplesReceived: number;
  readonly concealedSamples: number;
  readonly silentConcealedSamples: number;
  readonly nackCount: number;
}

/** Sound that a page took down: 16 kHz mono. */
export interface Heard {
  readonly pcm: Float32Array;
  /** When it begins, ms since the epoch. */
  readonly startedAtMs: number;
}

/** A page and its functions, which live-page.fixture.mjs describes. */
export class LivePage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Calls a function of the page by its name. */
  async call<Result = unknown>(name: string, ...args: unknown[]): Promise<Result> {
    return (await this.page.evaluate(
      `globalThis[${JSON.stringify(name)}](...${JSON.stringify(args)})`,
    )) as Result;
  }

  stats(viewer: string): Promise<Record<string, TrackStats>> {
    return this.call('trackStats', viewer);
  }

  async heard(viewer: string, key: string): Promise<Heard> {
    const { base64, startedAtMs } = await this.call<{ base64: string; startedAtMs: number }>(
      'heard',
      viewer,
      key,
    );
    const bytes = Buffer.from(base64, 'base64');
    const pcm = new Float32Array(bytes.length >> 1);
    for (let i = 0; i < pcm.length; i++) pcm[i] = bytes.readInt16LE(2 * i) / 32768;
    return { pcm, startedAtMs };
  }
}
