import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OperatorChannel, RecordingView, TextEvent } from '../../server/live/contract.ts';
import { type Heard, LiveBrowser, type LivePage } from '../support/live-browser.ts';
import { LiveTestServer } from '../support/live-server.ts';
import { microphoneSpeech } from '../support/live-speech.ts';
import { MarkReader, type NamedMark } from '../support/marks.ts';
import { soundOf } from '../support/sound-compare.ts';
import { sleep, until } from '../support/until.ts';

type Utterance = Extract<TextEvent, { kind: 'utterance' }>;

const DELAY_MS = 3000;
/** How long every listener listens, s. */
const LISTEN_S = 20;
/** What is searched of a sound without a mark, s: nothing takes a detector as long. */
const UNMARKED_S = 10;
/** A player that was starved plays faster or slower until it has caught up, and no mark is read meanwhile: it is heard again. */
const HEARD_AGAIN = { timeoutMs: 120_000, everyMs: 10_000 };

/**
 * What leaves the server dubbed, on whatever way, says where it comes from. That there is no other way out is the compiler's
 * to prove: `RenditionOutput.mark` is required, and only `runRendition` wires outputs.
 */
describe('the marks of a live channel', () => {
  let folder: string;
  let live: LiveTestServer;
  let browser: LiveBrowser;
  let page: LivePage;
  let channel: OperatorChannel;
  let reader: MarkReader;
  let recording: RecordingView;
  /** By viewer and track. */
  const heard = new Map<string, Heard>();
  const read = new Map<string, readonly NamedMark[]>();

  const spoken = async (viewer: string) =>
    (await page.call<Utterance[]>('events', viewer, ['utterance'])).filter(
      ({ outcome }) => outcome === 'spoken',
    ).length;

  /** Takes down the last that was heard of a track. */
  const keep = async (key: string, seconds: number) => {
    const [viewer, track] = key.split(' ') as [string, string];
    const { pcm, startedAtMs } = await page.heard(viewer, track);
    const skipped = Math.max(0, pcm.length - seconds * 16_000);
    heard.set(key, { pcm: pcm.slice(skipped), startedAtMs: startedAtMs + skipped / 16 });
  };

  /** The tracks that what was heard names, each once. */
  const tracksIn = async (key: string) => {
    const startMs = performance.now();
    const marks = await reader.read(heard.get(key)!.pcm);
    read.set(key, marks);
    const seconds = heard.get(key)!.pcm.length / 16_000;
    const tookS = (performance.now() - startMs) / 1000;
    console.log(
      key,
      { seconds, tookS },
      JSON.stringify(marks.map(({ track, finding }) => ({ track, ...finding }))),
    );
    return [...new Set(marks.map(({ track }) => track))];
  };

  /** The same, listening on until it names one. */
  const tracksHeard = async (key: string) => {
    let tracks = await tracksIn(key);
    const readOn = async () => {
      await keep(key, LISTEN_S);
      tracks = await tracksIn(key);
      return tracks.length > 0;
    };
    if (tracks.length === 0) await until(`${key} names a track`, readOn, HEARD_AGAIN);
    return tracks;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-marks-'));
    live = await LiveTestServer.start();
    browser = await LiveBrowser.open({ base: live.base, microphone: await microphoneSpeech(folder) });
    page = await browser.page();
    channel = await live.createChannel({ id: 'traced', title: 'Traced', delayMs: DELAY_MS, isPublic: true });
    const { whip: url, token } = channel.publish;
    await page.call('publish', 'camera', { url, token });
    await until('it can be dubbed', async () => (await live.channel('traced')).dub === 'ready', {
      timeoutMs: 60_000,
    });
    reader = await MarkReader.open(live.dataDir);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('are issued before anything sounds, one a track, and noted with the channel', async () => {
    const issued = await reader.registry.list(reader.keyId);
    expect(issued.map(({ kind, language, mode }) => `${kind} ${language} ${mode}`).sort()).toEqual([
      'face es synced',
      'mix es interpret',
      'mix es synced',
      'voice es interpret',
      'voice es synced',
    ]);
    for (const { channel: of, source, startedAt } of issued) {
      expect(of).toEqual({ id: 'traced', title: 'Traced', isPublic: true });
      expect(source).toBe('live');
      expect(startedAt).toBe((await live.channel('traced')).startedAt);
    }
  });

  it('are heard by viewers and WHEP players in what is dubbed, and in nothing else', async () => {
    const started = await live.api<RecordingView>('POST', '/v1/channels/traced/recordings');
    expect(started.status).toBe(201);
    recording = started.body;
    const viewers = [
      { name: 'prompt', mode: 'interpret', premixed: false, track: 'voice:es:interpret' },
      { name: 'patient', mode: 'synced', premixed: false, track: 'voice:es:synced' },
      { name: 'premixed', mode: 'synced', premixed: true, track: 'mix:es:synced' },
    ] as const;
    for (const { name, mode, premixed, track } of viewers) {
      await page.call('watch', name, { url: live.watchUrl('traced') });
      await page.call('select', name, { language: 'es', mode, premixed, video: false });
      await page.call('listen', name, track);
    }
    await page.call('listen', 'prompt', 'live:audio');
    const played = await page.call('play', 'whep', {
      url: `${live.base}/whep/traced?lang=es&mode=interpret`,
    });
    expect(played).toMatchObject({ status: 201, state: 'connected' });
    await page.call('listen', 'whep', 'audio');
    await until('somebody speaks Spanish', async () => (await spoken('patient')) >= 2, { timeoutMs: 60_000 });
    await sleep(1000 * LISTEN_S);

    // All of it is taken down before any is read: a detector at work leaves a small machine no time for a dub.
    for (const key of [
      ...viewers.map(({ name, track }) => `${name} ${track}`),
      'prompt live:audio',
      'whep audio',
    ])
      await keep(key, key.endsWith('live:audio') ? UNMARKED_S : 2 * LISTEN_S);
    await live.api('DELETE', '/v1/channels/traced/recordings/current');

    for (const [key, expected] of [
      ['prompt voice:es:interpret', 'voice es interpret'],
      ['patient voice:es:synced', 'voice es synced'],
      ['premixed mix:es:synced', 'mix es synced'],
      ['whep audio', 'mix es interpret'],
    ] as const)
      expect(await tracksHeard(key), key).toEqual([expected]);
    expect(await tracksIn('prompt live:audio')).toEqual([]);
  }, 600_000);

  it('name the minute in which it was heard', async () => {
    const { pcm, startedAtMs } = heard.get('whep audio')!;
    const [mark] = read.get('whep audio')!;
    const originMs = Date.parse(mark!.issued!.startedAt);
    const heardS = (startedAtMs - originMs) / 1000 + mark!.finding.startS;
    // The minute is that of a block's beginning, 2.6 s before its end at most; the sound took a moment to get here.
    expect(mark!.finding.payload.minute).toBeGreaterThanOrEqual(Math.floor((heardS - 4) / 60));
    expect(mark!.finding.payload.minute).toBeLessThanOrEqual(Math.floor((heardS + pcm.length / 16_000) / 60));
  });

  it('are in the dubbed track of a recording, and not in the original', async () => {
    const view = async () => (await live.channel('traced')).recordings.find(({ id }) => id === recording.id)!;
    await until('it is done', async () => ['done', 'failed'].includes((await view()).state), {
      timeoutMs: 90_000,
    });
    const file = join(folder, 'recording.mp4');
    const response = await fetch(`${live.base}${(await view()).download}`);
    await writeFile(file, Buffer.from(await response.arrayBuffer()));
    const [original, dub] = await Promise.all(
      [0, 1].map((track) => soundOf(file, track, join(folder, `${track}.f32`))),
    );
    expect(await reader.tracksIn(dub!)).toEqual(['mix es synced']);
    expect(await reader.tracksIn(original!.slice(-16_000 * UNMARKED_S))).toEqual([]);
  }, 180_000);

  it('stay the same when another worker takes over', async () => {
    const before = read.get('whep audio')![0]!.issued!.rendition;
    const spokenBefore = await spoken('prompt');
    process.kill(live.server.liveWorkers.pid!, 'SIGKILL');
    await until('the dub is gone', async () => (await live.channel('traced')).dub !== 'ready');
    await until('the dub is back', async () => (await live.channel('traced')).dub === 'ready', {
      timeoutMs: 60_000,
    });
    await page.call('listen', 'whep', 'audio');
    // Not by the clock: how soon a busy machine speaks again is its own affair.
    await until('it speaks again', async () => (await spoken('prompt')) >= spokenBefore + 3, {
      timeoutMs: 90_000,
    });
    await sleep(500 * LISTEN_S);
    await keep('whep audio', LISTEN_S);
    await tracksHeard('whep audio');
    expect(new Set(read.get('whep audio')!.map(({ issued }) => issued?.rendition))).toEqual(
      new Set([before]),
    );
  }, 360_000);

  it('are noted with their length when the programme ends', async () => {
    await page.call('unpublish', 'camera');
    await live.server.close();
    const issued = await reader.registry.list(reader.keyId);
    for (const { minutes, startedAt } of issued) {
      expect(minutes).toBeGreaterThanOrEqual(1);
      expect(minutes).toBeLessThanOrEqual(Math.ceil((Date.now() - Date.parse(startedAt)) / 60_000));
    }
  });
});
