import { setMaxListeners } from 'node:events';
import { AudioRing } from './audio/ring.ts';
import { BoundedChannel } from './bounded-channel.ts';
import type { Clock, PlayoutClock } from './clock.ts';
import type {
  AudioFrame,
  ClauseFrame,
  EncodedFrame,
  SegmentFrame,
  TranslationFrame,
  UtteranceFrame,
  WatermarkFrame,
} from './frames.ts';
import type { PipelineObserver } from './observer.ts';
import { combineObservers } from './observer.ts';
import type { Aligner } from './ports/aligner.ts';
import type { ClauseLog } from './ports/clause-log.ts';
import type { LanguageCode, Priority } from './ports/engine.ts';
import type { Recogniser } from './ports/recogniser.ts';
import type { Synthesiser, Voice } from './ports/synthesiser.ts';
import type { Translator } from './ports/translator.ts';
import type { Vad } from './ports/vad.ts';
import { runStage, type Stage } from './stage.ts';
import { CommitStage } from './stages/commit.ts';
import { DecodeStage } from './stages/decode.ts';
import { MixStage } from './stages/mix.ts';
import { ReceiveStage } from './stages/receive.ts';
import { RecogniseStage } from './stages/recognise.ts';
import { SegmentStage } from './stages/segment.ts';
import { SynthesiseStage } from './stages/synthesise.ts';
import { TranslateStage } from './stages/translate.ts';

/** One dubbed language of a channel. */
export interface DubRendition {
  readonly language: LanguageCode;
  readonly translator: Translator;
  readonly synthesiser: Synthesiser;
  readonly voice: Voice;
  readonly fallback?: { readonly synthesiser: Synthesiser; readonly voice: Voice };
  /** Takes the mixed sound, 48 kHz, 20 ms a frame, in order; what it waits for holds the rendition back. */
  readonly onAudio: (frame: AudioFrame) => void | Promise<void>;
  /** Last call: the rendition is complete. */
  readonly onEnd: () => void | Promise<void>;
}

export interface DubChannelOptions {
  vad: Vad;
  recogniser: Recogniser;
  aligner?: Aligner;
  /** The language spoken. */
  language: LanguageCode;
  renditions: readonly DubRendition[];
  mode: 'synced' | 'interpret';
  bed: 'duck' | 'none';
  /** How far playout runs behind, ms. */
  delayMs: number;
  /** How much more than the delay may be under way in the stages, ms of media. Default: 6000. */
  windowMs?: number;
  playout: PlayoutClock;
  clock: Clock;
  priority: Priority;
  clauseLog: ClauseLog;
  observers: readonly PipelineObserver[];
  signal: AbortSignal;
  /** Channels of the mixed sound. Default: 2. */
  channels?: 1 | 2;
  /** VAD windows of 32 ms worked off at once: a replay may take many, for a live channel each costs latency. Default: 3. */
  vadWindowsPerCall?: number;
  /** First clause id, when a channel resumes. Default: 0. */
  firstClauseId?: number;
}

/** Frames that may wait in front of a stage. Sound is counted in ms; what was said, in items. */
const DEFAULT_WINDOW_MS = 6000;
const AUDIO_QUEUE_MS = 500;
const EVENT_QUEUE = 64;

/**
 * The streaming pipeline of one channel: sound in, dubbed sound out in every language, with media time kept throughout.
 * Whether it runs live or as a replay is decided by the clocks it is given.
 */
export class DubChannel {
  /** Settles when everything pushed was dubbed, or with the first error. */
  readonly done: Promise<void>;
  readonly #input: BoundedChannel<EncodedFrame>;
  readonly #signal: AbortSignal;
  readonly #watermarks = new Map<LanguageCode, number>();
  readonly #abort = new AbortController();
  #waiters: (() => void)[] = [];
  #startUs: number | undefined;

  constructor(options: DubChannelOptions) {
    const signal = AbortSignal.any([options.signal, this.#abort.signal]);
    // Every stage and queue listens to it.
    setMaxListeners(0, signal);
    this.#signal = signal;
    const { clock } = options;
    const observer = combineObservers(options.observers);
    const ring = new AudioRing({
      sampleRateHz: 48_000,
      channels: options.channels ?? 2,
      capacityMs: options.delayMs + (options.windowMs ?? DEFAULT_WINDOW_MS) * 2 + 2000,
    });
    const runs: Promise<void>[] = [];
    const run = <In, Out>(
      stage: Stage<In, Out>,
      input: BoundedChannel<In>,
      outputs: readonly BoundedChannel<Out>[],
    ) => {
      runs.push(runStage({ stage, input, outputs, signal, clock, observer }));
    };

    // RTP is never held back: what the stages cannot take in time is shed here, and counted.
    this.#input = new BoundedChannel({
      name: 'decode',
      capacity: (options.windowMs ?? DEFAULT_WINDOW_MS) * 2,
      policy: 'drop-oldest',
      sizeOf: (frame) => frame.durationUs / 1000,
    });
    const decoded = audioChannel('receive');
    const speech = audioChannel('segment');
    const segments = eventChannel<SegmentFrame | WatermarkFrame>('recognise');
    const heard = eventChannel<Parameters<CommitStage['process']>[0]>('commit');
    const committed = options.renditions.map(({ language }) =>
      eventChannel<ClauseFrame | WatermarkFrame>(`translate:${language}`),
    );
    run(new DecodeStage({ channels: options.channels ?? 2 }), this.#input, [decoded]);
    run(new ReceiveStage({ ring }), decoded, [speech]);
    run(
      new SegmentStage({
        vad: options.vad,
        windowsPerCall: options.vadWindowsPerCall ?? 3,
        segmenter: { partialEveryMs: options.recogniser.capabilities.partialEveryMs },
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
        firstClauseId: options.firstClauseId ?? 0,
      }),
      segments,
      [heard],
    );
    run(new CommitStage({ clauseLog: options.clauseLog }), heard, committed);

    for (const [i, rendition] of options.renditions.entries()) {
      const { language } = rendition;
      const translated = eventChannel<TranslationFrame | WatermarkFrame>(`synthesise:${language}`);
      const spoken = eventChannel<UtteranceFrame | WatermarkFrame>(`mix:${language}`);
      const mixed = audioChannel(`out:${language}`);
      this.#watermarks.set(language, Number.NEGATIVE_INFINITY);
      run(
        new TranslateStage({ translator: rendition.translator, to: language, priority: options.priority }),
        committed[i]!,
        [translated],
      );
      run(
        new SynthesiseStage({
          synthesiser: rendition.synthesiser,
          voice: rendition.voice,
          priority: options.priority,
          channels: options.channels ?? 2,
          ...(rendition.fallback ? { fallback: rendition.fallback } : {}),
        }),
        translated,
        [spoken],
      );
      const mix = new MixStage({
        language,
        mode: options.mode,
        bed: options.bed,
        ring,
        delayMs: options.delayMs,
        clock: options.playout,
        clauseLog: options.clauseLog,
        channels: options.channels ?? 2,
        onWatermark: (mediaTimeUs) => this.#advance(language, mediaTimeUs),
      });
      run(mix, spoken, [mixed]);
      runs.push(deliver(mixed, rendition));
    }
    this.done = settleAll(runs, (error) => {
      this.#input.fail(error);
      this.#abort.abort(error);
      this.#wake();
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
    if (!this.#input.closed) this.#input.tryPush(frame);
  }

  /** Resolves once everything before `mediaTimeUs` was worked off: how a replay keeps from running ahead. */
  async workedOff(mediaTimeUs: number): Promise<void> {
    // Nothing came before the first packet, so there is nothing to wait for.
    while (this.workedOffUs < mediaTimeUs && mediaTimeUs > (this.#startUs ?? Number.POSITIVE_INFINITY)) {
      this.#signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** No more sound; `done` settles when the rest is dubbed. Idempotent. */
  end(): void {
    this.#input.close();
  }

  /** Stops at once. Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort(new DOMException('The channel was closed.', 'AbortError'));
    this.#wake();
    await this.done.catch(() => undefined);
  }

  #advance(language: LanguageCode, mediaTimeUs: number): void {
    this.#watermarks.set(language, mediaTimeUs);
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

function audioChannel(name: string): BoundedChannel<AudioFrame> {
  return new BoundedChannel({ name, capacity: AUDIO_QUEUE_MS, policy: 'block', sizeOf: lengthMs });
}

function eventChannel<T>(name: string): BoundedChannel<T> {
  return new BoundedChannel({ name, capacity: EVENT_QUEUE, policy: 'block' });
}

function lengthMs(frame: AudioFrame): number {
  return ((frame.planes[0]?.length ?? 0) * 1000) / frame.sampleRateHz;
}

async function deliver(mixed: BoundedChannel<AudioFrame>, rendition: DubRendition): Promise<void> {
  try {
    for (;;) {
      const frame = await mixed.shift();
      if (frame === undefined) break;
      await rendition.onAudio(frame);
    }
    await rendition.onEnd();
  } catch (error) {
    mixed.fail(error);
    throw error;
  }
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
