import { setMaxListeners } from 'node:events';
import { AudioRing } from './audio/ring.ts';
import { BoundedChannel } from './bounded-channel.ts';
import { type Clock, systemTicker, type Ticker } from './clock.ts';
import { demandFor, type LanguageDemand, type RenditionControl } from './demand.ts';
import type {
  AudioFrame,
  ClauseFrame,
  EncodedFrame,
  RecallFrame,
  SegmentFrame,
  WatermarkFrame,
} from './frames.ts';
import type { IngestClock } from './ingest-clock.ts';
import { LivePlayout } from './live-playout.ts';
import {
  FACE_LEAD_MS,
  INTERPRET_DELAY_MS,
  LIVE_RECOGNITION,
  LIVE_SEGMENTER,
  LIVE_TIMEOUTS,
} from './live-tuning.ts';
import type { PipelineObserver } from './observer.ts';
import { combineObservers } from './observer.ts';
import type { Aligner } from './ports/aligner.ts';
import type { ClauseLog, ClauseLogEntry } from './ports/clause-log.ts';
import type { LanguageCode, Priority } from './ports/engine.ts';
import type { Recogniser } from './ports/recogniser.ts';
import type { Vad } from './ports/vad.ts';
import {
  audioChannel,
  type DubRendition,
  eventChannel,
  type RenditionOutput,
  runRendition,
} from './rendition-pipeline.ts';
import { RenditionState } from './rendition-state.ts';
import { Resumption } from './resumption.ts';
import { SilenceFiller } from './silence-filler.ts';
import { runStage, type Stage } from './stage.ts';
import { CommitStage } from './stages/commit.ts';
import { DecodeStage } from './stages/decode.ts';
import { KeepStage } from './stages/keep.ts';
import { ReceiveStage } from './stages/receive.ts';
import { RecogniseStage } from './stages/recognise.ts';
import { SegmentStage } from './stages/segment.ts';
import type { ClauseCutterOptions } from './text/clause-cutter.ts';
import type { Terms } from './text/terms.ts';

export type { DubRendition, RenditionOutput } from './rendition-pipeline.ts';
export type { OutputMark } from './stages/mark.ts';

/** Playout follows what was worked off: as fast as the stages go, and the same every time. */
export interface ReplayPacing {
  readonly kind: 'replay';
  /** How far playout runs behind, ms: room to see what follows an utterance before it is placed. */
  readonly delayMs: number;
}

/** Playout follows the live sound, whether or not the stages keep up. */
export interface LivePacing {
  readonly kind: 'live';
  /** Told of every packet by whoever receives them. */
  readonly ingest: IngestClock;
  /** How far synced renditions run behind, ms; changed by `setDelay`. */
  readonly syncedDelayMs: number;
  /** How far interpreted outputs run behind, ms: room for jitter of the original in a mix. Default: 120. */
  readonly interpretDelayMs?: number;
  /** Sound that comes at once at first, faster than it is spoken, ms: none of it is shed. Default: 0. */
  readonly backlogMs?: number;
  /** Beats of playout. Default: timers of the machine. */
  readonly ticker?: Ticker;
}

export interface DubChannelOptions {
  vad: Vad;
  recogniser: Recogniser;
  aligner?: Aligner;
  /** The language spoken. */
  language: LanguageCode;
  renditions: readonly DubRendition[];
  pacing: ReplayPacing | LivePacing;
  /** How much more than the delay may be under way in the stages, ms of media. Default: 6000. */
  windowMs?: number;
  clock: Clock;
  priority: Priority;
  clauseLog: ClauseLog;
  observers: readonly PipelineObserver[];
  signal: AbortSignal;
  /** Channels of the mixed sound. Default: 2. */
  channels?: 1 | 2;
  /** VAD windows of 32 ms worked off at once: a replay may take many, live each costs latency. Default: 3; live: 1. */
  vadWindowsPerCall?: number;
  /** Where clauses are cut. Default: as ClauseCutter; live: shorter. */
  clauses?: ClauseCutterOptions;
  /** Glossary and words to leave alone. Default: none. */
  terms?: Terms;
  /** The sound under the dub is another one than what is dubbed: given to `pushBed`. Default: false. */
  separateBed?: boolean;
  /** What the clause log says of an earlier run that ended before its time. Default: a new channel. */
  resume?: readonly ClauseLogEntry[];
}

/** Longest delay of a live channel, ms: `setDelay` is held to it. */
const MAX_LIVE_DELAY_MS = 15_000;
const DEFAULT_WINDOW_MS = 6000;
/** Live: sound that the VAD has not come to is lost beyond this, ms. */
const SHED_BEYOND_MS = 4000;
/** A clause that playout reaches sooner than this is not recalled for somebody who begins to listen, µs. */
const RECALL_AHEAD_US = 700_000;

interface Language {
  readonly state: RenditionState;
  readonly recallAheadUs: number;
  readonly committed: BoundedChannel<ClauseFrame | RecallFrame | WatermarkFrame>;
}

/**
 * The streaming pipeline of one channel: sound in, dubbed sound out in every language, with media time kept throughout.
 * Whether it runs live or as a replay is decided by its pacing.
 */
export class DubChannel {
  /** Settles when everything pushed was dubbed, or with the first error. */
  readonly done: Promise<void>;
  /** Where a resumed channel begins to listen: the end of what was committed. Undefined for a new one. */
  readonly resumeFromUs: number | undefined;
  readonly #input: BoundedChannel<EncodedFrame>;
  readonly #bed: BoundedChannel<EncodedFrame> | undefined;
  readonly #signal: AbortSignal;
  readonly #watermarks = new Map<RenditionOutput, number>();
  readonly #languages = new Map<LanguageCode, Language>();
  readonly #playout: LivePlayout | undefined;
  readonly #filler: SilenceFiller | undefined;
  readonly #abort = new AbortController();
  #waiters: (() => void)[] = [];
  #startUs: number | undefined;

  constructor(options: DubChannelOptions) {
    const signal = AbortSignal.any([options.signal, this.#abort.signal]);
    // Every stage and queue listens to it.
    setMaxListeners(0, signal);
    this.#signal = signal;
    const { clock, pacing } = options;
    const windowMs = options.windowMs ?? DEFAULT_WINDOW_MS;
    const channels = options.channels ?? 2;
    const observer = combineObservers(options.observers);
    const resumption = new Resumption(options.resume ?? []);
    this.resumeFromUs = resumption.resumeFromUs;
    const delayMs = pacing.kind === 'replay' ? pacing.delayMs : MAX_LIVE_DELAY_MS;
    const ring = new AudioRing({
      sampleRateHz: 48_000,
      channels,
      capacityMs: delayMs + windowMs * 2 + 2000,
    });
    this.#playout =
      pacing.kind === 'live'
        ? new LivePlayout({
            ingest: pacing.ingest,
            ticker: pacing.ticker ?? systemTicker,
            delayMs: {
              synced: pacing.syncedDelayMs,
              interpret: pacing.interpretDelayMs ?? INTERPRET_DELAY_MS,
            },
          })
        : undefined;
    const runs: Promise<void>[] = [];
    const run = <In, Out>(
      stage: Stage<In, Out>,
      input: BoundedChannel<In>,
      outputs: readonly BoundedChannel<Out>[],
    ) => {
      runs.push(runStage({ stage, input, outputs, signal, clock, observer }));
    };

    const backlogMs = pacing.kind === 'live' ? (pacing.backlogMs ?? 0) : 0;
    // RTP is never held back: what the stages cannot take in time is shed here, and counted.
    this.#input = packetChannel('decode', windowMs * 2 + backlogMs);
    if (options.separateBed) {
      this.#bed = packetChannel('decode:bed', windowMs * 2);
      const bed = audioChannel('keep');
      run(new DecodeStage({ channels }), this.#bed, [bed]);
      run(new KeepStage({ ring }), bed, []);
    }
    const live = pacing.kind === 'live';
    this.#filler = live
      ? new SilenceFiller({
          clock,
          ticker: pacing.ticker ?? systemTicker,
          push: (frame) => this.#take(frame),
        })
      : undefined;
    const decoded = audioChannel('receive');
    // An engine that is stuck must not keep the original out of the mixers.
    const speech = live ? sheddingAudio('segment', SHED_BEYOND_MS + backlogMs) : audioChannel('segment');
    const segments = live ? newestSegments() : eventChannel<SegmentFrame | WatermarkFrame>('recognise');
    const heard = eventChannel<Parameters<CommitStage['process']>[0]>('commit');
    const committed = options.renditions.map(({ language }) =>
      eventChannel<ClauseFrame | RecallFrame | WatermarkFrame>(`translate:${language}`),
    );
    run(new DecodeStage({ channels }), this.#input, [decoded]);
    run(
      new ReceiveStage({
        ...(options.separateBed ? {} : { ring }),
        ...(this.resumeFromUs === undefined ? {} : { hearFromUs: this.resumeFromUs }),
      }),
      decoded,
      [speech],
    );
    run(
      new SegmentStage({
        vad: options.vad,
        watermarks: !live,
        ...(live ? { vadMs: LIVE_TIMEOUTS.vadMs } : {}),
        windowsPerCall: options.vadWindowsPerCall ?? (live ? 1 : 3),
        segmenter: live ? LIVE_SEGMENTER : { partialEveryMs: options.recogniser.capabilities.partialEveryMs },
      }),
      speech,
      [segments],
    );
    run(
      new RecogniseStage({
        recogniser: options.recogniser,
        ...(options.aligner ? { aligner: options.aligner } : {}),
        language: options.language,
        priority: options.priority,
        firstClauseId: resumption.nextClauseId,
        ...(live ? LIVE_RECOGNITION : {}),
        ...(options.clauses ? { clauses: options.clauses } : {}),
      }),
      segments,
      [heard],
    );
    run(new CommitStage({ clauseLog: options.clauseLog }), heard, committed);

    for (const [i, rendition] of options.renditions.entries()) {
      const { language, outputs } = rendition;
      const state = new RenditionState(language, this.#playout);
      const recallAheadUs = RECALL_AHEAD_US + (rendition.onSpeech ? FACE_LEAD_MS * 1000 : 0);
      this.#languages.set(language, { state, committed: committed[i]!, recallAheadUs });
      if (options.terms) state.terms = options.terms;
      if (pacing.kind === 'replay')
        state.demand = { ...demandFor(outputs), face: rendition.onSpeech !== undefined };
      for (const clause of resumption.unspoken(language, outputs)) committed[i]!.tryPush(clause);
      for (const output of outputs) this.#watermarks.set(output, Number.NEGATIVE_INFINITY);
      runRendition({
        rendition,
        state,
        committed: committed[i]!,
        ring,
        aligner: options.aligner,
        clauseLog: options.clauseLog,
        priority: options.priority,
        channels,
        playout: this.#playout,
        delayMs,
        timeouts: live ? LIVE_TIMEOUTS : undefined,
        settled: (mode) => resumption.settled(language, mode),
        run,
        onWorkedOff: (output, mediaTimeUs) => {
          this.#watermarks.set(output, mediaTimeUs);
          this.#wake();
          observer.progress(language, mediaTimeUs);
        },
        until: (work) => runs.push(work),
      });
    }
    this.done = settleAll(runs, (error) => {
      this.#input.fail(error);
      this.#bed?.fail(error);
      this.#abort.abort(error);
      this.#wake();
    }).finally(() => {
      this.#playout?.close();
      this.#filler?.close();
    });
    this.done.catch(() => undefined);
  }

  /** Media time up to which every rendition has worked everything off, µs; −∞ before the first. */
  get workedOffUs(): number {
    return Math.min(...this.#watermarks.values());
  }

  /** Opus packets shed so far because the stages could not keep up. */
  get shedFrames(): number {
    return this.#input.dropped;
  }

  /** Takes one Opus packet, in order; never waits. */
  push(frame: EncodedFrame): void {
    this.#startUs ??= frame.mediaTimeUs;
    this.#filler?.saw(frame);
    this.#take(frame);
  }

  /** Takes one Opus packet of a separate bed, in order; never waits. */
  pushBed(frame: EncodedFrame): void {
    if (this.#bed && !this.#bed.closed) this.#bed.tryPush(frame);
  }

  /** Resolves once everything before `mediaTimeUs` was worked off: how a replay keeps from running ahead. */
  async workedOff(mediaTimeUs: number): Promise<void> {
    // Nothing came before the first packet, so there is nothing to wait for.
    while (this.workedOffUs < mediaTimeUs && mediaTimeUs > (this.#startUs ?? Number.POSITIVE_INFINITY)) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /**
   * Says what is wanted of a language; acts with the next clause. A replay begins with everything its outputs need, a live
   * channel with nothing. A language that the channel does not have is ignored.
   */
  setDemand(language: LanguageCode, demand: LanguageDemand): void {
    const found = this.#languages.get(language);
    if (!found) return;
    const { state, committed, recallAheadUs } = found;
    const wasHeard = state.wants('synced');
    state.demand = demand;
    const headUs = this.#playout?.headUs('synced');
    if (wasHeard || !state.wants('synced') || headUs === undefined || committed.closed) return;
    const fromUs = headUs + recallAheadUs;
    committed.tryPush({ kind: 'recall', fromUs, mediaTimeUs: fromUs });
  }

  /** Acts at once; see RenditionControl. */
  setControl(language: LanguageCode, control: RenditionControl): void {
    const state = this.#languages.get(language)?.state;
    if (state) state.control = control;
  }

  /** Live: how far synced renditions run behind from now on, 0…15 000 ms. Longer pauses the output, shorter jumps ahead. */
  setDelay(syncedDelayMs: number): void {
    this.#playout?.setDelay('synced', Math.min(MAX_LIVE_DELAY_MS, Math.max(0, syncedDelayMs)));
  }

  /** Acts on the next clause. */
  setTerms(terms: Terms): void {
    for (const { state } of this.#languages.values()) state.terms = terms;
  }

  /** No more sound; `done` settles when the rest is dubbed. Idempotent. */
  end(): void {
    this.#input.close();
    this.#bed?.close();
  }

  /** Stops at once. Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort(new DOMException('The channel was closed.', 'AbortError'));
    this.#wake();
    await this.done.catch(() => undefined);
  }

  #take(frame: EncodedFrame): void {
    if (!this.#input.closed) this.#input.tryPush(frame);
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

/** Encoded sound that waits to be decoded. */
function packetChannel(name: string, capacityMs: number): BoundedChannel<EncodedFrame> {
  return new BoundedChannel({
    name,
    capacity: capacityMs,
    policy: 'drop-oldest',
    sizeOf: (frame) => frame.durationUs / 1000,
  });
}

function sheddingAudio(name: string, capacityMs: number): BoundedChannel<AudioFrame> {
  return new BoundedChannel({
    name,
    capacity: capacityMs,
    policy: 'drop-oldest',
    sizeOf: (frame) => (frame.planes[0]!.length * 1000) / frame.sampleRateHz,
  });
}

/** Where recognition is behind, what it has not begun is replaced by the newer, longer sound of the same segment. */
function newestSegments(): BoundedChannel<SegmentFrame | WatermarkFrame> {
  return new BoundedChannel({
    name: 'recognise',
    capacity: 64,
    policy: 'block',
    supersedes: (incoming, waiting) =>
      incoming.kind === 'segment' &&
      waiting.kind === 'segment' &&
      waiting.id === incoming.id &&
      !waiting.final,
  });
}

/** Waits for all; the first failure is told at once, so that the rest can be stopped, and is what is thrown. */
async function settleAll(runs: readonly Promise<void>[], onFailure: (error: unknown) => void): Promise<void> {
  let failed = false;
  let failure: unknown;
  await Promise.all(
    runs.map((promise) =>
      promise.catch((error: unknown) => {
        if (failed) return;
        failed = true;
        failure = error;
        onFailure(error);
      }),
    ),
  );
  if (failed) throw failure;
}
