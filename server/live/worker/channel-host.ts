import { ClauseLogFile } from '../../../db/clause-log-file.ts';
import type { ChannelPlan, Engines } from '../../../models/registry.ts';
import { systemClock } from '../../../pipeline/clock.ts';
import type { LanguageDemand } from '../../../pipeline/demand.ts';
import { DubChannel, type OutputMark } from '../../../pipeline/dub-channel.ts';
import type { SpeechUpdate } from '../../../pipeline/face/dubbed-speech.ts';
import type { EncodedFrame } from '../../../pipeline/frames.ts';
import { IngestClock } from '../../../pipeline/ingest-clock.ts';
import type { ClauseLogEntry } from '../../../pipeline/ports/clause-log.ts';
import { MediaTimeline } from '../../../pipeline/rtp/media-time.ts';
import { RtpTrackReceiver } from '../../../pipeline/rtp/track-receiver.ts';
import { CascadeEnd } from '../../../sfu/cascade.ts';
import type { CascadeMessage, CascadePort } from '../../../sfu/cascade-port.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { RtpTap } from '../../../sfu/rtp-tap.ts';
import type { Mode, TrackKey } from '../contract.ts';
import type { ChannelOrder, FromLiveWorker, ToLiveWorker } from '../worker-messages.ts';
import { ChannelReporter } from './channel-reporter.ts';
import { DubFeed } from './dub-feed.ts';
import { FaceHost } from './face-host.ts';
import type { SharedFaceThread } from './shared-face-thread.ts';

export interface ChannelHostOptions {
  order: ChannelOrder;
  plan: ChannelPlan;
  engines: Engines;
  /** What a track is marked with. */
  markOf: (track: TrackKey) => OutputMark;
  /** Of this channel alone; closed with it. */
  router: SfuRouter;
  /** Of all channels. */
  faceThread: SharedFaceThread;
  send: (message: FromLiveWorker) => void;
}

type ChannelMessage = Exclude<ToLiveWorker, { kind: 'prepare' | 'open' | 'close' | 'stop' }>;

/** Who hears the pipeline is there only after it. */
interface SpeechListeners {
  speech: (language: string, update: SpeechUpdate) => void;
  sourceSound: (pcm: Float32Array, mediaTimeUs: number) => void;
}

/** How long a missing packet is waited for, µs: a publisher's retransmission takes a round trip. */
const GAP_US = 120_000;
/** Overdue packets are given up while nothing arrives, ms. */
const POLL_MS = 20;
/** The server keeps no more for a worker that takes over, ms. */
const MAX_BACKLOG_MS = 30_000;
const MODES: readonly Mode[] = ['interpret', 'synced'];

/** One live channel in the worker: source track in, DubChannel, dubbed tracks out, over the cascade to the server. */
export class ChannelHost {
  readonly #options: ChannelHostOptions;
  readonly #channel: DubChannel;
  readonly #clauseLog: ClauseLogFile;
  readonly #feeds: readonly DubFeed[];
  readonly #ingest: IngestClock;
  readonly #reporter: ChannelReporter;
  readonly #faces: FaceHost;
  #delayMs: number;
  /** The track of the channel's picture in this router. */
  #picture: string | undefined;
  readonly #fromServer = new Set<(message: CascadeMessage) => void>();
  #cascade: CascadeEnd | undefined;
  readonly #readers: { readonly tap: RtpTap; readonly receiver: RtpTrackReceiver }[] = [];
  readonly #poll: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  private constructor(
    options: ChannelHostOptions,
    parts: {
      channel: DubChannel;
      clauseLog: ClauseLogFile;
      feeds: readonly DubFeed[];
      ingest: IngestClock;
      reporter: ChannelReporter;
      speech: SpeechListeners;
    },
  ) {
    this.#options = options;
    this.#delayMs = options.order.delayMs;
    this.#channel = parts.channel;
    this.#clauseLog = parts.clauseLog;
    this.#feeds = parts.feeds;
    this.#ingest = parts.ingest;
    this.#reporter = parts.reporter;
    this.#faces = this.#openFaces();
    parts.speech.speech = this.#faces.speech.bind(this.#faces);
    parts.speech.sourceSound = this.#faces.sourceSound.bind(this.#faces);
    this.#poll = setInterval(() => {
      for (const { receiver } of this.#readers) receiver.poll(wallUs());
    }, POLL_MS);
  }

  /**
   * Opens the pipeline and says `opened`; `listening` follows when the server has piped the source track. The router is closed
   * when it cannot be opened.
   */
  static async open(options: ChannelHostOptions): Promise<ChannelHost> {
    let clauseLog: ClauseLogFile | undefined;
    let host: ChannelHost | undefined;
    try {
      clauseLog = await ClauseLogFile.open(options.order.clauseLog);
      host = await ChannelHost.#build(options, clauseLog);
      await host.#connect();
      return host;
    } catch (error) {
      await host?.close();
      // What runs on the router ends with it.
      options.router.close();
      await clauseLog?.close();
      throw error;
    }
  }

  static async #build(options: ChannelHostOptions, clauseLog: ClauseLogFile): Promise<ChannelHost> {
    const { order, plan, engines, markOf, router } = options;
    const said = await clauseLog.read();
    const feeds = await openFeeds(order, plan, router);
    const ingest = new IngestClock({ clock: systemClock });
    const reporter = new ChannelReporter({ channelId: order.channelId, send: options.send });
    const speech: SpeechListeners = { speech: () => undefined, sourceSound: () => undefined };
    const channel = new DubChannel({
      vad: engines.vad,
      recogniser: plan.recogniser,
      aligner: engines.aligner,
      language: order.from,
      renditions: plan.renditions.map((rendition) => ({
        ...rendition,
        onSpeech: (update) => speech.speech(rendition.language, update),
        outputs: MODES.flatMap((mode) =>
          (['voice', 'mix'] as const).map((kind) => {
            const feed = feeds.get(`${kind}:${rendition.language}:${mode}`)!;
            return {
              mode,
              kind,
              mark: markOf(feed.key),
              channels: kind === 'voice' ? 1 : 2,
              onAudio: feed.send.bind(feed),
            } as const;
          }),
        ),
      })),
      pacing: { kind: 'live', ingest, syncedDelayMs: order.delayMs, backlogMs: backlogMs(order, said) },
      clock: systemClock,
      priority: 'live',
      clauseLog,
      terms: order.terms,
      separateBed: order.separateBed,
      resume: said,
      observers: [reporter, { sound: (pcm, mediaTimeUs) => speech.sourceSound(pcm, mediaTimeUs) }],
      signal: router.closed,
    });
    for (const [language, control] of Object.entries(order.controls)) channel.setControl(language, control);
    const host = new ChannelHost(options, {
      channel,
      clauseLog,
      feeds: [...feeds.values()],
      ingest,
      reporter,
      speech,
    });
    for (const [language, demand] of Object.entries(order.demand)) host.#setDemand(language, demand);
    reporter.watch(channel);
    options.send({
      kind: 'opened',
      channelId: order.channelId,
      session: order.session,
      renditions: plan.renditions.map(({ language, tier, voice }) => ({ language, tier, voice: voice.id })),
      ...(channel.resumeFromUs === undefined ? {} : { resumeFromUs: channel.resumeFromUs }),
    });
    return host;
  }

  /** Settles when the pipeline ends: rejects when it failed. */
  get done(): Promise<void> {
    return this.#channel.done;
  }

  receive(message: ChannelMessage): void {
    switch (message.kind) {
      case 'cascade':
        if (message.session !== this.#options.order.session) return;
        for (const listener of [...this.#fromServer]) listener(message.message as CascadeMessage);
        return;
      case 'demand':
        this.#setDemand(message.language, message.demand);
        return;
      case 'control':
        this.#channel.setControl(message.language, message.control);
        return;
      case 'delay':
        this.#channel.setDelay(message.delayMs);
        this.#delayMs = message.delayMs;
        this.#faces.setDelay(message.delayMs);
        return;
      case 'faces':
        this.#faces.setConsent(message.consent);
        return;
      case 'terms':
        this.#channel.setTerms(message.terms);
        return;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#poll);
    this.#reporter.close();
    for (const { tap } of this.#readers) tap.close();
    await Promise.all([this.#channel.close(), this.#faces.close()]);
    for (const feed of this.#feeds) feed.close();
    this.#cascade?.close();
    this.#options.router.close();
    await this.#clauseLog.close();
  }

  #openFaces(): FaceHost {
    const { order, router, faceThread, markOf, send } = this.#options;
    return new FaceHost({
      ...{ router, markOf, send, channelId: order.channelId, originUs: order.originUs, thread: faceThread },
      consent: order.faces?.consent ?? false,
      delayMs: order.delayMs,
      headUs: () => {
        const nowUs = this.#ingest.nowUs;
        return nowUs === undefined ? undefined : nowUs - this.#delayMs * 1000;
      },
      onTrack: (key, producerId) => this.#pipe(key, producerId),
      onFailed: (error) => this.#reporter.degraded('face', error),
    });
  }

  #setDemand(language: string, demand: LanguageDemand): void {
    this.#channel.setDemand(language, demand);
    this.#faces.setDemand(language, demand.face);
  }

  async #connect(): Promise<void> {
    const { order, router, send } = this.#options;
    const port: CascadePort = {
      send: (message) =>
        send({ kind: 'cascade', channelId: order.channelId, session: order.session, message }),
      onMessage: (listener) => {
        this.#fromServer.add(listener);
        return () => this.#fromServer.delete(listener);
      },
    };
    this.#cascade = await CascadeEnd.create({
      router,
      port,
      onProducer: (producer) => {
        const { role } = producer.appData;
        if (role === 'picture') {
          this.#picture = producer.id;
          this.#faces.setPicture(producer.id);
          // Another may have come meanwhile.
          producer.observer.once('close', () => {
            if (this.#picture === producer.id) this.#faces.setPicture(undefined);
          });
          return;
        }
        const reading =
          role === 'source'
            ? this.#listen(producer.id)
            : role === 'bed'
              ? this.#readBed(producer.id)
              : undefined;
        reading?.catch((error: unknown) => this.#lost('What the server sends is not heard', error));
      },
    });
    // Piped beside each other, when the server's end has answered.
    for (const feed of this.#feeds) this.#pipe(feed.key, feed.producerId);
  }

  #pipe(track: TrackKey, producerId: string): void {
    this.#cascade
      ?.pipe(producerId, { appData: { track } })
      .catch((error: unknown) => this.#lost('A dubbed track does not reach the server', error));
  }

  /** A track that comes or goes while the channel is being closed is no loss. */
  #lost(what: string, error: unknown): void {
    if (!this.#closing) process.emitWarning(`${what}: ${String(error)}`);
  }

  async #listen(producerId: string): Promise<void> {
    const { order, send } = this.#options;
    await this.#read(producerId, (frame) => {
      this.#ingest.observe(frame.mediaTimeUs, systemClock.nowMs());
      this.#reporter.heard(frame.mediaTimeUs);
      this.#channel.push(frame);
    });
    send({ kind: 'listening', channelId: order.channelId, session: order.session });
  }

  async #readBed(producerId: string): Promise<void> {
    await this.#read(producerId, (frame) => this.#channel.pushBed(frame));
  }

  /** Reads a track of the server as frames on media time. */
  async #read(producerId: string, onFrame: (frame: EncodedFrame) => void): Promise<void> {
    const { order, router } = this.#options;
    let receiver: RtpTrackReceiver | undefined;
    const tap = await router.createTap({
      producerId,
      onPacket: (packet) => receiver?.push(packet, wallUs()),
    });
    receiver = new RtpTrackReceiver({
      codec: 'opus',
      payloadType: tap.payloadType,
      captureTimeId: tap.captureTimeId,
      timeline: new MediaTimeline({ originUs: order.originUs }),
      gapAfterArrivalUs: GAP_US,
      onFrame,
    });
    if (this.#closing) tap.close();
    else this.#readers.push({ tap, receiver });
  }
}

async function openFeeds(
  order: ChannelOrder,
  plan: ChannelPlan,
  router: SfuRouter,
): Promise<Map<TrackKey, DubFeed>> {
  const feeds = await Promise.all(
    plan.renditions.flatMap(({ language }) =>
      MODES.flatMap((mode) =>
        (['voice', 'mix'] as const).map((kind) =>
          DubFeed.create({
            router,
            key: `${kind}:${language}:${mode}`,
            channels: kind === 'voice' ? 1 : 2,
            originUs: order.originUs,
          }),
        ),
      ),
    ),
  );
  return new Map(feeds.map((feed) => [feed.key, feed]));
}

/** How much sound the server sends at once: what was said since the last clause, or what synced mode can still say. */
function backlogMs(order: ChannelOrder, said: readonly ClauseLogEntry[]): number {
  const last = said.findLast((entry) => entry.kind === 'clause');
  if (last === undefined) return order.delayMs;
  const nowUs = Date.now() * 1000 - order.originUs;
  return Math.min(MAX_BACKLOG_MS, Math.max(0, (nowUs - last.clause.endUs) / 1000));
}

/** Arrival clock of the jitter buffer, µs; only differences count. */
function wallUs(): number {
  return Math.round(systemClock.nowMs() * 1000);
}
