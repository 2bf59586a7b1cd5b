import { toLivedubError } from '../errors.ts';
import type { ClauseFrame, TranslationFrame, WatermarkFrame } from '../frames.ts';
import type { LanguageCode, Priority } from '../ports/engine.ts';
import type { Translator } from '../ports/translator.ts';
import type { Stage, StageContext } from '../stage.ts';

export interface TranslateStageOptions {
  translator: Translator;
  to: LanguageCode;
  priority: Priority;
  /** Source clauses given along as context. Default: 3. */
  contextClauses?: number;
}

type In = ClauseFrame | WatermarkFrame;
type Out = TranslationFrame | WatermarkFrame;

/** Translates committed clauses, in order. A clause whose translation fails is reported and stays original. */
export class TranslateStage implements Stage<In, Out> {
  readonly name: string;
  readonly #o: TranslateStageOptions;
  #context: string[] = [];

  constructor(options: TranslateStageOptions) {
    this.#o = options;
    this.name = `translate:${options.to}`;
  }

  async process(frame: In, ctx: StageContext<Out>): Promise<void> {
    if (frame.kind === 'watermark') return ctx.emit(frame);
    const { translator, to, priority } = this.#o;
    try {
      const translation = await translator.translate({
        signal: ctx.signal,
        priority,
        text: frame.text,
        from: frame.language,
        to,
        context: this.#context,
        ...(translator.needsAudio ? { pcm: frame.pcm } : {}),
      });
      if (translation.text.trim().length === 0) return;
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
    } finally {
      this.#context = [...this.#context, frame.text].slice(-(this.#o.contextClauses ?? 3));
    }
  }

  async flush(): Promise<void> {}

  close(): void {}
}
