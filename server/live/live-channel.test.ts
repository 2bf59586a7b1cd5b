import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { types } from 'mediasoup';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { mediasoupWorkerBin } from '../../pipeline/cache-paths.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { SfuWorkerPool } from '../../sfu/worker-pool.ts';
import { Marker } from '../marks/marker.ts';
import type { ChannelView, Notice, ViewerEvent } from './contract.ts';
import { LiveChannel } from './live-channel.ts';
import { LiveWorkers } from './live-workers.ts';
import type { Publisher } from './publishers.ts';
import { FinishingQueue } from './recording/finishing-queue.ts';
import { ViewerSession } from './viewer-session.ts';

const workerBin = mediasoupWorkerBin();
const fixture = fileURLToPath(new URL('./fixture-live-worker.mjs', import.meta.url));

/** Routers, tracks and viewers' transports are real; the worker that would dub never gets ready. */
describe('LiveChannel', () => {
  let pool: SfuWorkerPool;
  let workers: LiveWorkers;
  let folder: string;
  let marker: Marker;
  let channel: LiveChannel;
  let notices: string[];
  /** What the operator is told. */
  let lines: string[];
  let saved: number;
  /** What viewers and desks were told last. */
  let shown: ChannelView | undefined;

  function made(createRouter = (signal: AbortSignal) => pool.createRouter({ signal })): LiveChannel {
    notices = [];
    lines = [];
    saved = 0;
    shown = undefined;
    channel = new LiveChannel({
      record: {
        id: 'news',
        createdAt: '2026-01-01T00:00:00.000Z',
        settings: {
          ...{ title: 'News', from: 'en', languages: [{ language: 'es', face: false }], delayMs: 6000 },
          ...{ isPublic: true, record: false, dubbingSource: 'programme', listeners: false },
          ...{ glossary: [], doNotTranslate: [], faceConsent: false },
        },
        streamKey: 'k'.repeat(24),
        controls: {},
      },
      workers,
      marker,
      dataDir: folder,
      createRouter,
      clauseLogOf: (id) => join(folder, id),
      recordingsFolder: join(folder, 'recordings'),
      finishing: new FinishingQueue(),
      save: async () => {
        saved += 1;
      },
      onChange: (changed) => {
        shown = changed.view();
      },
      onDeskChange: () => undefined,
      onNotice: (line) => lines.push(line),
    });
    const tell = channel.events.notice.bind(channel.events);
    channel.events.notice = (event: Notice) => {
      notices.push(event.code);
      tell(event);
    };
    return channel;
  }

  /** Somebody with one sound, who tells the channel of its end as a WebRTC session does. */
  async function publisher(
    as: 'programme' | 'speech' = 'programme',
    picture?: 'vp8' | 'h264',
  ): Promise<Publisher & { closed: boolean }> {
    const router = await channel.router();
    const feed = await router.createFeed({ codec: 'opus', cname: 'test' });
    const video = picture && (await router.createFeed({ codec: picture, cname: 'test' }));
    const made = {
      protocol: 'whip' as const,
      tracks: as === 'speech' ? { speech: feed.producer } : { audio: feed.producer, video: video?.producer },
      closed: false,
      health: async () => ({}),
      close: () => {
        if (made.closed) return;
        made.closed = true;
        feed.close();
        video?.close();
        channel.unpublish(as, made);
      },
    };
    return made;
  }

  /** What there is in the channel's router. */
  async function producers(): Promise<number> {
    const { mapProducerIdConsumerIds } = await (await channel.router()).router.dump();
    return mapProducerIdConsumerIds.length;
  }

  beforeAll(async () => {
    pool = await SfuWorkerPool.start({
      count: 1,
      webRtc: {},
      ...(workerBin === undefined ? {} : { workerBin }),
    });
    folder = await mkdtemp(join(tmpdir(), 'livedub-channel-'));
    marker = await Marker.open({ dataDir: folder, env: {} });
  });

  const openWorkers = (behaviour: string) =>
    new LiveWorkers({
      spare: false,
      spawn: () =>
        fork(fixture, [], {
          ...{ execArgv: [], detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
          env: { ...process.env, LIVE_FIXTURE: behaviour },
        }),
    });

  beforeEach(() => {
    workers = openWorkers('mute');
  });

  afterEach(async () => {
    vi.useRealTimers();
    await channel.close();
    await workers.close();
  });

  afterAll(async () => {
    await pool.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('lets one of two publishers who come at the same time on the air', async () => {
    made();
    const both = await Promise.all([publisher(), publisher()]);
    const results = await Promise.allSettled(both.map((one) => channel.publish('programme', one, false)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(results[1]).toMatchObject({ reason: { code: 'LIVEDUB_E_CONFLICT' } });
    expect(channel.publishers.get('programme')).toBe(both[0]);
  });

  it('is not interrupted when a publisher takes another one’s place', async () => {
    made();
    const [first, second] = [await publisher(), await publisher()];
    await channel.publish('programme', first, false);
    await channel.publish('programme', second, true);
    expect(first.closed).toBe(true);
    expect(channel.state).toBe('live');
    expect(notices).not.toContain('publisher-lost');
  });

  it('is not live with a publisher who left while being put on the air', async () => {
    made();
    const one = await publisher();
    const published = expect(channel.publish('programme', one, false)).rejects.toThrow();
    setImmediate(() => one.close());
    await published;
    expect(channel.state).toBe('idle');
    expect(channel.publishers.count).toBe(0);
  });

  it('is live when a programme begins while the one before still ends', async () => {
    made();
    await channel.publish('programme', await publisher(), false);
    const ended = channel.endProgramme();
    await channel.publish('programme', await publisher(), false);
    await ended;
    expect(channel.state).toBe('live');
    expect(channel.programme).toBeDefined();
  });

  it('ends a programme whose publisher has sent nothing for long, though it said no goodbye', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    made();
    const one = await publisher();
    await channel.publish('programme', one, false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(channel.state).toBe('interrupted');
    await vi.advanceTimersByTimeAsync(25_000);
    expect(channel.state).toBe('idle');
    expect(one.closed).toBe(true);
  });

  it('has each track once when languages change in quick succession, and none after the programme', async () => {
    made();
    await channel.publish('programme', await publisher(), false);
    const changes = [['es', 'fr'], ['fr'], ['fr', 'it', 'es'], ['it']].map((languages) =>
      channel.changeSettings({ languages: languages.map((language) => ({ language, face: false })) }),
    );
    await Promise.all(changes);
    const keys = [...channel.tracks.keys()];
    expect(keys.filter((key) => key.startsWith('voice:'))).toEqual(['voice:it:interpret', 'voice:it:synced']);
    // The publisher's own track, and those that viewers can have.
    expect(await producers()).toBe(1 + keys.length);
    await channel.endProgramme();
    expect(await producers()).toBe(0);
  });

  it('has a picture for the faces of each language that has them on, of the publisher’s codec', async () => {
    made();
    const faces = () => [...channel.tracks].filter(([key]) => key.startsWith('face:'));
    const on = (...switched: string[]) =>
      channel.changeSettings({
        languages: ['es', 'fr'].map((language) => ({ language, face: switched.includes(language) })),
      });
    await on('es');
    await channel.publish('programme', await publisher(), false);
    expect(faces()).toEqual([]);
    expect(channel.view().renditions[0]!.face).toEqual({ state: 'no-consent' });
    await channel.changeSettings({ faceConsent: true });
    expect(channel.view().renditions.map(({ face }) => face.state)).toEqual(['no-picture', 'off']);
    await channel.publish('programme', await publisher('programme', 'vp8'), true);
    expect(faces().map(([key]) => key)).toEqual(['face:es:synced']);
    expect(channel.view().renditions[0]!.face).toEqual({ state: 'idle' });
    const [[, before]] = faces() as [[string, types.Producer]];
    await on('fr');
    // Who watches the one that is off now keeps a picture: the original’s.
    expect(faces().map(([key]) => key)).toEqual(['face:es:synced', 'face:fr:synced']);
    expect(before.closed).toBe(false);
    await channel.publish('programme', await publisher('programme', 'h264'), true);
    expect(before.closed).toBe(true);
    expect(faces().map(([key]) => key)).toEqual(['face:fr:synced']);
    expect(faces()[0]![1].rtpParameters.codecs[0]!.mimeType).toBe('video/H264');
    await channel.changeSettings({ languages: [{ language: 'es', face: false }] });
    expect(faces()).toEqual([]);
  });

  it('has a picture while who publishes sends one, and keeps its tracks for the next', async () => {
    made();
    await channel.changeSettings({ faceConsent: true, languages: [{ language: 'es', face: true }] });
    const says = (hasVideo: boolean, state: string) =>
      vi.waitFor(() => {
        expect(shown).toMatchObject({ state: 'live', hasAudio: true, hasVideo });
        expect(shown!.renditions[0]!.face.state).toBe(state);
      });
    const first = await publisher('programme', 'vp8');
    await channel.publish('programme', first, false);
    await says(true, 'idle');
    const tracks = [...channel.tracks.keys()];
    first.close();
    await channel.publish('programme', await publisher(), false);
    await says(false, 'no-picture');
    await channel.publish('programme', await publisher('programme', 'vp8'), true);
    await says(true, 'idle');
    await channel.publish('speech', await publisher('speech'), false);
    await channel.publish('programme', await publisher(), true);
    await says(false, 'no-picture');
    expect([...channel.tracks.keys()]).toEqual(tracks);
  });

  it('leaves nothing open when it is closed while a programme begins, and begins none afterwards', async () => {
    made();
    const one = await publisher();
    const router = await channel.router();
    const published = expect(channel.publish('programme', one, false)).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
    const startedMs = performance.now();
    await Promise.all([channel.close(), channel.close()]);
    await published;
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(channel.programme).toBeUndefined();
    expect(router.closed.aborted).toBe(true);
    await expect(channel.router()).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('closes while it waits for a media worker', async () => {
    made(
      (signal) =>
        new Promise<SfuRouter>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        ),
    );
    const waiting = expect(channel.router()).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    await channel.close();
    await waiting;
  });

  it('is not written to disk again once it is closed: it may have been deleted', async () => {
    made();
    await channel.changeSettings({ title: 'Newer' });
    await channel.close();
    await expect(channel.changeSettings({ title: 'Newest' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
    expect(saved).toBe(1);
  });

  it('dubs nothing while no mark can be noted, and does when it can', async () => {
    await workers.close();
    workers = openWorkers('');
    const marks = join(folder, 'marks');
    await rm(marks, { recursive: true, force: true });
    await writeFile(marks, 'in the way');
    made();
    await channel.publish('programme', await publisher(), false);
    await vi.waitFor(() => expect(lines.join()).toMatch(/dub interrupted: LIVEDUB_E_/));
    expect(channel.state).toBe('live');
    expect(notices).toContain('dub-lost');
    // The fixture fails a channel as soon as it is told to open it.
    expect(lines.join()).not.toContain('ENGINE_FAILED');
    await rm(marks);
    await vi.waitFor(() => expect(lines.join()).toContain('ENGINE_FAILED'), 10_000);
  });

  it('records what is on the air once, and nothing of a programme that has ended', async () => {
    made();
    await expect(channel.recordings.start()).rejects.toMatchObject({ code: 'LIVEDUB_E_CONFLICT' });
    await channel.publish('programme', await publisher(), false);
    const both = await Promise.allSettled([channel.recordings.start(), channel.recordings.start()]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(channel.demand.of('es').synced.mix).toBe(true);
    await channel.changeSettings({ languages: ['es', 'fr'].map((language) => ({ language, face: false })) });
    expect(channel.demand.of('fr').synced.mix).toBe(true);
    await channel.endProgramme();
    expect(channel.recordings.isRecording).toBe(false);
    expect(channel.demand.of('fr').synced.mix).toBe(false);
  });

  describe('and a viewer', () => {
    let sent: ViewerEvent[];
    let ended: string[];

    function watched(): ViewerSession {
      sent = [];
      ended = [];
      const session = new ViewerSession({
        socket: {
          signal: new AbortController().signal,
          send: (event) => sent.push(event),
          sendDroppable: (event) => sent.push(event),
          sendLatest: () => undefined,
          close: (_code, reason) => ended.push(reason ?? ''),
        },
        router: channel.router(),
        view: () => channel.view(),
        from: () => 'en',
        hasLanguage: (language) => language === 'es',
        tracks: () => channel.tracks,
        demand: channel.demand,
        iceServers: [],
        onEnd: () => channel.events.viewers.delete(session),
      });
      channel.events.viewers.add(session);
      return session;
    }

    const ask = (session: ViewerSession, request: object) => session.onMessage(JSON.stringify(request));
    const answered = (request: number) =>
      vi.waitFor(() => {
        const answer = sent.find((event) => 'request' in event && event.request === request);
        if (!answer) throw new Error('no answer yet');
        return answer;
      });
    const nothing = { mode: 'interpret', captions: null, video: true };

    it('who selects a language that there is not is told so, and wants nothing made', async () => {
      made();
      const session = watched();
      ask(session, { kind: 'select', request: 1, ...nothing, language: 'xx' });
      expect(await answered(1)).toMatchObject({ kind: 'error', problem: { code: 'LIVEDUB_E_NOT_FOUND' } });
      expect(channel.demand.of('xx').interpret.voice).toBe(false);
      ask(session, { kind: 'select', request: 2, ...nothing, language: 'es' });
      expect(await answered(2)).toMatchObject({ kind: 'ok' });
      expect(channel.demand.of('es').interpret.voice).toBe(true);
      session.end(1000, 'done');
      expect(channel.demand.of('es').interpret.voice).toBe(false);
    });

    it('who reads a dub is told before its first words, once a programme, that AI makes it', async () => {
      made();
      const session = watched();
      const times = { startUs: 5_000_000, endUs: 6_000_000 };
      const say = (clauseId: number) =>
        channel.events.text({ kind: 'translation', clauseId, language: 'es', text: 'Hola.', ...times });
      const read = () =>
        sent.map(({ kind }) => kind).filter((kind) => kind === 'dub-notice' || kind === 'translation');
      say(0);
      expect(read()).toEqual([]);
      ask(session, { kind: 'select', request: 1, ...nothing, language: null, captions: 'es' });
      await answered(1);
      say(1);
      say(2);
      expect(read()).toEqual(['dub-notice', 'translation', 'translation']);
      expect(sent.find(({ kind }) => kind === 'dub-notice')).toEqual({
        ...{ kind: 'dub-notice', language: 'es', text: 'Doblado con IA' },
        ...{ startUs: 5_000_000, endUs: 9_000_000 },
      });
      channel.events.forget();
      say(3);
      expect(read().slice(3)).toEqual(['dub-notice', 'translation']);
      session.end(1000, 'done');
    });

    it('for whom a track cannot be made is told so, and can still ask', async () => {
      made();
      const session = watched();
      const { rtpCapabilities } = (await channel.router()).router;
      ask(session, { kind: 'join', request: 1, rtpCapabilities });
      expect(await answered(1)).toMatchObject({ kind: 'tracks', consumers: [] });
      const broken = {
        get closed(): boolean {
          throw new Error('this track is broken');
        },
      } as types.Producer;
      session.added(new Map([['live:audio', broken]]));
      ask(session, { kind: 'restart-ice', request: 2 });
      expect(await answered(2)).toMatchObject({ kind: 'ok' });
      expect(sent.map(({ kind }) => kind)).toEqual(['welcome', 'tracks', 'error', 'ok']);
    });

    it('who joins while tracks are being made gets each once', async () => {
      made();
      const session = watched();
      await vi.waitFor(() => expect(sent).toHaveLength(1));
      const published = channel.publish('programme', await publisher(), false);
      const { rtpCapabilities } = (await channel.router()).router;
      ask(session, { kind: 'join', request: 1, rtpCapabilities });
      await published;
      await answered(1);
      await vi.waitFor(() => {
        const tracks = sent.flatMap((event) => (event.kind === 'tracks' ? event.consumers : []));
        expect(tracks.map(({ track }) => track).sort()).toEqual([...channel.tracks.keys()].sort());
      });
    });
  });
});
