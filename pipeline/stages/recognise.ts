import { estimatePitchHz } from '../audio/pitch.ts';
import { withDeadline } from '../deadline.ts';
import { toLivedubError } from '../errors.ts';
import type { ClauseFrame, HypothesisFrame, SegmentFrame, TimedWord, WatermarkFrame } from '../frames.ts';
import type { Aligner } from '../ports/aligner.ts';
import type { LanguageCode, Priority } from '../ports/engine.ts';
import type { Recogniser, Recognition } from '../ports/recogniser.ts';
import type { Stage, StageContext } from '../stage.ts';
import { ClauseCutter, type ClauseCutterOptions, type CuttableWord } from '../text/clause-cutter.ts';
import { LocalAgreement, normaliseWord, splitWords } from '../text/local-agreement.ts';

export interface RecogniseStageOptions {
  recogniser: Recogniser;
  /** Gives word times where the recogniser gives none. */
  aligner?: Aligner;
  language: LanguageCode;
  priority: Priority;
  /** First clause id: a channel that resumes goes on counting. Default: 0. */
  firstClauseId?: number;
  clauses?: ClauseCutterOptions;
  /** An engine that takes longer is given up for this sound, ms. Default: never. */
  timeoutMs?: number;
  /** Word times that take longer, or fail, are estimated, ms. Default: never. */
  alignMs?: number;
  /** Uncommitted sound from which hypotheses need not agree on every single word, ms. Default: they always must. */
  patienceMs?: number;
}

/** The uncommitted sound of a segment and what was heard in it. */
interface HeardWindow {
  readonly frame: SegmentFrame;
  readonly segment: OpenSegment;
  readonly heard: Recognition;
  readonly pcm: Float32Array;
  /** Its words, with times as good as the engine gives them. */
  readonly rough: readonly CuttableWord[];
}

type Out = HypothesisFrame | ClauseFrame | WatermarkFrame;

const RATE_HZ = 16_000;
/** Less sound than this holds no word, ms. */
const MIN_WINDOW_MS = 250;
/** Sound left before a trimmed window so that its first word is whole, ms. */
const TRIM_MARGIN_MS = 40;

/** A clause that is cut off a longer segment counts for at least this long. */
const MIN_CLAUSE_US = 1_000_000;
/** Pitch is measured on no more than this much of a clause. */
const PITCH_SAMPLES = RATE_HZ * 1.5;

interface OpenSegment {
  readonly id: number;
  revision: number;
  /** Start of the uncommitted sound. */
  windowStartUs: number;
  /** Where the next clause begins. */
  clauseStartUs: number;
  /** Last word committed of the segment. */
  lastWord?: string;
  /** What was heard when the speaker paused: it holds if the segment ends there. */
  paused?: { readonly windowStartUs: number; readonly endUs: number; readonly heard: Recognition };
}

/**
 * Streaming recognition: repeated recognition of the uncommitted sound of a segment, LocalAgreement over successive
 * hypotheses, and clauses cut from the words they agree on. A committed clause is never taken back, and its sound is
 * trimmed so that the window stays short.
 */
export class RecogniseStage implements Stage<SegmentFrame | WatermarkFrame, Out> {
  readonly name = 'recognise';
  readonly #o: RecogniseStageOptions;
  readonly #agreement = new LocalAgreement();
  readonly #cutter: ClauseCutter;
  #segment: OpenSegment | undefined;
  /** Whether a whole segment was understood yet: the channel does speak the language. */
  #understood = false;
  #nextClauseId: number;

  constructor(options: RecogniseStageOptions) {
    this.#o = options;
    this.#nextClauseId = options.firstClauseId ?? 0;
    this.#cutter = new ClauseCutter(options.clauses);
  }

  async process(frame: SegmentFrame | WatermarkFrame, ctx: StageContext<Out>): Promise<void> {
    if (frame.kind === 'watermark') return ctx.emit(frame);
    if (this.#segment?.id !== frame.id) {
      this.#segment = {
        id: frame.id,
        revision: 0,
        windowStartUs: frame.startUs,
        clauseStartUs: frame.speechStartUs,
      };
      this.#agreement.reset();
    }
    const segment = this.#segment;
    const pcm = frame.pcm.subarray(samplesBetween(frame.startUs, segment.windowStartUs));
    if (pcm.length < samplesOf(MIN_WINDOW_MS) && !frame.final) return;
    try {
      await this.#recognise(frame, segment, pcm, ctx);
    } catch (error) {
      ctx.signal.throwIfAborted();
      ctx.observer.degraded(this.name, toLivedubError(error, 'LIVEDUB_E_ENGINE_FAILED'));
      if (frame.final)
        ctx.observer.skippedSpeech({ startUs: segment.clauseStartUs, endUs: frame.endUs, reason: 'engine' });
    }
    if (frame.final) this.#segment = undefined;
  }

  async flush(): Promise<void> {}

  close(): void {}

  async #recognise(
    frame: SegmentFrame,
    segment: OpenSegment,
    pcm: Float32Array,
    ctx: StageContext<Out>,
  ): Promise<void> {
    if (pcm.length < samplesOf(MIN_WINDOW_MS)) return;
    const heard = withoutRepeat(await this.#hear(frame, segment, pcm, ctx.signal), segment.lastWord);
    const accepted = !heard.rejected && heard.language === this.#o.language;
    // A first, short window is often too little for an engine to be sure of. Where the channel's speech was understood
    // before, its words are shown as unstable; they are never committed.
    const texts =
      accepted || (this.#understood && !frame.final && heard.rejected === 'language')
        ? splitWords(heard.text)
        : [];
    if (texts.length === 0 && accepted && segment.lastWord !== undefined) return;
    if (texts.length === 0) {
      const reason = heard.rejected ?? (heard.language === this.#o.language ? 'noise' : 'language');
      if (frame.final)
        ctx.observer.skippedSpeech({ startUs: segment.clauseStartUs, endUs: frame.endUs, reason });
      this.#agreement.reset();
      return;
    }
    this.#understood ||= accepted && frame.final;
    const patient = (pcm.length * 1000) / RATE_HZ < (this.#o.patienceMs ?? Number.POSITIVE_INFINITY);
    const agreed = this.#agreement.update(texts, patient);
    const stable = frame.final ? texts.length : accepted ? agreed : 0;
    const rough = roughWords(heard, texts, pcm.length);
    segment.revision += 1;
    await ctx.emit({
      kind: 'hypothesis',
      segmentId: segment.id,
      speechStartUs: frame.speechStartUs,
      revision: segment.revision,
      language: heard.language,
      words: rough.map((word) => timed(word, segment.windowStartUs, heard.confidence)),
      stablePrefix: stable,
      final: frame.final,
      mediaTimeUs: frame.mediaTimeUs,
    });
    const window: HeardWindow = { frame, segment, heard, pcm, rough };
    if (frame.final) return this.#commitAll(window, ctx);
    const count = this.#cutter.next(rough, stable);
    if (count > 0) await this.#commitFirst(count, window, ctx);
  }

  /** The final window is often the one that was heard at the pause before. */
  async #hear(
    frame: SegmentFrame,
    segment: OpenSegment,
    pcm: Float32Array,
    signal: AbortSignal,
  ): Promise<Recognition> {
    const { paused, windowStartUs } = segment;
    const { endUs } = frame;
    if (frame.final && paused?.windowStartUs === windowStartUs && paused.endUs === endUs) return paused.heard;
    const { recogniser, language, priority, timeoutMs } = this.#o;
    const final = frame.final || frame.paused === true;
    const heard = await withDeadline('The recogniser', timeoutMs, signal, (ownSignal) =>
      recogniser.recognise({ signal: ownSignal, priority, pcm, language, final }),
    );
    if (frame.paused) segment.paused = { windowStartUs, endUs, heard };
    return heard;
  }

  /** Commits one clause of a segment that goes on, and trims its sound. */
  async #commitFirst(count: number, window: HeardWindow, ctx: StageContext<Out>): Promise<void> {
    const { segment } = window;
    const words = await this.#exactWords(window, ctx.signal);
    const last = words[count - 1]!;
    const following = words[count];
    const cutMs = following ? Math.max(last.startMs, following.startMs - TRIM_MARGIN_MS) : last.endMs;
    await this.#emitClause(words.slice(0, count), false, window, ctx);
    this.#agreement.commit(count);
    segment.lastWord = last.text;
    segment.windowStartUs += Math.round(cutMs * 1000);
    segment.clauseStartUs =
      segment.windowStartUs + (following ? Math.round((following.startMs - cutMs) * 1000) : 0);
  }

  async #commitAll(window: HeardWindow, ctx: StageContext<Out>): Promise<void> {
    const { segment, rough } = window;
    const isOne = this.#cutter.all(rough).length === 1;
    const clauses = this.#cutter.all(isOne ? rough : await this.#exactWords(window, ctx.signal));
    for (const [i, clause] of clauses.entries()) {
      await this.#emitClause(clause, i === clauses.length - 1, window, ctx);
      const next = clauses[i + 1]?.[0];
      if (next) segment.clauseStartUs = segment.windowStartUs + Math.round(next.startMs * 1000);
    }
  }

  async #emitClause(
    words: readonly CuttableWord[],
    endsSegment: boolean,
    { frame, segment, heard, pcm }: HeardWindow,
    ctx: StageContext<Out>,
  ): Promise<void> {
    const lastEndUs = segment.windowStartUs + Math.round(words[words.length - 1]!.endMs * 1000);
    const endUs = endsSegment
      ? frame.endUs
      : Math.min(frame.endUs, Math.max(lastEndUs, segment.clauseStartUs + MIN_CLAUSE_US));
    const from = samplesBetween(segment.windowStartUs, segment.clauseStartUs);
    const sound = pcm.slice(Math.max(0, from), samplesBetween(segment.windowStartUs, endUs));
    const clause: ClauseFrame = {
      kind: 'clause',
      id: this.#nextClauseId,
      segmentId: segment.id,
      language: heard.language,
      text: words.map((word) => word.text).join(' '),
      startUs: segment.clauseStartUs,
      endUs,
      confidence: heard.confidence,
      endsSegment,
      mediaTimeUs: frame.mediaTimeUs,
      recogniser: this.#o.recogniser.info,
      pitchHz: estimatePitchHz(middleOf(sound, PITCH_SAMPLES)),
      pcm: sound,
    };
    this.#nextClauseId += 1;
    await ctx.emit(clause);
  }

  /** Word times from the engine where it has them, else from the aligner, else as estimated. */
  async #exactWords(
    { heard, rough, pcm }: HeardWindow,
    signal: AbortSignal,
  ): Promise<readonly CuttableWord[]> {
    const aligner = this.#o.aligner;
    if (heard.words || !aligner?.languages.includes(heard.language)) return rough;
    const text = rough.map((word) => word.text).join(' ');
    const { priority, alignMs } = this.#o;
    const align = (ownSignal: AbortSignal) =>
      aligner.align({ text, language: heard.language, pcm, signal: ownSignal, priority });
    // Live, estimated times now are better than exact ones much later.
    const aligned = await withDeadline('The aligner', alignMs, signal, align).catch((error: unknown) => {
      if (alignMs === undefined) throw error;
      signal.throwIfAborted();
      return { words: rough };
    });
    return aligned.words.length === rough.length ? aligned.words : rough;
  }
}

/** Sound left before the cut may hold the end of the last committed word, which is then heard once more. */
function withoutRepeat(heard: Recognition, lastWord: string | undefined): Recognition {
  const [first, ...rest] = splitWords(heard.text);
  if (first === undefined || lastWord === undefined || normaliseWord(first) !== normaliseWord(lastWord))
    return heard;
  return {
    ...heard,
    text: rest.join(' '),
    ...(heard.words ? { words: heard.words.slice(heard.words.length - rest.length) } : {}),
  };
}

/** The engine's word times, or the window shared out by word length. */
function roughWords(heard: Recognition, texts: readonly string[], pcmSamples: number): CuttableWord[] {
  if (heard.words && heard.words.length === texts.length) return heard.words.map((word) => ({ ...word }));
  const lengthMs = (pcmSamples * 1000) / RATE_HZ;
  const weights = texts.map((text) => text.length + 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let at = 0;
  return texts.map((text, i) => {
    const startMs = (at / total) * lengthMs;
    at += weights[i]!;
    return { text, startMs, endMs: (at / total) * lengthMs };
  });
}

function timed(word: CuttableWord, originUs: number, confidence: number): TimedWord {
  return {
    text: word.text,
    startUs: originUs + Math.round(word.startMs * 1000),
    endUs: originUs + Math.round(word.endMs * 1000),
    confidence,
  };
}

function middleOf(pcm: Float32Array, samples: number): Float32Array {
  const from = Math.max(0, Math.floor((pcm.length - samples) / 2));
  return pcm.subarray(from, from + samples);
}

function samplesOf(lengthMs: number): number {
  return Math.round((lengthMs * RATE_HZ) / 1000);
}

function samplesBetween(fromUs: number, toUs: number): number {
  return Math.round(((toUs - fromUs) * RATE_HZ) / 1_000_000);
}
