import type { types } from 'mediasoup';
import { type Clock, systemClock } from '../../../pipeline/clock.ts';
import { LivedubError, toLivedubError } from '../../../pipeline/errors.ts';
import { lastLine } from '../../../pipeline/media/probe.ts';
import { startTool, type Tool } from '../../../pipeline/media/tool-process.ts';
import { TS_FIRST_PID, type TsFrame, TsReader } from '../../../pipeline/media/ts-reader.ts';
import type { SfuRouter } from '../../../sfu/router.ts';
import type { IngestHealth } from '../contract.ts';
import type { IngestFound, IngestInput } from './ingest-input.ts';
import { IngestMeter } from './ingest-meter.ts';
import { beginsPicture, IngestTrack } from './ingest-track.ts';
import { type Look, lookAt } from './look.ts';
import { ReleaseQueue } from './release-queue.ts';
import { type IngestTrackName, planTranscode, type TranscodePlan } from './transcode-args.ts';

export interface ToolIngestOptions {
  readonly router: SfuRouter;
  readonly input: IngestInput;
  readonly protocol: 'srt' | 'rtmp' | 'replay';
  /** Ends the ingest; what `ended` then says is LIVEDUB_E_ABORTED. */
  readonly signal: AbortSignal;
  /** Which sound is clean speech, counted from 0 among the sounds of the input. Default: none. */
  readonly speechTrack?: number;
  /** A picture that has to be encoded is made no higher than this. Default 720. */
  readonly maxHeightPx?: number;
  /** Something the operator should know, in words. Default: nothing. */
  readonly onNotice?: (message: string) => void;
  /** For the pace. Default: the machine's. */
  readonly clock?: Clock;
  /** Wall clock of capture times, µs since the Unix epoch. Default: the machine's. */
  readonly wallUs?: () => number;
}

/** A publisher that sends nothing for so long is gone. */
const SILENCE_MS = 10_000;
/** Frames kept until start() is called; beyond it FFmpeg waits. Some 15 s. */
const MOST_HELD = 1024;
/** A picture with keyframes farther apart keeps viewers waiting when they join. */
const LONG_KEYFRAME_INTERVAL_US = 5_000_000;

/**
 * A publisher's container stream (or a file) as tracks on a router. FFmpeg looks at its first moments, then turns sound
 * into Opus and passes the picture on as it is where browsers can play it, else encodes it; the frames come back with
 * their exact times, are let out at the pace of real time and sent as RTP with capture times and sender reports, so that
 * sound and picture stay in step to the sample. Untrusted bytes are read by FFmpeg's processes only.
 */
export class ToolIngest {
  readonly protocol: 'srt' | 'rtmp' | 'replay';
  readonly found: IngestFound;
  /** True while the picture goes through as it came. */
  readonly copiesPicture: boolean;
  /** Resolves once it is over: without an error after the publisher's own end, with one after a failure. Never rejects. */
  readonly ended: Promise<LivedubError | undefined>;
  readonly #tracks: ReadonlyMap<IngestTrackName, IngestTrack>;
  readonly #meter: IngestMeter;
  readonly #run: IngestRun;

  private constructor(run: IngestRun, plan: TranscodePlan, tracks: Map<IngestTrackName, IngestTrack>) {
    this.protocol = run.options.protocol;
    this.found = run.look.found;
    this.copiesPicture = plan.copiesPicture;
    this.ended = run.ended;
    this.#tracks = tracks;
    this.#meter = run.meter;
    this.#run = run;
  }

  /**
   * Resolves when the first sound or picture of every track is there, about a second after the publisher began. Nothing
   * is sent before `start()`: taps and consumers come first.
   * @throws LivedubError LIVEDUB_E_INPUT_UNREADABLE, LIVEDUB_E_ABORTED, LIVEDUB_E_SFU_FAILED, LIVEDUB_E_DEPENDENCY_MISSING
   */
  static async open(options: ToolIngestOptions): Promise<ToolIngest> {
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal, options.router.closed]);
    const look = await lookAt({ input: options.input, signal });
    const plan = planTranscode({
      input: options.input,
      found: look.found,
      speechTrack: options.speechTrack,
      ...(options.maxHeightPx === undefined ? {} : { maxHeightPx: options.maxHeightPx }),
    });
    const run = new IngestRun({ ...options, signal }, look, plan, stop);
    const tracks = await run.started;
    return new ToolIngest(run, plan, tracks);
  }

  get audio(): types.Producer | undefined {
    return this.#tracks.get('audio')?.producer;
  }

  get video(): types.Producer | undefined {
    return this.#tracks.get('video')?.producer;
  }

  /** Clean speech, when the publisher sends it as a sound of its own. */
  get speech(): types.Producer | undefined {
    return this.#tracks.get('speech')?.producer;
  }

  /** Lets sound and picture go, from the very first one. Idempotent. */
  start(): void {
    this.#run.start();
  }

  /** Figures since the last call; call it about once a second. */
  health(): Omit<IngestHealth, 'connected'> {
    return { protocol: this.protocol, ...this.#meter.read(this.found, this.#tracks) };
  }

  /** Ends the tracks and FFmpeg. Idempotent. */
  close(): void {
    this.#run.stop.abort(new LivedubError('LIVEDUB_E_CLOSED', 'The ingest was closed.'));
  }
}

/** The moving parts of one ingest, from FFmpeg's start to its end. */
class IngestRun {
  readonly options: ToolIngestOptions;
  readonly look: Look;
  readonly stop: AbortController;
  readonly meter: IngestMeter;
  readonly started: Promise<Map<IngestTrackName, IngestTrack>>;
  readonly ended: Promise<LivedubError | undefined>;
  readonly #plan: TranscodePlan;
  readonly #clock: Clock;
  readonly #wallUs: () => number;
  readonly #queue: ReleaseQueue<{ name: IngestTrackName; data: Uint8Array; mediaTimeUs: number }>;
  readonly #reader: TsReader;
  readonly #tool: Tool;
  readonly #tracks = new Map<IngestTrackName, IngestTrack>();
  /** First access unit of each track, until all are there and the tracks are made. */
  readonly #first = new Map<IngestTrackName, TsFrame>();
  readonly #held: { name: IngestTrackName; frame: TsFrame }[] = [];
  #state: 'gathering' | 'opening' | 'held' | 'running' | 'over' = 'gathering';
  /** Wakes a reading loop that waits for start(). */
  #proceed: () => void = () => {};
  #resolveStarted: (tracks: Map<IngestTrackName, IngestTrack>) => void = () => {};
  #rejectStarted: (error: LivedubError) => void = () => {};
  #warnedOfKeyframes = false;
  #lastArrivalMs: number;

  constructor(options: ToolIngestOptions, look: Look, plan: TranscodePlan, stop: AbortController) {
    this.options = options;
    this.look = look;
    this.stop = stop;
    this.#plan = plan;
    this.#clock = options.clock ?? systemClock;
    this.#wallUs = options.wallUs ?? (() => Math.round((performance.timeOrigin + performance.now()) * 1000));
    this.#lastArrivalMs = this.#clock.nowMs();
    this.meter = new IngestMeter(this.#clock);
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve;
      this.#rejectStarted = reject;
    });
    this.started.catch(() => {});
    this.#queue = new ReleaseQueue({
      clock: this.#clock,
      release: ({ name, data, mediaTimeUs }) => this.#tracks.get(name)?.send(mediaTimeUs, data),
    });
    this.#reader = new TsReader({
      codecs: new Map(
        plan.tracks.map((name, index) => [TS_FIRST_PID + index, name === 'video' ? 'h264' : 'opus']),
      ),
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.#tool = startTool({
      tool: 'ffmpeg',
      args: plan.args,
      signal: options.signal,
      input: options.input.kind === 'stream',
      output: true,
      memoryBytes: 3 * 2 ** 30,
      // Live pictures and sound are due at once.
      niceness: 0,
    });
    this.ended = this.#run();
  }

  async #run(): Promise<LivedubError | undefined> {
    const watch = setInterval(() => this.#watch(), 1000);
    const onAbort = () => {
      this.#queue.close();
      this.#proceed();
    };
    this.options.signal.addEventListener('abort', onAbort, { once: true });
    let failure: LivedubError | undefined;
    try {
      this.#feed();
      for await (const part of this.#tool.stdout as AsyncIterable<Buffer>) {
        this.#reader.push(part);
        while (this.#held.length > MOST_HELD && !this.options.signal.aborted) {
          await new Promise<void>((resolve) => {
            this.#proceed = resolve;
          });
        }
        await this.#queue.ready();
      }
      this.#reader.flush();
      const exit = await this.#tool.exit;
      // A short input may have ended before anybody listens.
      while (this.#state !== 'running' && this.#held.length > 0 && !this.options.signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#proceed = resolve;
        });
      }
      await this.#queue.drained();
      if (this.options.signal.aborted) failure = reasonOf(this.options.signal);
      else if (this.#state === 'gathering' || exit.code !== 0) {
        const why = lastLine(exit.stderr, 'pipe:0');
        failure = new LivedubError(
          'LIVEDUB_E_INPUT_UNREADABLE',
          `The publisher's stream cannot be read: ${why}.`,
        );
      }
    } catch (error) {
      failure = this.options.signal.aborted ? reasonOf(this.options.signal) : toLivedubError(error);
    } finally {
      clearInterval(watch);
      this.options.signal.removeEventListener('abort', onAbort);
      this.#state = 'over';
      this.#tool.kill();
      this.#queue.close();
      if (this.options.input.kind === 'stream') this.options.input.bytes.destroy();
      for (const track of this.#tracks.values()) track.close();
      this.#rejectStarted(
        failure ?? new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', 'The publisher sent nothing.'),
      );
    }
    return failure;
  }

  /** Hands the stream to FFmpeg at the pace it takes it; a publisher over TCP feels that, SRT drops what is too late. */
  #feed(): void {
    const { input } = this.options;
    const stdin = this.#tool.stdin;
    if (input.kind !== 'stream' || stdin === undefined) return;
    for (const part of this.look.head) stdin.write(part);
    input.bytes.on('data', () => {
      this.#lastArrivalMs = this.#clock.nowMs();
      this.meter.arrived();
    });
    // A connection that breaks ends what came of it, like one that is closed.
    input.bytes.once('error', () => stdin.end());
    input.bytes.once('close', () => stdin.end());
    input.bytes.pipe(stdin);
    if (input.bytes.readableEnded || input.bytes.destroyed) stdin.end();
  }

  #onFrame(frame: TsFrame): void {
    const name = this.#plan.tracks[frame.pid - TS_FIRST_PID]!;
    if (this.#state === 'running') {
      this.#queue.push(frame.ptsUs, { name, data: frame.data, mediaTimeUs: frame.ptsUs });
      return;
    }
    if (!this.#first.has(name)) {
      if (name === 'video' && !beginsPicture(frame.data)) return;
      this.#first.set(name, frame);
    }
    this.#held.push({ name, frame });
    // A track that was announced and does not come must not keep the others waiting.
    const heldUs = frame.ptsUs - this.#held[0]!.frame.ptsUs;
    const complete = this.#plan.tracks.every((one) => this.#first.has(one));
    if (this.#state === 'gathering' && (complete || heldUs > 2_000_000)) {
      this.#state = 'opening';
      this.#open().catch((error: unknown) => {
        this.#rejectStarted(toLivedubError(error));
        this.stop.abort(toLivedubError(error));
      });
    }
  }

  async #open(): Promise<void> {
    const { router, protocol } = this.options;
    const cname = `${protocol}-${crypto.randomUUID()}`;
    const originUs = Math.round(this.#wallUs() - Math.min(...[...this.#first.values()].map((f) => f.ptsUs)));
    for (const [name, frame] of this.#first) {
      const track = await IngestTrack.create({
        router,
        name,
        cname,
        originUs,
        first: frame.data,
        wallUs: this.#wallUs,
      });
      this.#tracks.set(name, track);
    }
    if (this.#state === 'over') {
      for (const track of this.#tracks.values()) track.close();
      return;
    }
    this.#state = 'held';
    this.#resolveStarted(this.#tracks);
  }

  start(): void {
    if (this.#state !== 'held') return;
    this.#state = 'running';
    for (const { name, frame } of this.#held.splice(0)) {
      this.#queue.push(frame.ptsUs, { name, data: frame.data, mediaTimeUs: frame.ptsUs });
    }
    this.#proceed();
  }

  #watch(): void {
    if (this.options.input.kind === 'stream' && this.#clock.nowMs() - this.#lastArrivalMs > SILENCE_MS) {
      this.stop.abort(
        new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', 'The publisher sends nothing any more.'),
      );
      return;
    }
    const video = this.#tracks.get('video');
    if (video === undefined || this.#warnedOfKeyframes) return;
    if (video.keyframeIntervalUs <= LONG_KEYFRAME_INTERVAL_US) return;
    this.#warnedOfKeyframes = true;
    this.options.onNotice?.(
      'The publisher sends keyframes more than 5 s apart: viewers who join wait that long for the picture. Set a keyframe interval of 2 s.',
    );
  }
}

function reasonOf(signal: AbortSignal): LivedubError {
  return signal.reason instanceof LivedubError
    ? signal.reason
    : new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.');
}
