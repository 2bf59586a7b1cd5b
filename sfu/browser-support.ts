import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { BrowserType, Page } from 'playwright-core';
import { findChromium, mediaFlags } from './chromium.ts';

/** Used by this folder's tests only: a real browser, and a tiny server that carries SDP to it. */

/** Answers a request by its method and path. */
export type Answer = (request: { path: string; body: string }) => Promise<string | undefined>;

export interface TestBrowser {
  readonly page: Page;
  close(): Promise<void>;
}

/** Opens the page of webrtc-page.fixture.mjs; `answers` are by `METHOD /path`. */
export async function openBrowser(
  chromium: BrowserType,
  answers: Readonly<Record<string, Answer>>,
): Promise<TestBrowser> {
  const bundle = await build({
    entryPoints: [new URL('webrtc-page.fixture.mjs', import.meta.url).pathname],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    logLevel: 'error',
  });
  const html = `<!doctype html><meta charset=utf-8><body><script>${bundle.outputFiles[0]!.text.replaceAll('</script', '<\\/script')}</script>`;
  const server = createServer(async (request, response) => {
    const path = request.url!;
    if (path === '/') {
      response.setHeader('content-type', 'text/html').end(html);
      return;
    }
    try {
      const body = await answers[`${request.method} ${path}`]?.({ path, body: await read(request) });
      response.statusCode = body === undefined ? 204 : 200;
      response.end(body);
    } catch (error) {
      response.statusCode = 500;
      response.end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'livedub-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium() ?? '',
    headless: true,
    args: [...mediaFlags()],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    page,
    close: async () => {
      await context.close();
      server.closeAllConnections();
      server.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
