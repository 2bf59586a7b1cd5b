import { toLivedubError } from '../errors.ts';
import type { ClauseFrame, SkippedFrame, TranslationFrame, WatermarkFrame } from '../frames.ts';
import type { Priority } from '../ports/engine.ts';
import type { Translator } from '../ports/translator.ts';
import type { RenditionState } from '../rendition-state.ts';
import type { Stage, StageContext } from '../stage.ts';

export interface TranslateStageOptions {
  translator: Translator;
  state: RenditionState;
  priority: Priority;
  /** Source clauses given along as context. Default: 3. */
  contextClauses?: number;
}

type In = ClauseFrame | WatermarkFrame;
type Out = TranslationFrame | SkippedFrame | WatermarkFrame;

/** Translates committed clauses, in order. A clause whose translation fails is reported and stays original. */
export class TranslateStage implements Stage<In, Out> {
  readonly name: string;
  readonly #o: TranslateStageOptions;
  #context: string[] = [];

  constructor(options: TranslateStageOptions) {
    this.#o = options;
    this.name = `translate:${options.state.language}`;
  }

  async process(frame: In, ctx: StageContext<Out>): Promise<void> {
    if (frame.kind === 'watermark') return ctx.emit(frame);
    const { translator, state, priority } = this.#o;
    const to = state.language;
    try {
      if (!state.wanted) return;
      if (state.control === 'stop') return await ctx.emit(skipped(frame, to, 'held'));
      const translation = await translator.translate({
        signal: ctx.signal,
        priority,
        text: frame.text,
        from: frame.language,
        to,
        context: this.#context,
        ...(translator.needsAudio ? { pcm: frame.pcm } : {}),
      });
      if (translation.text.trim().length === 0) return await ctx.emit(skipped(frame, to, 'failed'));
      const out: TranslationFrame = {
        kind: 'translation',
        clause: frame,
        language: to,
        text: translation.text,
        unknownWords: translation.unknownWords,
        translator: translator.info,
        mediaTimeUs: frame.mediaTimeUs,
      };
      ctx.observer.translation(out);
      await ctx.emit(out);
    } catch (error) {
      ctx.signal.throwIfAborted();
      ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      await ctx.emit(skipped(frame, to, 'failed'));
    } finally {
      this.#context = [...this.#context, frame.text].slice(-(this.#o.contextClauses ?? 3));
    }
  }

  async flush(): Promise<void> {}

  close(): void {}
}

/** The clause will not be spoken: its fate goes on in its place. */
function skipped(clause: ClauseFrame, language: string, reason: SkippedFrame['reason']): SkippedFrame {
  return {
    kind: 'skipped',
    clauseId: clause.id,
    language,
    text: '',
    clauseStartUs: clause.startUs,
    clauseEndUs: clause.endUs,
    reason,
    mediaTimeUs: clause.mediaTimeUs,
  };
}
