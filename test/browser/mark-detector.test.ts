import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserContext, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markSound } from '../../loadtest/watermark/marking.ts';
import { resample } from '../../pipeline/audio/resample.ts';
import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
import { AudioMarkLayout } from '../../pipeline/mark/audio/layout.ts';
import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import { deriveMarkKey } from '../../pipeline/mark/mark-key.ts';
import { babble } from '../../server/verify/test-clips.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../sfu/chromium.ts';

const executablePath = findChromium();
const MASTER = new Uint8Array(32).fill(5);
const ISSUER = 'a broadcaster';
const RENDITION = 0x1_2345_6789;

/** What a page does with the detector: derives the key by itself and looks at a clip that it fetches. */
const PAGE = `
  import { AudioMarkDetector } from './pipeline/mark/audio/detector.ts';
  import { deriveMarkKey } from './pipeline/mark/mark-key.ts';
  globalThis.detect = async (master, issuer) => {
    const clip = new Float32Array(await (await fetch('/clip')).arrayBuffer());
    const key = await deriveMarkKey({ master: Uint8Array.from(master), issuer });
    return await (await AudioMarkDetector.create({ keys: [key] })).detect(clip);
  };
`;

describe.skipIf(executablePath === undefined)('the audio mark detector in a browser', () => {
  let profile: string;
  let server: Server;
  let browser: BrowserContext;
  let clip: Float32Array<ArrayBuffer>;

  beforeAll(async () => {
    const key = await deriveMarkKey({ master: MASTER, issuer: ISSUER });
    const layout = await AudioMarkLayout.create(key);
    const [marked] = await markSound([babble(6, 4)], { layout, keyId: key.keyId, rendition: RENDITION });
    clip = Float32Array.from(resample(marked!, 48_000, 16_000));
    const bundle = await build({
      stdin: { contents: PAGE, resolveDir: new URL('../..', import.meta.url).pathname, loader: 'ts' },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      // What Emscripten asks for under Node.js only.
      external: ['module', 'fs', 'path', 'url'],
      logLevel: 'error',
    });
    const wasm = join(
      dirname(createRequire(import.meta.url).resolve('@echogarden/pffft-wasm/simd')),
      'pffft.wasm',
    );
    const files: Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>> = {
      '/': ['text/html', '<!doctype html><script type=module src=/page.js></script>'],
      '/page.js': ['text/javascript', bundle.outputFiles[0]!.text],
      '/pffft.wasm': ['application/wasm', readFileSync(wasm)],
      '/clip': ['application/octet-stream', new Uint8Array(clip.buffer)],
    };
    server = createServer((request, response) => {
      const [type, body] = files[request.url!] ?? ['text/plain', ''];
      response.setHeader('content-type', type).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    profile = await mkdtemp(join(tmpdir(), 'livedub-chromium-'));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: executablePath ?? '',
      headless: true,
      args: [...CHROMIUM_FLAGS],
    });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  });

  it('finds there what it finds here', async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.detect !== undefined');
    const there = (await page.evaluate(
      `globalThis.detect(${JSON.stringify([...MASTER])}, ${JSON.stringify(ISSUER)})`,
    )) as MarkDetection;
    const key = await deriveMarkKey({ master: MASTER, issuer: ISSUER });
    const here = await (await AudioMarkDetector.create({ keys: [key] })).detect(clip);
    expect(here.findings).toHaveLength(1);
    expect(there.findings).toHaveLength(1);
    expect(there.findings[0]!.payload).toEqual({ keyId: key.keyId, rendition: RENDITION, minute: 0 });
    expect(there.findings[0]!.score).toBeCloseTo(here.findings[0]!.score, 2);
    expect(there.findings[0]!.startS).toBeCloseTo(here.findings[0]!.startS, 3);
    expect(there.findings[0]!.endS).toBeCloseTo(here.findings[0]!.endS, 3);
  });
});
