import type { AudioRing } from '../audio/ring.ts';
import { trimPauses } from '../audio/silence.ts';
import { stretch } from '../audio/stretch.ts';
import type { Mode } from '../demand.ts';
import type { SpeechUpdate } from '../face/dubbed-speech.ts';
import type {
  DubbedSpanFrame,
  PlacedFrame,
  PlayoutFrame,
  SkippedFrame,
  SkipReason,
  UtteranceFrame,
  WatermarkFrame,
} from '../frames.ts';
import type { UtteranceOutcome } from '../observer.ts';
import type { ClauseLog } from '../ports/clause-log.ts';
import type { EngineInfo } from '../ports/engine.ts';
import type { RenditionState } from '../rendition-state.ts';
import type { Stage, StageContext } from '../stage.ts';
import { Fitter, type FitterOptions } from '../timeline/fit.ts';
import { placePhonemes } from '../timeline/placed-phonemes.ts';

export interface FitStageOptions {
  mode: Mode;
  state: RenditionState;
  /**
   * `watermark`: playout follows what was worked off, `delayMs` behind (a replay); `playout`: it follows the playout frames
   * that come in (live).
   */
  pacedBy: 'watermark' | 'playout';
  /** Original sound by media time: where playout begins and ends in a replay. */
  ring: AudioRing;
  /** How far playout runs behind in a replay, ms: room to look ahead. */
  delayMs: number;
  clauseLog: ClauseLog;
  /** Told of clauses that were not spoken. */
  voice: { readonly synthesiser: EngineInfo; readonly voiceId: string };
  /** Live: utterances are placed so far ahead of playout, ms, while somebody watches faces. Default, and else: 40. */
  leadMs?: number;
  /** Clauses whose fate in this mode is in the clause log already: a channel that resumes. Default: none. */
  settled?: ReadonlySet<number>;
  /** Told of what will be heard, before it is. */
  onSpeech?: (update: SpeechUpdate) => void;
  fit?: FitterOptions;
}

type In = UtteranceFrame | SkippedFrame | WatermarkFrame | PlayoutFrame;
type Out = PlacedFrame | DubbedSpanFrame | PlayoutFrame;

const RATE_HZ = 48_000;
const FRAME_US = 20_000;
const LEAD_MS = 40;
/** Any clause that starts this far before "now" was committed by now: longest clause plus the pause that closes it, µs. */
const COMMIT_HORIZON_US = 7_500_000;
const UNKNOWN_PAUSE_US = 300_000;
/** Pauses inside an utterance that comes late are cut down to this when interpreting live. */
const LIVE_PAUSE_MS = 60;
/** Silence between two utterances then. */
const LIVE_GAP_MS = 40;

/**
 * Decides when each utterance of one language and mode is spoken, how fast, or not at all; the clause log is written before
 * a sample of it can go out.
 *
 * An utterance is placed as late as possible, when playout reaches it and what follows it is known.
 */
export class FitStage implements Stage<In, Out> {
  readonly name: string;
  readonly #o: FitStageOptions;
  readonly #fitter: Fitter;
  #pending: UtteranceFrame[] = [];
  /** Playout has come this far; undefined until the first sound. */
  #headUs: number | undefined;
  #nowUs = Number.NEGATIVE_INFINITY;
  #jumpToUs: number | undefined;
  /** The last watermark that was worked off as a whole. */
  #workedOffUs = Number.NEGATIVE_INFINITY;

  constructor(options: FitStageOptions) {
    this.#o = options;
    this.name = `fit:${options.state.language}:${options.mode}`;
    this.#fitter = new Fitter({ ...(this.#livePace ? { gapMs: LIVE_GAP_MS } : {}), ...options.fit });
  }

  async process(frame: In, ctx: StageContext<Out>): Promise<void> {
    switch (frame.kind) {
      case 'utterance':
        if (this.#o.settled?.has(frame.clauseId)) return;
        if (frame.recalled && this.#o.mode === 'interpret') return;
        this.#pending.push(frame);
        await this.#tellSpan(frame, ctx);
        return;
      case 'skipped':
        if (!this.#o.settled?.has(frame.clauseId) && this.#wanted) await this.#skip(frame, frame.reason, ctx);
        return;
      case 'watermark':
        if (this.#o.pacedBy !== 'watermark') return;
        this.#nowUs = frame.mediaTimeUs;
        await this.#advance(frame.mediaTimeUs - this.#o.delayMs * 1000, frame.mediaTimeUs, ctx);
        return;
      case 'playout':
        this.#nowUs = frame.mediaTimeUs;
        this.#headUs = frame.untilUs + this.#leadUs;
        if (!this.#wanted) this.#forgetPassed();
        else await this.#placeDue(ctx);
        this.#tellKnown(this.#headUs + FRAME_US);
    }
  }

  /** A replay places what is left; a live channel that ends says no more. */
  async flush(ctx: StageContext<Out>): Promise<void> {
    if (this.#o.pacedBy !== 'watermark' || !this.#o.ring.started) return;
    this.#nowUs = Number.POSITIVE_INFINITY;
    const endUs = this.#o.ring.endUs;
    await this.#advance(endUs, endUs, ctx);
    // What is still to be said may run past the end of the source.
    while (this.#pending.length > 0) await this.#advance(this.#headUs! + FRAME_US, endUs, ctx);
    this.#tellKnown(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#pending = [];
  }

  /** The clause log must know what is said before it is heard, and faces before it is seen. */
  get #leadUs(): number {
    if (this.#o.pacedBy !== 'playout') return 0;
    return 1000 * ((this.#o.state.demand.face ? this.#o.leadMs : undefined) ?? LEAD_MS);
  }

  get #wanted(): boolean {
    return this.#o.state.wants(this.#o.mode);
  }

  async #advance(untilUs: number, watermarkUs: number, ctx: StageContext<Out>): Promise<void> {
    if (!this.#o.ring.started) return;
    if (this.#headUs === undefined) {
      this.#headUs = this.#o.ring.startUs;
      this.#jumpToUs = this.#headUs;
    }
    while (this.#headUs + FRAME_US <= untilUs) {
      await this.#placeDue(ctx);
      this.#headUs += FRAME_US;
    }
    this.#workedOffUs = watermarkUs;
    this.#tellKnown(this.#headUs);
    await this.#allow(this.#headUs, ctx);
  }

  async #tellSpan(utterance: UtteranceFrame, ctx: StageContext<Out>): Promise<void> {
    const span = {
      kind: 'dubbed-span',
      startUs: utterance.clauseStartUs,
      endUs: utterance.clauseEndUs,
    } as const;
    this.#o.onSpeech?.(span);
    await ctx.emit({ ...span, mediaTimeUs: utterance.mediaTimeUs });
  }

  /** What comes from now on is placed no earlier. */
  #tellKnown(untilUs: number): void {
    this.#o.onSpeech?.({ kind: 'known', untilUs });
  }

  /** Lets the mixers render up to a moment. */
  async #allow(untilUs: number, ctx: StageContext<Out>): Promise<void> {
    const jump = this.#jumpToUs === undefined ? {} : { jumpToUs: this.#jumpToUs };
    this.#jumpToUs = undefined;
    await ctx.emit({ kind: 'playout', untilUs, mediaTimeUs: this.#workedOffUs, ...jump });
  }

  /** Places every utterance whose turn comes within the next frame. */
  async #placeDue(ctx: StageContext<Out>): Promise<void> {
    for (;;) {
      const next = this.#pending[0];
      if (!next) return;
      if (this.#o.state.held) {
        this.#pending.shift();
        await this.#skip(next, 'held', ctx);
        continue;
      }
      const earliestUs = this.#earliest(next);
      if (this.#fitter.startFor(earliestUs) >= this.#headUs! + FRAME_US) return;
      this.#pending.shift();
      await this.#place(next, earliestUs, ctx);
    }
  }

  /** Nobody listens: what could not be on time any more for somebody who begins to is let go. */
  #forgetPassed(): void {
    if (this.#o.mode === 'interpret') this.#pending = [];
    else this.#pending = this.#pending.filter(({ clauseStartUs }) => clauseStartUs >= this.#headUs!);
  }

  #earliest(utterance: UtteranceFrame): number {
    if (this.#o.mode === 'synced' || this.#livePace) return utterance.clauseStartUs;
    return Math.max(utterance.clauseStartUs, utterance.mediaTimeUs);
  }

  /** Live interpreting: an utterance starts when it is ready, and what follows it is not known. */
  get #livePace(): boolean {
    return this.#o.mode === 'interpret' && this.#o.pacedBy === 'playout';
  }

  async #place(utterance: UtteranceFrame, earliestUs: number, ctx: StageContext<Out>): Promise<void> {
    const lengthUs = (utterance.pcm.length * 1_000_000) / RATE_HZ;
    const trimmed = trimPauses(utterance.pcm, this.#livePace ? { maximumMs: LIVE_PAUSE_MS } : {});
    const fit = this.#fitter.place({
      clauseStartUs: utterance.clauseStartUs,
      clauseEndUs: utterance.clauseEndUs,
      earliestUs,
      playoutUs: this.#headUs!,
      lengthUs,
      pausesUs: ((utterance.pcm.length - trimmed.pcm.length) * 1_000_000) / RATE_HZ,
      nextStartUs: this.#nextStart(utterance),
      ...(this.#livePace ? { interpret: { behindUs: this.#behindUs, backlogUs: this.#backlogUs } } : {}),
    });
    if (fit.outcome === 'skipped-lag') return this.#skip(utterance, 'lag', ctx);
    const { pcm: source, removed } = fit.trimPauses ? trimmed : { pcm: utterance.pcm, removed: [] };
    const rate = Math.abs(fit.rate - 1) < 0.005 ? 1 : fit.rate;
    const pcm = stretch(source, rate);
    const endUs = fit.startUs + Math.round((pcm.length * 1_000_000) / RATE_HZ);
    this.#fitter.spoken(endUs);
    const { pcm: _pcm, phonemes: _phonemes, ...logged } = utterance;
    await this.#o.clauseLog.append({
      kind: 'utterance',
      mode: this.#o.mode,
      utterance: logged,
      startUs: fit.startUs,
    });
    this.#o.onSpeech?.({
      ...{ kind: 'utterance', startUs: fit.startUs, endUs, pcm },
      phonemes: placePhonemes({
        ...{ removed, rate, endUs },
        startUs: fit.startUs,
        phonemes: utterance.phonemes,
      }),
    });
    if (this.#o.pacedBy === 'watermark') await this.#allow(this.#headUs!, ctx);
    const { clauseId, mediaTimeUs } = utterance;
    await ctx.emit({ kind: 'placed', clauseId, startUs: fit.startUs, pcm, mediaTimeUs });
    this.#report(utterance, 'spoken', { startUs: fit.startUs, endUs, rate: fit.rate }, ctx);
    const fromUs = this.#o.mode === 'interpret' ? utterance.clauseEndUs : utterance.clauseStartUs;
    const lagMs = Math.max(0, fit.startUs + (this.#livePace ? this.#behindUs : 0) - fromUs) / 1000;
    this.#o.state.setLag(this.#o.mode, lagMs);
    ctx.observer.lag({ language: utterance.language, mode: this.#o.mode, lagMs });
  }

  /** How far interpreting playout stands behind "now". */
  get #behindUs(): number {
    return Math.max(0, this.#nowUs - this.#headUs! + this.#leadUs);
  }

  get #backlogUs(): number {
    return this.#pending.reduce((sum, { pcm }) => sum + (pcm.length * 1_000_000) / RATE_HZ, 0);
  }

  /** Start of what is said next: a known clause, or the earliest moment at which an unknown one can start. */
  #nextStart(utterance: UtteranceFrame): number {
    const next = this.#pending[0];
    if (next) return this.#earliest(next);
    // After the last clause the end of the source is where the voice should be done.
    if (this.#nowUs === Number.POSITIVE_INFINITY) return this.#o.ring.endUs;
    return Math.max(utterance.clauseEndUs + UNKNOWN_PAUSE_US, this.#nowUs - COMMIT_HORIZON_US);
  }

  async #skip(
    clause: UtteranceFrame | SkippedFrame,
    reason: SkipReason,
    ctx: StageContext<Out>,
  ): Promise<void> {
    const { mode } = this.#o;
    await this.#o.clauseLog.append({
      kind: 'skipped',
      clauseId: clause.clauseId,
      language: clause.language,
      mode,
      reason,
    });
    const at = { startUs: clause.clauseStartUs, endUs: clause.clauseStartUs, rate: 1 };
    this.#report(clause, reason === 'failed' ? 'failed' : `skipped-${reason}`, at, ctx);
  }

  #report(
    clause: UtteranceFrame | SkippedFrame,
    outcome: UtteranceOutcome,
    at: { readonly startUs: number; readonly endUs: number; readonly rate: number },
    ctx: StageContext<Out>,
  ): void {
    const { synthesiser, voiceId } = clause.kind === 'utterance' ? clause : this.#o.voice;
    ctx.observer.utterance({
      clauseId: clause.clauseId,
      language: clause.language,
      mode: this.#o.mode,
      text: clause.text,
      outcome,
      ...at,
      clauseEndUs: clause.clauseEndUs,
      latenessMs: Math.max(0, (at.startUs - clause.clauseStartUs) / 1000),
      synthesiser,
      voiceId,
    });
  }
}
