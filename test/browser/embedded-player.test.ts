import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClient } from '../../client/build.mjs';
import type { OperatorChannel } from '../../server/live/contract.ts';
import { findChromium } from '../../sfu/chromium.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';

const executablePath = findChromium();

describe.skipIf(executablePath === undefined)('the player on a page of another site', () => {
  let folder: string;
  let live: LiveTestServer;
  let site: Server;
  let browser: LiveBrowser;
  let publisher: LivePage;
  let page: Page;
  let channel: OperatorChannel;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-embedded-'));
    await buildClient();
    live = await LiveTestServer.start();
    channel = await live.createChannel({ id: 'embedded', title: 'Embedded' });
    site = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(
        `<!doctype html><title>Another site</title><script src="${live.base}/player.js" async></script>
        <livedub-player channel="embedded"></livedub-player>`,
      );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    publisher = await browser.page();
    ({ page } = await browser.page());
    await page.setViewportSize({ width: 1000, height: 900 });
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const badge = () => page.getByRole('link', { name: 'AI dub · Español' });
  async function publish(name: string, what: { video?: boolean } = {}): Promise<void> {
    const { whip: url, token } = channel.publish;
    expect(await publisher.call('publish', name, { url, token, ...what })).toMatchObject({
      ...{ status: 201, state: 'connected' },
    });
  }

  it('shows no badge before a programme has begun, nor over the original', async () => {
    await page.getByRole('radio', { name: 'Español' }).check({ timeout: 30_000 });
    await page.getByText('Waiting for the broadcast').waitFor();
    expect(await badge().count()).toBe(0);
    await publish('camera');
    await badge().waitFor();
    await page.getByRole('radio', { name: 'original' }).check();
    await badge().waitFor({ state: 'detached' });
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
    const [opened] = await Promise.all([page.context().waitForEvent('page'), badge().click()]);
    await opened.getByRole('heading', { level: 1, name: 'Was this dubbed here?' }).waitFor();
    expect(opened.url()).toBe(`${live.base}/verify`);
    await opened.close();
    await badge().waitFor();
  });

  it('says so when the publisher comes back with sound only, and shows the picture when there is one again', async () => {
    await page.locator('video').waitFor();
    await publisher.call('unpublish', 'camera');
    await page.getByText('The broadcast is interrupted').waitFor();
    await publish('microphone', { video: false });
    await page.getByText('Sound only').waitFor();
    expect(await page.locator('video').isVisible()).toBe(false);
    expect(await badge().isVisible()).toBe(true);
    await publisher.call('unpublish', 'microphone');
    await publish('camera');
    await page.locator('video').waitFor();
    await page.getByText('Sound only').waitFor({ state: 'detached' });
  });

  it('takes badge and choices away with the channel', async () => {
    await live.api('DELETE', '/v1/channels/embedded');
    await page.getByText('This channel is gone').waitFor();
    expect(await badge().count()).toBe(0);
    expect(await page.getByRole('radio').count()).toBe(0);
  });
});
