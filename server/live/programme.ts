import type { types } from 'mediasoup';
import { type Clock, systemClock } from '../../pipeline/clock.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { EncodedFrame } from '../../pipeline/frames.ts';
import { RTP_CLOCK_HZ, type RtpPacketInfo } from '../../pipeline/rtp/rtp-packet.ts';
import { SessionClock } from '../../pipeline/rtp/session-clock.ts';
import { type RelayInput, RelayTrack } from '../../sfu/relay-track.ts';
import type { SfuRouter } from '../../sfu/router.ts';
import { type TrackKey, TrackKeySchema } from './contract.ts';
import { DelayedTrack } from './delayed-track.ts';
import { FaceTracks, type FaceWish, faceKey } from './face-tracks.ts';
import type { PictureFigures } from './publishers.ts';
import { RelayedSource } from './relayed-source.ts';

/** What a publisher, however it came, has put into the router. */
export interface IngestTracks {
  readonly audio?: types.Producer | undefined;
  readonly video?: types.Producer | undefined;
  /** Clean speech or commentary: dubbed instead of `audio`. */
  readonly speech?: types.Producer | undefined;
}

export interface ProgrammeOptions {
  router: SfuRouter;
  /** Languages that are dubbed. */
  languages: readonly string[];
  delayMs: number;
  /** Sound of the dubbing source, in order. */
  onSource: (frame: EncodedFrame) => void;
  /** Sound under the dub, where another one is dubbed. */
  onBed: (frame: EncodedFrame) => void;
  /** Every frame of every track that a recording may want, on media time. */
  onFrame: (key: TrackKey, frame: EncodedFrame) => void;
  onTracks: (added: ReadonlyMap<TrackKey, types.Producer>) => void;
  onTracksGone: (keys: readonly TrackKey[]) => void;
  /** Default: `programme`. */
  dubbingSource?: 'programme' | 'speech';
  clock?: Clock;
}

/** How often a publisher is asked for a keyframe while somebody may join behind the delay line, ms. */
const KEYFRAME_EVERY_MS = 3000;
const MODES = ['interpret', 'synced'] as const;

/** One broadcast of a channel, over all its publishers: the tracks that everybody reads, on one timeline. */
export class Programme {
  /** Names its clause log; when it began, as RFC 3339 with only digits and letters. */
  readonly id: string;
  readonly startedAt: string;
  /** Wall time of media time 0, µs since the Unix epoch. */
  readonly originUs: number;
  readonly #o: ProgrammeOptions;
  readonly #clock: Clock;
  readonly #originMs: number;
  readonly #relays = new Map<TrackKey, RelayTrack>();
  readonly #delayed = new Map<TrackKey, DelayedTrack>();
  /** Sources by what they feed; a new one replaces the former. */
  readonly #sources = new Map<string, RelayedSource>();
  readonly #faces: FaceTracks;
  /** Languages that get a picture of their own as soon as there is one. */
  #faceLanguages: readonly string[] = [];
  readonly #keyframes: NodeJS.Timeout;
  #delayMs: number;
  #pictures = 0;
  #picturesSinceMs = 0;
  #size: { readonly width?: number; readonly height?: number } = {};
  /** Tracks are made and replaced in the order in which that was asked for. */
  #work: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ProgrammeOptions) {
    this.#o = options;
    this.#delayMs = options.delayMs;
    this.#clock = options.clock ?? systemClock;
    const startedAt = new Date();
    this.startedAt = startedAt.toISOString();
    this.id = this.startedAt.replace(/[-:.]/g, '').toLowerCase();
    this.originUs = startedAt.getTime() * 1000;
    this.#originMs = this.#clock.nowMs();
    this.#faces = new FaceTracks({
      shownUs: () => this.nowUs - this.#delayMs * 1000,
      onOriginalKeyframeWanted: () => this.requestKeyframe(),
    });
    this.#keyframes = setInterval(() => this.requestKeyframe(), KEYFRAME_EVERY_MS);
  }

  /** Media time of now, µs. */
  get nowUs(): number {
    return Math.round((this.#clock.nowMs() - this.#originMs) * 1000);
  }

  /** What viewers can receive now. */
  get tracks(): ReadonlyMap<TrackKey, types.Producer> {
    return new Map([...this.#relays].map(([key, relay]) => [key, relay.producer]));
  }

  /** Whoever publishes, or did last, sends a picture. */
  get hasVideo(): boolean {
    return this.#sources.has('live:video');
  }

  /** Codec of the picture that viewers have now. */
  get videoCodec(): 'vp8' | 'h264' | undefined {
    const codec = this.#relays.get('live:video')?.codec;
    return codec === 'opus' ? undefined : codec;
  }

  /** Clean speech of its own is published, or was. */
  get hasSpeech(): boolean {
    return this.#sources.has('speech');
  }

  /** As `hasVideo`. */
  get hasAudio(): boolean {
    return this.#sources.has('live:audio');
  }

  /** Packets of the publisher's tracks so far: tells whether media comes. */
  get ingestPackets(): number {
    return (['live:audio', 'live:video', 'speech'] as const).reduce(
      (sum, key) => sum + (this.#sources.get(key)?.packets ?? 0),
      0,
    );
  }

  /** What the picture was like since the last call; call it about once a second. */
  takePicture(): PictureFigures {
    const nowMs = this.#clock.nowMs();
    const fps = (this.#pictures * 1000) / Math.max(1, nowMs - this.#picturesSinceMs);
    this.#pictures = 0;
    this.#picturesSinceMs = nowMs;
    return { fps: Math.round(fps * 10) / 10, ...this.#size };
  }

  /** Somebody begins to take the live picture down and needs one that stands by itself. */
  requestKeyframe(): void {
    this.#sources.get('live:video')?.requestKeyframe();
  }

  /** The same for every picture that is made here, too: a recording begins. */
  requestKeyframes(): void {
    this.requestKeyframe();
    this.#faces.requestKeyframes();
  }

  /**
   * Makes a publisher's tracks the programme's. Those of a former one are cut off, also where this one has none in their place; the
   * relays stay, for who comes next.
   * @throws LivedubError LIVEDUB_E_CLOSED, LIVEDUB_E_SFU_FAILED
   */
  attach(ingest: IngestTracks): Promise<void> {
    return this.#inTurn(() => this.#attach(ingest));
  }

  /**
   * A dubbed track of the worker: what it says goes out on the relay of the same name.
   * @throws LivedubError LIVEDUB_E_SFU_FAILED
   */
  attachDub(key: TrackKey, producerId: string): Promise<void> {
    return this.#inTurn(() => this.#attachDub(key, producerId));
  }

  /**
   * Makes the relays of all languages, so that a viewer's consumers are there before anything is said; ends the others'.
   * @throws LivedubError LIVEDUB_E_CLOSED, LIVEDUB_E_SFU_FAILED
   */
  openDubTracks(languages: readonly string[] = this.#o.languages): Promise<void> {
    return this.#inTurn(() => this.#openDubTracks(languages));
  }

  /**
   * Makes a picture for each language whose faces may speak it, once there is one. They stay until the language or the codec goes:
   * a picture that nobody alters any more is the delayed original.
   * @throws LivedubError LIVEDUB_E_CLOSED, LIVEDUB_E_SFU_FAILED
   */
  openFaces(languages: readonly string[]): Promise<void> {
    this.#faceLanguages = languages;
    return this.#inTurn(async () => {
      const added = await this.#openFaces();
      if (added.size > 0) this.#o.onTracks(added);
    });
  }

  /** What is to become of one language's faces, now and once it has a picture. */
  wishFace(language: string, wish: FaceWish): void {
    this.#faces.wish(language, wish);
  }

  async #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#work.then(() => {
      if (this.#closed) throw new LivedubError('LIVEDUB_E_CLOSED', 'The programme has ended.');
      return act();
    });
    this.#work = done.catch(() => undefined);
    await done;
  }

  async #attach(ingest: IngestTracks): Promise<void> {
    // One clock for what came from one publisher: its reports tie picture and sound together.
    const session = new SessionClock();
    const { audio, video, speech } = ingest;
    // Clean speech comes beside a programme, which goes on.
    if (audio || video) {
      if (!audio) this.#detach('live:audio');
      if (!video) this.#detach('live:video');
    }
    if (audio) await this.#attachLive('live:audio', audio, session.track(RTP_CLOCK_HZ.opus, true));
    if (video) {
      const rateHz = video.rtpParameters.codecs[0]!.clockRate;
      await this.#attachLive('live:video', video, session.track(rateHz, audio === undefined));
    }
    if (!speech) return;
    const source = await RelayedSource.create({
      router: this.#o.router,
      producer: speech,
      originUs: this.originUs,
      nowUs: () => this.nowUs,
      clock: session.track(RTP_CLOCK_HZ.opus, false),
      onPacket: () => undefined,
      onFrame: (frame) => {
        if (this.#o.dubbingSource === 'speech') this.#o.onSource(frame);
      },
    });
    this.#replace('speech', source);
  }

  async #attachDub(key: TrackKey, producerId: string): Promise<void> {
    const relay = this.#relays.get(key);
    const producer = this.#o.router.producer(producerId);
    // The worker may have gone, or the language.
    if (!relay || !producer) return;
    if (key.startsWith('face:')) return await this.#attachFace(key, producer);
    let input: RelayInput | undefined;
    const source = await RelayedSource.create({
      router: this.#o.router,
      producer,
      originUs: this.originUs,
      nowUs: () => this.nowUs,
      onPacket: (packet) => {
        input ??= relay.attach({ timestampOffset: 0, nearMediaTimeUs: this.nowUs });
        input.send(packet);
      },
      ...(key.startsWith('mix:') ? { onFrame: (frame) => this.#o.onFrame(key, frame) } : {}),
    });
    this.#replace(key, source);
  }

  async #attachFace(key: TrackKey, producer: types.Producer): Promise<void> {
    const source = await RelayedSource.create({
      router: this.#o.router,
      producer,
      originUs: this.originUs,
      nowUs: () => this.nowUs,
      onPacket: (packet) => this.#faces.made(key, packet, producer),
      onFrame: (frame) => {
        if (this.#faces.isShown(key, frame, producer)) this.#o.onFrame(key, frame);
      },
    });
    if (this.#closed) source.close();
    else this.#faces.attach(key, source);
  }

  async #openFaces(): Promise<Map<TrackKey, types.Producer>> {
    const added = new Map<TrackKey, types.Producer>();
    const original = this.#relays.get('delayed:video');
    for (const language of original ? this.#faceLanguages : []) {
      const key = faceKey(language);
      if (this.#relays.has(key)) continue;
      const { codec, h264ProfileLevelId } = original!;
      const relay = await this.#faces.open(key, (askKeyframe) =>
        this.#openRelay(key, codec, askKeyframe, h264ProfileLevelId),
      );
      added.set(key, relay.producer);
    }
    return added;
  }

  async #openDubTracks(languages: readonly string[]): Promise<void> {
    const keys = languages.flatMap((language) =>
      MODES.flatMap((mode) => [`voice:${language}:${mode}`, `mix:${language}:${mode}`] as TrackKey[]),
    );
    const kept = [...keys, ...languages.map(faceKey)];
    const gone = [...this.#relays.keys()].filter(
      (key) => /^(voice|mix|face):/.test(key) && !kept.includes(key),
    );
    this.#closeRelays(gone);
    const added = new Map<TrackKey, types.Producer>();
    for (const key of keys) {
      if (this.#relays.has(key)) continue;
      const relay = await this.#openRelay(key, 'opus', () => undefined);
      added.set(key, relay.producer);
    }
    if (added.size > 0) this.#o.onTracks(added);
  }

  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
    for (const track of this.#delayed.values()) track.setDelay(delayMs);
  }

  /** Ends every track. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#keyframes);
    for (const source of this.#sources.values()) source.close();
    this.#closeRelays([...this.#relays.keys()]);
  }

  async #attachLive(
    key: 'live:audio' | 'live:video',
    producer: types.Producer,
    clock: ReturnType<SessionClock['track']>,
  ): Promise<void> {
    let send: ((packet: RtpPacketInfo) => void) | undefined;
    const source = await RelayedSource.create({
      router: this.#o.router,
      producer,
      originUs: this.originUs,
      nowUs: () => this.nowUs,
      clock,
      onPacket: (packet) => send?.(packet),
      onFrame: (frame) => this.#onLiveFrame(key, frame),
    });
    if (this.#closed) {
      source.close();
      throw new LivedubError('LIVEDUB_E_CLOSED', 'The programme has ended.');
    }
    const { codec } = source;
    const side = key.slice('live:'.length);
    const delayedKey = TrackKeySchema.parse(`delayed:${side}`);
    // Another codec cannot go out on the same track.
    if (this.#relays.get(key) && this.#relays.get(key)!.codec !== codec) {
      const faces =
        side === 'video' ? [...this.#relays.keys()].filter((name) => name.startsWith('face:')) : [];
      this.#closeRelays([key, delayedKey, ...faces]);
    }
    const profile = producer.rtpParameters.codecs[0]!.parameters?.['profile-level-id'] as string | undefined;
    const added = new Map<TrackKey, types.Producer>();
    for (const name of [key, delayedKey]) {
      if (this.#relays.has(name)) continue;
      const askKeyframe = () => this.#sources.get(key)?.requestKeyframe();
      const relay = await this.#openRelay(name, codec, askKeyframe, profile);
      added.set(name, relay.producer);
      if (name === delayedKey) {
        this.#delayed.set(
          delayedKey,
          new DelayedTrack({
            relay,
            delayMs: this.#delayMs,
            nowUs: () => this.nowUs,
            onKeyframeWanted: askKeyframe,
            ...(side === 'video'
              ? { onPacket: (packet, session) => this.#faces.original(packet, session) }
              : {}),
          }),
        );
      }
    }
    if (side === 'video') for (const [name, made] of await this.#openFaces()) added.set(name, made);
    const live = this.#relays.get(key)!.attach({ timestampOffset: 0, nearMediaTimeUs: this.nowUs });
    const delayed = this.#delayed.get(delayedKey)!;
    send = (packet) => {
      live.send(packet);
      delayed.push(packet, live);
    };
    this.#replace(key, source);
    if (added.size > 0) this.#o.onTracks(added);
  }

  #onLiveFrame(key: 'live:audio' | 'live:video', frame: EncodedFrame): void {
    this.#o.onFrame(key, frame);
    if (key === 'live:video') {
      this.#pictures += 1;
      if (frame.keyframe) this.#size = vp8Size(frame) ?? {};
    }
    if (key !== 'live:audio') return;
    if (this.#o.dubbingSource === 'speech') this.#o.onBed(frame);
    else this.#o.onSource(frame);
  }

  #detach(name: string): void {
    this.#sources.get(name)?.close();
    this.#sources.delete(name);
  }

  #replace(name: string, source: RelayedSource): void {
    this.#sources.get(name)?.close();
    if (this.#closed) source.close();
    else this.#sources.set(name, source);
  }

  async #openRelay(
    key: TrackKey,
    codec: RelayTrack['codec'],
    onKeyframeRequest: () => void,
    h264ProfileLevelId?: string,
  ): Promise<RelayTrack> {
    const relay = await RelayTrack.create({
      router: this.#o.router,
      codec,
      key,
      // Players keep tracks of one name in step: what is heard with the live picture, and what with the delayed one.
      cname: /^live:|:interpret$/.test(key) ? 'live' : 'delayed',
      originUs: this.originUs,
      onKeyframeRequest,
      ...(h264ProfileLevelId === undefined ? {} : { h264ProfileLevelId }),
      wallUs: () => this.originUs + this.nowUs,
    });
    if (this.#closed) {
      relay.close();
      throw new LivedubError('LIVEDUB_E_CLOSED', 'The programme has ended.');
    }
    this.#relays.set(key, relay);
    return relay;
  }

  #closeRelays(keys: readonly TrackKey[]): void {
    for (const key of keys) {
      this.#detach(key);
      this.#relays.get(key)?.close();
      this.#relays.delete(key);
      this.#delayed.get(key)?.close();
      this.#delayed.delete(key);
      this.#faces.close(key);
    }
    if (keys.length > 0) this.#o.onTracksGone(keys);
  }
}

/** Size of a VP8 keyframe's picture (RFC 6386 §9.1). */
function vp8Size({ codec, data }: EncodedFrame): { width: number; height: number } | undefined {
  if (codec !== 'vp8' || data.length < 10) return undefined;
  return { width: (data[6]! | (data[7]! << 8)) & 0x3fff, height: (data[8]! | (data[9]! << 8)) & 0x3fff };
}
