import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel, TextEvent } from '../../server/live/contract.ts';
import { clauseFates } from '../support/clause-fates.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { LossyRelay } from '../support/lossy-relay.ts';
import { sleep, until } from '../support/until.ts';

type Utterance = Extract<TextEvent, { kind: 'utterance' }> & { at: number };
type Clause = Extract<TextEvent, { kind: 'clause' }> & { at: number };

/** Publisher and viewer each sit behind a network that loses, delays and reorders. */
describe('a live channel over a bad network', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let page: LivePage;
  let channel: OperatorChannel;
  let upstream: LossyRelay;
  let downstream: LossyRelay;

  const spoken = async () =>
    (await page.call<Utterance[]>('events', 'viewer', ['utterance'])).filter(
      ({ outcome }) => outcome === 'spoken',
    );
  const clauses = () => page.call<Clause[]>('events', 'viewer', ['clause']);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-lossy-'));
    live = await LiveTestServer.start();
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    page = await browser.page();
    channel = await live.createChannel({ id: 'lossy' });
    const targetPort = live.mediaPort;
    upstream = await LossyRelay.open({ targetPort, loss: 0.05, jitterMs: 200, seed: 7 });
    downstream = await LossyRelay.open({ targetPort, loss: 0.1, jitterMs: 200, seed: 11 });
  });
  afterAll(async () => {
    await browser?.close();
    await upstream?.close();
    await downstream?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is published and dubbed with 5 % loss, watched with 10 %, both in bursts with 200 ms of jitter', async () => {
    const { whip: url, token } = channel.publish;
    const published = await page.call('publish', 'camera', { url, token, port: upstream.port });
    expect(published).toMatchObject({ status: 201, state: 'connected' });
    await page.call('watch', 'viewer', { url: live.watchUrl('lossy'), port: downstream.port });
    await page.call('select', 'viewer', { language: 'es', mode: 'interpret', captions: 'en' });
    await until('the channel is dubbed', async () => (await spoken()).length >= 6, { timeoutMs: 90_000 });
    const stats = await page.stats('viewer');
    const sent = await page.call<Record<string, { nackCount: number; retransmittedPacketsSent: number }>>(
      'sendStats',
      'camera',
    );
    const pick = ({
      packetsReceived,
      packetsLost,
      framesDecoded,
      freezeCount,
      nackCount,
    }: (typeof stats)[string]) => ({
      ...{ packetsReceived, packetsLost, framesDecoded, freezeCount, nackCount },
    });
    console.log(
      upstream.counts,
      downstream.counts,
      Object.entries(stats).map(([k, s]) => [k, pick(s)]),
      sent.video?.nackCount,
      sent.audio?.nackCount,
    );
    expect(upstream.counts.lost).toBeGreaterThan(20);
    expect(stats['live:video']!.framesDecoded).toBeGreaterThan(40);
    expect(stats['live:audio']!.packetsReceived).toBeGreaterThan(400);
    expect(stats['voice:es:interpret']!.packetsReceived).toBeGreaterThan(100);
    const fates = clauseFates(await live.clauseLog('lossy'), 'es', 'interpret');
    expect(fates.lost).toEqual([]);
    expect(fates.repeated).toEqual([]);
    console.log((await clauses()).map(({ text }) => text).join(' '));
  });

  it('goes on after blackouts of half a second, of the publisher and of the viewer', async () => {
    upstream.dark = true;
    await sleep(500);
    upstream.dark = false;
    downstream.dark = true;
    await sleep(500);
    downstream.dark = false;
    const afterMs = Date.now() + 1000;
    await until('it is spoken', async () => (await spoken()).filter(({ at }) => at > afterMs).length >= 3);
    const before = await page.stats('viewer');
    await sleep(2000);
    const after = await page.stats('viewer');
    for (const key of ['live:audio', 'voice:es:interpret'])
      expect(after[key]!.packetsReceived, key).toBeGreaterThan(before[key]!.packetsReceived + 10);
    // A keyframe may be lost in its turn, and the publisher's browser sends little for a while.
    const frozenMs = Date.now();
    await until(
      'the picture moves',
      async () =>
        (await page.stats('viewer'))['live:video']!.framesDecoded > before['live:video']!.framesDecoded + 5,
      { timeoutMs: 40_000 },
    );
    console.log({ pictureMs: Date.now() - frozenMs });
  });

  it('begins in the dark: what comes after the first half second is a programme like any other', async () => {
    await page.call('unpublish', 'camera');
    const fresh = await live.createChannel({ id: 'dark-start', languages: [] });
    upstream.dark = true;
    const { whip: url, token } = fresh.publish;
    const publishing = page.call('publish', 'late', { url, token, port: upstream.port });
    await sleep(500);
    upstream.dark = false;
    expect(await publishing).toMatchObject({ status: 201, state: 'connected' });
    await page.call('watch', 'guest', { url: live.watchUrl('dark-start'), port: downstream.port });
    await page.call('select', 'guest', {});
    await until('it plays', async () => ((await page.stats('guest'))['live:video']?.framesDecoded ?? 0) > 20);
    expect((await page.stats('guest'))['live:audio']!.packetsReceived).toBeGreaterThan(20);
  });
});
