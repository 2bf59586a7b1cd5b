import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel } from '../../server/live/contract.ts';
import type { VerifyReport } from '../../server/verify/contract.ts';
import type { LivePage } from '../support/live-browser.ts';
import type { LiveTestServer } from '../support/live-server.ts';
import { TALKING_CLIP } from '../support/talking-camera.ts';
import { TalkingChannel } from '../support/talking-channel.ts';
import { sleep, until } from '../support/until.ts';

const DELAY_MS = 6000;
/** Of how much the mark is looked for. */
const RECORD_MS = 20_000;
const TRACK = 'face:es:synced';

/** A person speaks into Chromium's camera and microphone; two watch the same dub, one of them with lips that follow it. */
describe.skipIf(TALKING_CLIP === undefined)('live faces', () => {
  let talking: TalkingChannel;
  let live: LiveTestServer;
  let page: LivePage;

  /** How much longer the dubbed picture stood still than the other, which a machine that is busy halts as well. */
  async function extraHaltMs(fromMs: number): Promise<number> {
    const longest = async (viewer: string) => {
      const frames = (await page.call<number[]>('framesShown', viewer)).filter((at) => at > fromMs);
      return Math.max(...frames.slice(1).map((at, i) => at - frames[i]!));
    };
    return (await longest('dubbed')) - (await longest('filmed'));
  }

  beforeAll(async () => {
    talking = await TalkingChannel.open({ id: 'speaker', delayMs: DELAY_MS });
    ({ live, page } = talking);
  });
  afterAll(() => talking?.close());

  it('have a picture of their own for who watches in sync, from the first moment', async () => {
    expect(await talking.publish()).toMatchObject({ status: 201, state: 'connected' });
    expect(await talking.face()).toEqual({ state: 'idle' });
    await talking.watch();
    expect(await page.call('trackKeys', 'dubbed')).toContain(TRACK);
    await until('it is shown', async () => (await page.call<number[]>('framesShown', 'dubbed')).length > 20, {
      timeoutMs: DELAY_MS + 10_000,
    });
  });

  it('move with the dub, and nothing else of the picture does', async () => {
    await talking.stateIs('active');
    const moved = await talking.movedPictures(40);
    const aboveMean = moved.reduce((sum, { above }) => sum + above, 0) / moved.length;
    console.log({ aboveMean });
    expect(aboveMean).toBeLessThan(3);
  }, 180_000);

  it('say by their mark which rendition they are, and the picture as filmed has none', async () => {
    const verified = async (viewer: string) => {
      const clip = Buffer.from(await page.call<string>('recordPicture', viewer, RECORD_MS), 'base64');
      const headers = { 'content-type': 'application/octet-stream' };
      const answer = await fetch(`${live.base}/v1/verify`, { method: 'POST', headers, body: clip });
      return (await answer.json()) as VerifyReport;
    };
    let picture: VerifyReport['picture'];
    // A machine that is busy may have to show the original for a while, which has none.
    const isRead = async () => {
      ({ picture } = await verified('dubbed'));
      console.log(JSON.stringify(picture));
      return picture?.verdict === 'ours';
    };
    await until('it is read', isRead, { timeoutMs: 150_000 });
    expect(picture!.codec).toBe('vp8');
    expect(picture!.findings[0]).toMatchObject({
      ...{ channel: { id: 'speaker' }, language: 'es', mode: 'synced', kind: 'face' },
    });
    expect((await verified('filmed')).verdict).toBe('not-found');
  }, 240_000);

  it('are shown by WHEP, too', async () => {
    const whep = `${live.base}/whep/speaker?lang=es&mode=synced`;
    expect(await page.call('play', 'plain', { url: whep })).toEqual({ status: 201, state: 'connected' });
    expect(await page.call('play', 'wrong', { url: `${whep}&face=maybe` })).toMatchObject({ status: 400 });
    await until('it has a picture', async () => ((await page.stats('plain')).video?.framesDecoded ?? 0) > 20);
    await page.call('hangUp', 'plain');
  });

  it('are as filmed as soon as consent is taken back, without a word of SDP and without a gap', async () => {
    const before = await page.call<number>('negotiations');
    await talking.setConsent(false);
    const withdrawnMs = Date.now();
    expect(await talking.face()).toEqual({ state: 'no-consent' });
    const pairs = await talking.picturesSince(withdrawnMs);
    const worst = Math.max(...pairs.map(({ mouth }) => mouth));
    const haltMs = await extraHaltMs(withdrawnMs - 1000);
    console.log({ pairs: pairs.length, worst, haltMs });
    expect(worst).toBeLessThan(1);
    expect(haltMs).toBeLessThan(1500);
    expect(await page.call<number>('negotiations')).toBe(before);
  });

  it('move again when it is given, by the switch of the language, too', async () => {
    await talking.setConsent(true);
    await talking.stateIs('active');
    const off = await live.api<OperatorChannel>('POST', '/v1/channels/speaker/languages/es/face', {
      on: false,
    });
    expect(off.body.renditions[0]!.face).toEqual({ state: 'off' });
    expect((await live.channel('speaker')).dub).toBe('ready');
    await live.api('POST', '/v1/channels/speaker/languages/es/face', { on: true });
    await talking.stateIs('active');
  });

  it('are as filmed when their worker dies, with a short halt, and move again with the next one', async () => {
    const killedMs = Date.now();
    process.kill(live.server.liveWorkers.pid!, 'SIGKILL');
    await sleep(4000);
    const haltMs = await extraHaltMs(killedMs - 1000);
    await talking.stateIs('active');
    const longestMs = await extraHaltMs(killedMs - 1000);
    console.log({ haltMs, untilBackMs: Date.now() - killedMs, longestMs });
    expect(haltMs).toBeLessThan(2500);
    expect(longestMs).toBeLessThan(2500);
  }, 180_000);
});
