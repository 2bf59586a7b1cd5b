import type { AudioRing } from './audio/ring.ts';
import { BoundedChannel } from './bounded-channel.ts';
import type { Mode, OutputKind } from './demand.ts';
import type { SpeechUpdate } from './face/dubbed-speech.ts';
import type {
  AudioFrame,
  ClauseFrame,
  DubbedSpanFrame,
  PlacedFrame,
  PlayoutFrame,
  RecallFrame,
  SkippedFrame,
  TranslationFrame,
  UtteranceFrame,
  WatermarkFrame,
} from './frames.ts';
import type { LivePlayout } from './live-playout.ts';
import { FACE_LEAD_MS } from './live-tuning.ts';
import type { Aligner } from './ports/aligner.ts';
import type { ClauseLog } from './ports/clause-log.ts';
import type { LanguageCode, Priority } from './ports/engine.ts';
import type { Synthesiser, Voice } from './ports/synthesiser.ts';
import type { Translator } from './ports/translator.ts';
import type { RenditionState } from './rendition-state.ts';
import type { Stage } from './stage.ts';
import { FitStage } from './stages/fit.ts';
import { MarkStage, type OutputMark } from './stages/mark.ts';
import { MixStage } from './stages/mix.ts';
import { SynthesiseStage } from './stages/synthesise.ts';
import { TranslateStage } from './stages/translate.ts';

/** One track of a dubbed language. */
export interface RenditionOutput {
  readonly mode: Mode;
  readonly kind: OutputKind;
  /** Its own: no output goes out without one. */
  readonly mark: OutputMark;
  /** Default: as many as the channel has. */
  readonly channels?: 1 | 2;
  /**
   * Takes the sound, 48 kHz, 20 ms a frame, in order, while it is wanted. In a replay, what it waits for holds the rendition
   * back; live, frames that find it half a second behind are lost.
   */
  readonly onAudio: (frame: AudioFrame) => void | Promise<void>;
  /** Last call: the output is complete. */
  readonly onEnd?: () => void | Promise<void>;
}

/** One dubbed language of a channel. */
export interface DubRendition {
  readonly language: LanguageCode;
  readonly translator: Translator;
  readonly synthesiser: Synthesiser;
  readonly voice: Voice;
  readonly fallback?: { readonly synthesiser: Synthesiser; readonly voice: Voice };
  readonly outputs: readonly RenditionOutput[];
  /**
   * Told of what is said in synced mode as soon as its place is decided, so that lips can follow. Live, that is earlier for a
   * rendition with it: lips begin to move before they are heard.
   */
  readonly onSpeech?: (update: SpeechUpdate) => void;
}

/** Starts a stage behind its queue. */
export type RunStage = <In, Out>(
  stage: Stage<In, Out>,
  input: BoundedChannel<In>,
  outputs: readonly BoundedChannel<Out>[],
) => void;

export interface RenditionPipelineOptions {
  rendition: DubRendition;
  state: RenditionState;
  committed: BoundedChannel<ClauseFrame | RecallFrame | WatermarkFrame>;
  ring: AudioRing;
  /** Finds the phonemes of voices that tell none, for `onSpeech`. */
  aligner: Aligner | undefined;
  clauseLog: ClauseLog;
  priority: Priority;
  channels: 1 | 2;
  /** Live: drives the outputs. A replay follows watermarks, `delayMs` behind. */
  playout: LivePlayout | undefined;
  delayMs: number;
  /** Longest call of an engine, ms; undefined: as long as it takes. */
  timeouts?: { readonly translateMs: number; readonly synthesiseMs: number } | undefined;
  /** Clauses that need nothing more in a mode, from an earlier run. */
  settled: (mode: Mode) => ReadonlySet<number>;
  run: RunStage;
  /** A replay's output has rendered everything before this media time. */
  onWorkedOff: (output: RenditionOutput, mediaTimeUs: number) => void;
  /** Collects what must end before the channel is done. */
  until: (work: Promise<void>) => void;
}

const AUDIO_QUEUE_MS = 500;
const EVENT_QUEUE = 64;
/** Live output that is later than this is left out. */
const MAX_CATCH_UP_MS = 500;

/** Wires the stages of one language: translate, synthesise, then per mode fit, and per output mix and mark. */
export function runRendition(options: RenditionPipelineOptions): void {
  const { rendition, state, priority, run, playout, channels } = options;
  const { language, translator, synthesiser, voice, fallback } = rendition;
  const translated = eventChannel<TranslationFrame | SkippedFrame | WatermarkFrame>(`synthesise:${language}`);
  run(new TranslateStage({ translator, state, priority, ...options.timeouts }), options.committed, [
    translated,
  ]);

  const modes = [...new Set(rendition.outputs.map(({ mode }) => mode))];
  const spoken = modes.map((mode) =>
    eventChannel<UtteranceFrame | SkippedFrame | WatermarkFrame | PlayoutFrame>(`fit:${language}:${mode}`),
  );
  run(
    new SynthesiseStage({
      state,
      synthesiser,
      voice,
      priority,
      channels,
      ...options.timeouts,
      ...(fallback ? { fallback } : {}),
      ...(rendition.onSpeech && options.aligner ? { aligner: options.aligner } : {}),
    }),
    translated,
    spoken,
  );

  for (const [i, mode] of modes.entries()) {
    const outputs = rendition.outputs.filter((output) => output.mode === mode);
    const placed = outputs.map(({ kind }) =>
      eventChannel<PlacedFrame | DubbedSpanFrame | PlayoutFrame>(`mix:${language}:${mode}:${kind}`),
    );
    const fit = new FitStage({
      mode,
      state,
      pacedBy: playout ? 'playout' : 'watermark',
      ring: options.ring,
      delayMs: options.delayMs,
      clauseLog: options.clauseLog,
      voice: { synthesiser: synthesiser.info, voiceId: voice.id },
      settled: options.settled(mode),
      ...(mode === 'synced' && rendition.onSpeech
        ? { onSpeech: rendition.onSpeech, leadMs: FACE_LEAD_MS }
        : {}),
    });
    run(fit, spoken[i]!, placed);
    playout?.drive(mode, spoken[i]!);
    for (const [j, output] of outputs.entries()) {
      const name = `${language}:${mode}:${output.kind}`;
      const outputChannels = output.channels ?? channels;
      const mixed = audioChannel(`mark:${name}`);
      const marked = outputChannel(`out:${name}`, playout !== undefined);
      const mix = new MixStage({
        state,
        mode,
        kind: output.kind,
        ring: options.ring,
        channels: outputChannels,
        ...(playout
          ? { maxCatchUpMs: MAX_CATCH_UP_MS }
          : { onPlayout: ({ mediaTimeUs }) => options.onWorkedOff(output, mediaTimeUs) }),
      });
      run(mix, placed[j]!, [mixed]);
      run(new MarkStage({ output: name, mark: output.mark, channels: outputChannels }), mixed, [marked]);
      playout?.drive(mode, placed[j]!);
      options.until(deliver(marked, output));
    }
  }
}

export function eventChannel<T>(name: string): BoundedChannel<T> {
  return new BoundedChannel({ name, capacity: EVENT_QUEUE, policy: 'block' });
}

export function audioChannel(name: string): BoundedChannel<AudioFrame> {
  return new BoundedChannel({ name, capacity: AUDIO_QUEUE_MS, policy: 'block', sizeOf: lengthMs });
}

function outputChannel(name: string, isLive: boolean): BoundedChannel<AudioFrame> {
  return new BoundedChannel({
    name,
    capacity: AUDIO_QUEUE_MS,
    policy: isLive ? 'drop-oldest' : 'block',
    sizeOf: lengthMs,
  });
}

function lengthMs(frame: AudioFrame): number {
  return ((frame.planes[0]?.length ?? 0) * 1000) / frame.sampleRateHz;
}

async function deliver(marked: BoundedChannel<AudioFrame>, output: RenditionOutput): Promise<void> {
  try {
    for (;;) {
      const frame = await marked.shift();
      if (frame === undefined) break;
      await output.onAudio(frame);
    }
    await output.onEnd?.();
  } catch (error) {
    marked.fail(error);
    throw error;
  }
}
