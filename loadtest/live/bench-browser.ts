import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { LivedubError } from '../../pipeline/errors.ts';
import { findChromium, mediaFlags } from '../../sfu/chromium.ts';

/** Pages that are not in front go on as fast. */
const NO_THROTTLING = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

export interface BenchBrowserOptions {
  /** Address of the server, whose origin the pages take. */
  readonly base: string;
  /** 48 kHz WAV that is the microphone: from its beginning whenever one is opened. */
  readonly microphone: string;
  /** Whether it begins again at its end; else silence follows. */
  readonly loop: boolean;
}

/** Chromium with pages that publish and watch; see loadtest/live/page. */
export class BenchBrowser {
  readonly #context: BrowserContext;
  readonly #profile: string;
  readonly #script: string;
  readonly #base: string;

  private constructor(context: BrowserContext, profile: string, script: string, base: string) {
    this.#context = context;
    this.#profile = profile;
    this.#script = script;
    this.#base = base;
  }

  /** @throws LivedubError LIVEDUB_E_DEPENDENCY_MISSING without Chromium */
  static async open({ base, microphone, loop }: BenchBrowserOptions): Promise<BenchBrowser> {
    const executablePath = findChromium();
    if (executablePath === undefined)
      throw new LivedubError(
        'LIVEDUB_E_DEPENDENCY_MISSING',
        'There is no Chromium to publish and watch with.',
        {
          remedy: 'Install Chromium as /usr/bin/chromium.',
        },
      );
    const { build, chromium } = await tools();
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL('page/main.mjs', import.meta.url))],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      target: 'es2023',
      logLevel: 'error',
    });
    const profile = await mkdtemp(join(tmpdir(), 'livedub-bench-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      // The server's pages allow no script but their own.
      bypassCSP: true,
      // Else the first Ctrl-C would end this process before anything is put away.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [...mediaFlags({ microphone, loop }), ...NO_THROTTLING],
    });
    return new BenchBrowser(context, profile, bundle.outputFiles[0]!.text, base);
  }

  async page(): Promise<BenchPage> {
    const page = await this.#context.newPage();
    // Any address of the server: what counts is the origin.
    await page.goto(`${this.#base}/v1/health`);
    await page.evaluate(this.#script);
    return new BenchPage(page);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#context.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Loaded when this bench runs: the others must not need what only developers install. */
async function tools() {
  try {
    const [{ build }, { chromium }] = await Promise.all([import('esbuild'), import('playwright-core')]);
    return { build, chromium };
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_DEPENDENCY_MISSING', 'What drives a browser is not installed.', {
      cause,
      remedy: 'Run `npm install` with the development dependencies.',
    });
  }
}

/** A page with the functions of page/main.mjs. */
export class BenchPage {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Calls a function of the page. */
  async call<T = void>(name: string, ...args: readonly unknown[]): Promise<T> {
    return await this.#page.evaluate(
      ([called, given]) => {
        const { bench } = globalThis as unknown as {
          bench: Record<string, (...args: readonly unknown[]) => unknown>;
        };
        return bench[called as string]!(...(given as readonly unknown[])) as T;
      },
      [name, args] as const,
    );
  }

  async close(): Promise<void> {
    await this.#page.close();
  }
}
