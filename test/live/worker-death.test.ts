import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClauseLogEntry } from '../../pipeline/ports/clause-log.ts';
import type { OperatorChannel, TextEvent } from '../../server/live/contract.ts';
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

  it('has repeated no clause and lost none', async () => {
    await sleep(12_000);
    await page.call('unpublish', 'camera');
    await sleep(4000);
    const log = await live.clauseLog('sturdy');
    const clauses = log.filter((entry) => entry.kind === 'clause').map(({ clause }) => clause);
    const fates = log.filter(
      (entry): entry is Exclude<ClauseLogEntry, { kind: 'clause' }> => entry.kind !== 'clause',
    );
    const ids = (mode: string) =>
      fates
        .filter((entry) => entry.mode === mode)
        .map((entry) => (entry.kind === 'utterance' ? entry.utterance.clauseId : entry.clauseId));
    console.log(
      clauses.map(({ id, startUs, endUs, text }) => `${id} ${startUs / 1e6}-${endUs / 1e6} ${text}`),
    );
    console.log(
      fates
        .map((e) =>
          e.kind === 'utterance'
            ? `${e.mode} ${e.utterance.clauseId}`
            : `${e.mode} ${e.clauseId} ${e.reason}`,
        )
        .join(', '),
    );
    expect(clauses.map(({ id }) => id)).toEqual(clauses.map((_, i) => i));
    for (const [i, clause] of clauses.slice(1).entries())
      expect(clause.startUs).toBeGreaterThanOrEqual(clauses[i]!.endUs - 100_000);
    const told = ids('interpret');
    expect(new Set(told).size).toBe(told.length);
    const firstWanted = Math.min(...told);
    expect(told.sort((a, b) => a - b)).toEqual(clauses.map(({ id }) => id).filter((id) => id >= firstWanted));
    const heard = (await spoken()).map(({ clauseId }) => clauseId);
    expect(new Set(heard).size).toBe(heard.length);
  }, 60_000);
});
