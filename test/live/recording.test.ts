import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel, RecordingView } from '../../server/live/contract.ts';
import { clauseFates } from '../support/clause-fates.ts';
import { type ProbedStream, probeStreams } from '../support/clips.ts';
import { LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { delayBetween, levelDb, longestSilence, soundOf } from '../support/sound-compare.ts';
import { sleep, until } from '../support/until.ts';

const DELAY_MS = 3000;

/** A recording over everything that may happen: the worker dies, the publisher vanishes and comes back. */
describe('a recording', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let page: LivePage;
  let channel: OperatorChannel;
  let file: string;
  let streams: ProbedStream[];
  let captions: Map<string, string>;
  let recordedMs: number;
  /** When the worker died, ms of the recording. */
  let killedMs: number;

  const publish = () =>
    page.call<{ status: number; state: string }>('publish', 'camera', {
      url: channel.publish.whip,
      token: channel.publish.token,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-recording-'));
    live = await LiveTestServer.start({ spareWorker: true });
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    page = await browser.page();
    channel = await live.createChannel({
      id: 'kept',
      delayMs: DELAY_MS,
      languages: [{ language: 'es' }, { language: 'fr' }],
    });
    await publish();
    await until('a spare worker stands by', () => live.server.liveWorkers.spareReady, { timeoutMs: 90_000 });
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('goes on while the worker is killed and while the publisher is away', async () => {
    const started = await live.api<RecordingView>('POST', '/v1/channels/kept/recordings');
    const startedMs = Date.now();
    expect(started).toMatchObject({ status: 201, body: { state: 'recording' } });
    expect((await live.api('POST', '/v1/channels/kept/recordings')).status).toBe(409);
    const { startedAt } = await live.channel('kept');
    await sleep(7000);
    killedMs = Date.now() - startedMs;
    process.kill(live.server.liveWorkers.pid!, 'SIGKILL');
    await sleep(6000);
    await page.call('unpublish', 'camera', { sayGoodbye: false });
    await until(
      'the channel is interrupted',
      async () => (await live.channel('kept')).state === 'interrupted',
      {
        timeoutMs: 6000,
      },
    );
    await sleep(5000);
    expect(await publish()).toMatchObject({ status: 201, state: 'connected' });
    const back = await live.channel('kept');
    expect(back.state).toBe('live');
    expect(back.startedAt).toBe(startedAt);
    await sleep(9000);
    const stopped = await live.api<RecordingView>('DELETE', '/v1/channels/kept/recordings/current');
    recordedMs = Date.now() - startedMs;
    expect(stopped.status).toBe(200);
    const { id } = stopped.body;
    const view = async () => (await live.channel('kept')).recordings.find((one) => one.id === id)!;
    await until('it is done', async () => ['done', 'failed'].includes((await view()).state), {
      timeoutMs: 90_000,
    });
    const done = await view();
    expect(done.error).toBeUndefined();
    expect(done.state).toBe('done');
    file = join(folder, 'recording.mp4');
    const response = await fetch(`${live.base}${done.download}`);
    expect(response.status).toBe(200);
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    streams = await probeStreams(file);
    const texts = await Promise.all(
      done.captions.map(async ({ language, vtt }) => {
        return [language, await (await fetch(`${live.base}${vtt}`)).text()] as const;
      }),
    );
    captions = new Map(texts);
    console.log({ recordedMs, durationMs: done.durationMs });
    expect(Math.abs(done.durationMs - recordedMs)).toBeLessThan(1500);
  }, 180_000);

  it('has picture, original, every language and captions, all as long as it ran', () => {
    expect(streams.map((s) => [s.codec_type, s.tags?.language])).toEqual([
      ['video', expect.anything()],
      ['audio', 'eng'],
      ['audio', 'spa'],
      ['audio', 'fra'],
      ['subtitle', 'eng'],
      ['subtitle', 'spa'],
      ['subtitle', 'fra'],
    ]);
    for (const { duration, codec_type } of streams.slice(0, 4)) {
      console.log(codec_type, duration);
      expect(Math.abs(Number(duration) * 1000 - recordedMs)).toBeLessThan(2000);
    }
    for (const language of ['en', 'es', 'fr']) {
      const cues = cuesOf(captions.get(language)!);
      expect(cues.length).toBeGreaterThan(4);
      for (const { fromMs, toMs } of cues) {
        expect(toMs).toBeGreaterThan(fromMs);
        expect(toMs).toBeLessThan(recordedMs + 8000);
      }
    }
  });

  it('keeps the dubs in step with the original, over the hole that the publisher left', async () => {
    const [original, spanish, french] = await Promise.all(
      [0, 1, 2].map((track) => soundOf(file, track, join(folder, `${track}.f32`))),
    );
    for (const dub of [spanish!, french!]) {
      const offsetMs = delayBetween(original!, dub, 2000);
      console.log({ offsetMs });
      expect(Math.abs(offsetMs)).toBeLessThanOrEqual(60);
    }
    const hole = longestSilence(original!);
    console.log(hole, longestSilence(spanish!), longestSilence(french!));
    expect(hole.lengthMs).toBeGreaterThan(3500);
    expect(hole.lengthMs).toBeLessThan(9000);
    // What a caption says is heard where it says so.
    for (const { fromMs, toMs } of cuesOf(captions.get('es')!)) {
      if (toMs > recordedMs - 1000) continue;
      // What was on its way out when the worker died went with it.
      if (toMs > killedMs - DELAY_MS - 500 && fromMs < killedMs - DELAY_MS + 4000) continue;
      expect(levelDb(spanish!, fromMs, toMs), `${fromMs}`).toBeGreaterThan(-50);
    }
  });

  it('has every clause once in every language', async () => {
    const log = await live.clauseLog('kept');
    for (const language of ['es', 'fr']) {
      const fates = clauseFates(log, language, 'synced');
      console.log(language, fates);
      expect(fates.lost).toEqual([]);
      expect(fates.repeated).toEqual([]);
      expect(fates.mostOverlapMs).toBeLessThanOrEqual(100);
      expect(fates.spoken.length).toBeGreaterThan(fates.settled.length / 2);
    }
  });
});

/** Captions of what is said: the notice that AI dubs is not. */
function cuesOf(vtt: string): { fromMs: number; toMs: number }[] {
  const ms = (text: string) => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
  return [...vtt.matchAll(/^([\d:.]+) --> ([\d:.]+)\n(?!\[(?:Doblado|Doublé) [^\]]*\]$)/gm)].map(
    ([, from, to]) => ({
      fromMs: ms(from!),
      toMs: ms(to!),
    }),
  );
}
