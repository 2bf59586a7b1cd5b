import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../pipeline/cache-paths.ts';
import type { Notice, OperatorChannel, TextEvent } from '../../server/live/contract.ts';
import { clauseFates } from '../support/clause-fates.ts';
import type { Fault } from '../support/faulty-worker.fixture.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { until } from '../support/until.ts';

type Utterance = Extract<TextEvent, { kind: 'utterance' }> & { at: number };

const FAULTS: readonly Fault[] = [
  { engine: 'translator', does: 'throw', from: 2, to: 2 },
  { engine: 'translator', does: 'hang', from: 4, to: 4 },
  { engine: 'voice', does: 'throw', from: 6, to: 9 },
  { engine: 'recogniser', does: 'throw', from: 30, to: 31 },
  { engine: 'recogniser', does: 'hang', from: 40, to: 40 },
];

/** The channel's engines throw and hang now and then; no clause takes the others with it. */
describe('a live channel with engines that fail', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let page: LivePage;
  let channel: OperatorChannel;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-broken-'));
    const fixture = fileURLToPath(new URL('../support/faulty-worker.fixture.ts', import.meta.url));
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    live = await LiveTestServer.start({
      spawnLiveWorker: () =>
        fork(fixture, [], {
          execArgv: ['--import', loader],
          env: {
            ...process.env,
            TSX_TSCONFIG_PATH: join(repositoryRoot, 'tsconfig.json'),
            FAULTS: JSON.stringify(FAULTS),
          },
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
          detached: true,
        }),
    });
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    page = await browser.page();
    channel = await live.createChannel({ id: 'broken' });
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves clauses original, says so, and goes on dubbing', async () => {
    const { whip, token } = channel.publish;
    await page.call('publish', 'camera', { url: whip, token });
    await page.call('watch', 'viewer', { url: live.watchUrl('broken') });
    await page.call('select', 'viewer', { language: 'es', mode: 'interpret', captions: 'es' });
    await page.call('watchForGaps', 'viewer', 'live:audio');
    const utterances = () => page.call<Utterance[]>('events', 'viewer', ['utterance']);
    const spoken = async () => (await utterances()).filter(({ outcome }) => outcome === 'spoken');
    await until('the channel is dubbed', async () => (await spoken()).length >= 13, { timeoutMs: 90_000 });
    const outcomes = (await utterances()).map(({ clauseId, outcome }) => `${clauseId} ${outcome}`);
    const notices = (await page.call<Notice[]>('events', 'viewer', ['notice'])).map(
      ({ code, message }) => `${code}: ${message}`,
    );
    const fates = clauseFates(await live.clauseLog('broken'), 'es', 'interpret');
    console.log(outcomes, notices, fates, (await live.channel('broken')).renditions);
    expect(outcomes.filter((text) => text.endsWith('failed')).length).toBeGreaterThanOrEqual(2);
    expect(notices.filter((text) => text.startsWith('degraded')).length).toBeGreaterThanOrEqual(2);
    expect(fates.lost).toEqual([]);
    expect(fates.repeated).toEqual([]);
    expect(await page.call<number>('longestGapMs', 'viewer', 'live:audio')).toBeLessThan(1000);
    expect((await live.channel('broken')).dub).toBe('ready');
    expect(live.notices.filter((line) => line.includes('worker ended'))).toEqual([]);
  });
});
