import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClient } from '../../client/build.mjs';
import { CHROMIUM_FLAGS, findChromium } from '../../sfu/chromium.ts';
import { LiveTestServer } from '../support/live-server.ts';

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)('the player on a page of another site', () => {
  let folder: string;
  let live: LiveTestServer;
  let site: Server;
  let browser: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-embedded-'));
    await buildClient();
    live = await LiveTestServer.start();
    await live.createChannel({ id: 'embedded', title: 'Embedded' });
    site = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(
        `<!doctype html><title>Another site</title><script src="${live.base}/player.js" async></script>
        <livedub-player channel="embedded"></livedub-player>`,
      );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: executablePath ?? '',
      args: [...CHROMIUM_FLAGS],
      viewport: { width: 1000, height: 900 },
    });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const badge = () => page.getByRole('link', { name: 'AI dub · Español' });

  it('shows no badge over the original', async () => {
    await page.getByRole('radio', { name: 'original' }).waitFor({ timeout: 30_000 });
    expect(await badge().count()).toBe(0);
  });

  it('shows the badge as soon as a dub is chosen, and leads to where a clip can be checked', async () => {
    await page.getByRole('radio', { name: 'Español' }).check();
    await badge().waitFor();
    expect(await badge().getAttribute('href')).toBe(`${live.base}/verify`);
    expect(await badge().getAttribute('title')).toMatch(/Made by a machine/);
  });

  it('keeps the badge in full screen, also when the controls have gone', async () => {
    await page.getByRole('button', { name: 'Full screen' }).click();
    await expect.poll(() => page.evaluate('document.fullscreenElement?.localName')).toBe('livedub-player');
    await page.waitForTimeout(3500);
    expect(await badge().isVisible()).toBe(true);
    const box = await badge().boundingBox();
    expect(box?.y).toBeLessThan(60);
    await page.evaluate('document.exitFullscreen()');
  });

  it('opens the page that checks clips beside the programme', async () => {
    const [opened] = await Promise.all([browser.waitForEvent('page'), badge().click()]);
    await opened.getByRole('heading', { level: 1, name: 'Was this dubbed here?' }).waitFor();
    expect(opened.url()).toBe(`${live.base}/verify`);
    await opened.close();
    await badge().waitFor();
  });
});
