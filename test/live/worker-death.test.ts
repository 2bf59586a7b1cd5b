import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel, TextEvent } from '../../server/live/contract.ts';
import { clauseFates } from '../support/clause-fates.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { sleep, until } from '../support/until.ts';

type Utterance = Extract<TextEvent, { kind: 'utterance' }> & { at: number };

/** The worker is killed in the middle of a sentence, with a spare one standing by. */
describe('a live worker that is killed during speech', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let page: LivePage;
  let channel: OperatorChannel;

  const spoken = async () =>
    (await page.call<Utterance[]>('events', 'viewer', ['utterance'])).filter(
      ({ outcome }) => outcome === 'spoken',
    );

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-speech-'));
    live = await LiveTestServer.start({ spareWorker: true });
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    page = await browser.page();
    channel = await live.createChannel({ id: 'sturdy' });
    const { url, token } = { url: channel.publish.whip, token: channel.publish.token };
    await page.call('publish', 'camera', { url, token });
    await page.call('watch', 'viewer', { url: live.watchUrl('sturdy') });
    await page.call('select', 'viewer', { language: 'es', mode: 'interpret', captions: 'en' });
    await until('a spare worker stands by', () => live.server.liveWorkers.spareReady, { timeoutMs: 90_000 });
    await until('somebody speaks Spanish', async () => (await spoken()).length >= 3, { timeoutMs: 60_000 });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves the original without a glitch and has the dub back within seconds', async () => {
    await page.call('watchForGaps', 'viewer', 'live:audio');
    await page.call('watchForGaps', 'viewer', 'live:video');
    const framesBefore = (await page.call<number[]>('framesShown', 'viewer')).length;
    await sleep(2000);
    const dead = live.server.liveWorkers.pid!;
    const killedMs = Date.now();
    process.kill(dead, 'SIGKILL');
    await expect.poll(() => live.server.liveWorkers.pid, { interval: 20 }).not.toBe(dead);
    await expect.poll(async () => (await live.channel('sturdy')).dub, { interval: 50 }).not.toBe('ready');
    await expect
      .poll(async () => (await live.channel('sturdy')).dub, { interval: 50, timeout: 20_000 })
      .toBe('ready');
    const readyMs = Date.now() - killedMs;
    await expect
      .poll(async () => (await spoken()).some(({ at }) => at > killedMs), { interval: 50, timeout: 30_000 })
      .toBe(true);
    const spokenMs = (await spoken()).find(({ at }) => at > killedMs)!.at - killedMs;
    await sleep(1000);
    const soundMs = await page.call<number>('longestGapMs', 'viewer', 'live:audio');
    const pictureMs = await page.call<number>('longestGapMs', 'viewer', 'live:video');
    const frames = (await page.call<number[]>('framesShown', 'viewer')).slice(framesBefore);
    const shownMs = Math.max(...frames.slice(1).map((at, i) => at - frames[i]!));
    console.log({ readyMs, spokenMs, soundMs, pictureMs, shownMs });
    expect(soundMs).toBeLessThanOrEqual(500);
    expect(pictureMs).toBeLessThanOrEqual(500);
    expect(readyMs).toBeLessThanOrEqual(6000);
  });

  it('is ended and replaced when it hangs', async () => {
    await until('a spare worker stands by', () => live.server.liveWorkers.spareReady, { timeoutMs: 60_000 });
    const hung = live.server.liveWorkers.pid!;
    process.kill(hung, 'SIGSTOP');
    const hungMs = Date.now();
    await until('it is replaced', () => live.server.liveWorkers.pid !== hung, { timeoutMs: 20_000 });
    await until('the dub is back', async () => (await spoken()).some(({ at }) => at > hungMs + 7000));
    expect((await live.channel('sturdy')).dub).toBe('ready');
  });

  it('has repeated no clause and lost none', async () => {
    await page.call('unpublish', 'camera');
    await sleep(4000);
    const fates = clauseFates(await live.clauseLog('sturdy'), 'es', 'interpret');
    console.log(fates);
    expect(fates.committed).toEqual(fates.committed.map((_, i) => i));
    expect(fates.committed.length).toBeGreaterThan(5);
    expect(fates.lost).toEqual([]);
    expect(fates.repeated).toEqual([]);
    expect(fates.mostOverlapMs).toBeLessThanOrEqual(100);
    // The speaker never pauses for longer: a hole would be speech that nobody heard.
    expect(fates.longestPauseMs).toBeLessThan(2500);
    const heard = (await spoken()).map(({ clauseId }) => clauseId);
    expect(new Set(heard).size).toBe(heard.length);
  }, 60_000);
});
