import { integratedLoudness } from '../audio/loudness.ts';
import { resample } from '../audio/resample.ts';
import { trimEdges } from '../audio/silence.ts';
import { withDeadline } from '../deadline.ts';
import { toLivedubError } from '../errors.ts';
import type {
  SkippedFrame,
  SkipReason,
  TranslationFrame,
  UtteranceFrame,
  WatermarkFrame,
} from '../frames.ts';
import type { Aligner } from '../ports/aligner.ts';
import type { Priority } from '../ports/engine.ts';
import type { PhonemeTime, Synthesiser, Voice } from '../ports/synthesiser.ts';
import type { RenditionState } from '../rendition-state.ts';
import type { Stage, StageContext } from '../stage.ts';
import { SpeakerPitch } from '../timeline/speaker-pitch.ts';

export interface SynthesiseStageOptions {
  state: RenditionState;
  synthesiser: Synthesiser;
  voice: Voice;
  priority: Priority;
  /** Speaks a clause when the first engine fails on it. */
  fallback?: { synthesiser: Synthesiser; voice: Voice };
  /** Finds the phonemes of a voice that tells none, while somebody watches faces. Default: they stay unknown. */
  aligner?: Aligner;
  /** Bring the voice near the speaker's pitch. Default: true. */
  matchVoice?: boolean;
  /** Loudness of each utterance, LUFS. Default: −16. */
  targetLufs?: number;
  /** Channels it will be heard on: the same sound on two is 3 LU louder. Default: 2. */
  channels?: 1 | 2;
  /** Speech that takes longer is given up, ms. Default: never. */
  synthesiseMs?: number;
}

type In = TranslationFrame | SkippedFrame | WatermarkFrame;
type Out = UtteranceFrame | SkippedFrame | WatermarkFrame;

const RATE_HZ = 48_000;
const ALIGNER_RATE_HZ = 16_000;
const MAX_GAIN = 8;

/** Speaks translations, one utterance a clause: 48 kHz mono without edge silence, at one loudness. */
export class SynthesiseStage implements Stage<In, Out> {
  readonly name: string;
  readonly #o: SynthesiseStageOptions;
  readonly #pitch = new SpeakerPitch();

  constructor(options: SynthesiseStageOptions) {
    this.#o = options;
    this.name = `synthesise:${options.voice.language}`;
  }

  async process(frame: In, ctx: StageContext<Out>): Promise<void> {
    if (frame.kind !== 'translation') return ctx.emit(frame);
    const pitchHz = this.#pitch.update(frame.clause.pitchHz);
    const { state } = this.#o;
    if (!state.heard) return;
    if (state.held) return ctx.emit(skipped(frame, 'held'));
    if (state.isHopeless(frame.clause)) return ctx.emit(skipped(frame, 'lag'));
    await ctx.emit((await this.#speak(frame, pitchHz, ctx)) ?? skipped(frame, 'failed'));
  }

  async flush(): Promise<void> {}

  close(): void {}

  async #speak(
    frame: TranslationFrame,
    pitchHz: number,
    ctx: StageContext<Out>,
  ): Promise<UtteranceFrame | undefined> {
    const engines = [
      { synthesiser: this.#o.synthesiser, voice: this.#o.voice },
      ...(this.#o.fallback ? [this.#o.fallback] : []),
    ];
    for (const { synthesiser, voice } of engines) {
      try {
        const match = this.#o.matchVoice !== false && pitchHz > 0 ? { match: { pitchHz } } : {};
        const { priority, synthesiseMs } = this.#o;
        const speech = await withDeadline('The voice', synthesiseMs, ctx.signal, (signal) =>
          synthesiser.synthesise({ signal, priority, text: frame.text, voice, rate: 1, ...match }),
        );
        const trimmed = trimEdges(speech.pcm, { sampleRateHz: speech.sampleRateHz });
        if (trimmed.pcm.length === 0) continue;
        const pcm = this.#level(resample(trimmed.pcm, speech.sampleRateHz, RATE_HZ));
        const cut = trimmed.removed[0];
        const offsetMs = cut?.start === 0 ? (cut.end * 1000) / speech.sampleRateHz : 0;
        const told = speech.phonemes?.map((one) => ({
          ...one,
          startMs: Math.max(0, one.startMs - offsetMs),
        }));
        const phonemes = told?.length ? told : await this.#align(frame, pcm, ctx);
        return {
          kind: 'utterance',
          clauseId: frame.clause.id,
          language: frame.language,
          sourceText: frame.clause.text,
          text: frame.text,
          clauseStartUs: frame.clause.startUs,
          clauseEndUs: frame.clause.endUs,
          pcm,
          phonemes,
          synthesiser: synthesiser.info,
          voiceId: voice.id,
          mediaTimeUs: frame.mediaTimeUs,
          ...(frame.recalled ? { recalled: true } : {}),
        };
      } catch (error) {
        ctx.signal.throwIfAborted();
        ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      }
    }
    return undefined;
  }

  /** Phonemes are for lips alone: without them, nothing else is worse. */
  async #align(
    { text, language }: TranslationFrame,
    pcm: Float32Array,
    ctx: StageContext<Out>,
  ): Promise<readonly PhonemeTime[]> {
    const { aligner, priority, synthesiseMs, state } = this.#o;
    if (!state.demand.face || !aligner?.languages.includes(language)) return [];
    try {
      const speech = resample(pcm, RATE_HZ, ALIGNER_RATE_HZ);
      const align = (signal: AbortSignal) => aligner.align({ signal, priority, text, language, pcm: speech });
      return (await withDeadline('The aligner', synthesiseMs, ctx.signal, align)).phonemes;
    } catch (error) {
      ctx.signal.throwIfAborted();
      ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      return [];
    }
  }

  #level(pcm: Float32Array): Float32Array {
    const lufs = integratedLoudness(this.#o.channels === 1 ? [pcm] : [pcm, pcm], RATE_HZ);
    if (!Number.isFinite(lufs)) return pcm;
    const gain = Math.min(MAX_GAIN, 10 ** (((this.#o.targetLufs ?? -16) - lufs) / 20));
    return pcm.map((sample) => sample * gain);
  }
}

function skipped(
  { clause, language, text, mediaTimeUs }: TranslationFrame,
  reason: SkipReason,
): SkippedFrame {
  return {
    kind: 'skipped',
    clauseId: clause.id,
    language,
    text,
    clauseStartUs: clause.startUs,
    clauseEndUs: clause.endUs,
    reason,
    mediaTimeUs,
  };
}
