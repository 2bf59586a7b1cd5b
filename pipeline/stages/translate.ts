import { withDeadline } from '../deadline.ts';
import { toLivedubError } from '../errors.ts';
import type {
  ClauseFrame,
  RecallFrame,
  SkippedFrame,
  SkipReason,
  TranslationFrame,
  WatermarkFrame,
} from '../frames.ts';
import type { Priority } from '../ports/engine.ts';
import type { Translation, Translator } from '../ports/translator.ts';
import type { RenditionState } from '../rendition-state.ts';
import type { Stage, StageContext } from '../stage.ts';
import { shorten } from '../text/shorten.ts';
import { protectTerms, replaceTerms } from '../text/terms.ts';

export interface TranslateStageOptions {
  translator: Translator;
  state: RenditionState;
  priority: Priority;
  /** Source clauses given along as context. Default: 3. */
  contextClauses?: number;
  /** A translation that takes longer is given up, ms. Default: never. */
  translateMs?: number;
  /** Lag of the voice from which clauses are shortened, ms. Default: 3500. */
  shortenLagMs?: number;
}

type In = ClauseFrame | RecallFrame | WatermarkFrame;
type Out = TranslationFrame | SkippedFrame | WatermarkFrame;

interface Recent {
  readonly clause: ClauseFrame;
  /** Undefined while nobody wanted it. */
  readonly translation: TranslationFrame | undefined;
}

/** Clauses kept for somebody who begins to listen. */
const RECENT_CLAUSES = 16;

/**
 * Translates committed clauses, in order, while somebody wants the language. A clause whose translation fails is reported and
 * stays original.
 */
export class TranslateStage implements Stage<In, Out> {
  readonly name: string;
  readonly #o: TranslateStageOptions;
  #context: string[] = [];
  /** Clauses that were not handed on to be spoken, because nobody listened. */
  #recent: Recent[] = [];

  constructor(options: TranslateStageOptions) {
    this.#o = options;
    this.name = `translate:${options.state.language}`;
  }

  async process(frame: In, ctx: StageContext<Out>): Promise<void> {
    if (frame.kind === 'watermark') return ctx.emit(frame);
    if (frame.kind === 'recall') return this.#recall(frame.fromUs, ctx);
    const { state } = this.#o;
    if (!state.wanted) this.#keep({ clause: frame, translation: undefined });
    else if (state.control === 'stop') await ctx.emit(skipped(frame, state.language, 'held'));
    else if (state.isHopeless(frame)) await ctx.emit(skipped(frame, state.language, 'lag'));
    else {
      const translation = await this.#translate(frame, ctx);
      if (translation && !state.heard) this.#keep({ clause: frame, translation });
      await ctx.emit(translation ?? skipped(frame, state.language, 'failed'));
    }
    this.#context = [...this.#context, frame.text].slice(-(this.#o.contextClauses ?? 3));
  }

  async flush(): Promise<void> {}

  close(): void {
    this.#recent = [];
  }

  #keep(recent: Recent): void {
    this.#recent = [...this.#recent, recent].slice(-RECENT_CLAUSES);
  }

  /** Hands on what can still be spoken on time. */
  async #recall(fromUs: number, ctx: StageContext<Out>): Promise<void> {
    for (const { clause, translation } of this.#recent.splice(0)) {
      if (clause.startUs < fromUs || this.#o.state.control === 'stop') continue;
      const ready = translation ?? (await this.#translate(clause, ctx));
      if (ready) await ctx.emit({ ...ready, recalled: true });
    }
  }

  async #translate(clause: ClauseFrame, ctx: StageContext<Out>): Promise<TranslationFrame | undefined> {
    const { translator, state, shortenLagMs = 3500 } = this.#o;
    const isLate = state.lagMs > shortenLagMs;
    try {
      const translation = await this.#withTerms(
        isLate ? shorten(clause.text, clause.language) : clause.text,
        clause,
        ctx,
      );
      if (translation.text.trim().length === 0) return undefined;
      const out: TranslationFrame = {
        kind: 'translation',
        clause,
        language: state.language,
        text: translation.text,
        unknownWords: translation.unknownWords,
        translator: translator.info,
        mediaTimeUs: clause.mediaTimeUs,
      };
      ctx.observer.translation(out);
      return out;
    } catch (error) {
      ctx.signal.throwIfAborted();
      ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      return undefined;
    }
  }

  async #withTerms(text: string, clause: ClauseFrame, ctx: StageContext<Out>): Promise<Translation> {
    const { translator, state } = this.#o;
    const { terms, language } = state;
    const safe = protectTerms(text, terms, language);
    if (safe.count > 0 && !translator.needsAudio) {
      const { text: translated, unknownWords } = await this.#call(safe.text, clause, ctx);
      const restored = safe.restore(translated);
      if (restored !== undefined)
        return { text: restored, unknownWords: unknownWords.filter((word) => !safe.isPlaceholder(word)) };
    }
    const plain = await this.#call(text, clause, ctx);
    return safe.count > 0 ? { ...plain, text: replaceTerms(plain.text, terms, language) } : plain;
  }

  #call(text: string, clause: ClauseFrame, ctx: StageContext<Out>): Promise<Translation> {
    const { translator, state, priority, translateMs } = this.#o;
    return withDeadline('The translator', translateMs, ctx.signal, (signal) =>
      translator.translate({
        signal,
        priority,
        text,
        from: clause.language,
        to: state.language,
        context: this.#context,
        ...(translator.needsAudio ? { pcm: clause.pcm } : {}),
      }),
    );
  }
}

/** The clause will not be spoken: its fate goes on in its place. */
function skipped(clause: ClauseFrame, language: string, reason: SkipReason): SkippedFrame {
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
