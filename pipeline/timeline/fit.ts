export interface FitterOptions {
  /** Silence kept between two utterances, ms. Default: 80. */
  gapMs?: number;
  /** Slowest factor: a short translation is drawn out this far to cover its clause. Default: 0.92. */
  minRate?: number;
  /** The same in live interpreting, where a voice that is done early leaves a silence. Default: 0.85. */
  interpretMinRate?: number;
  /** Fastest factor while playout is on time. Default: 1.12. */
  comfortRate?: number;
  /** Fastest factor at all, reached at `hurryLagMs`. Default: 1.25. */
  maxRate?: number;
  /** Lag at which the fastest factor is used, ms. Default: 2500. */
  hurryLagMs?: number;
  /** The same in live interpreting, where lag is what people hear, ms. Default: 600. */
  interpretHurryLagMs?: number;
  /** Lag that live interpreting has anyway; only what is beyond is made up for, ms. Default: 600. */
  easyLagMs?: number;
  /** An utterance that would start later than this is skipped, ms. Default: 8000. */
  lagCapMs?: number;
}

/** An utterance to be placed. */
export interface FitRequest {
  readonly clauseStartUs: number;
  readonly clauseEndUs: number;
  /** Earliest start: the clause's own start in synced mode, the moment it was ready in interpret mode. */
  readonly earliestUs: number;
  /** Playout has come this far: nothing can start before. */
  readonly playoutUs: number;
  /** Length at rate 1. */
  readonly lengthUs: number;
  /** How much of that is inner pauses that may be trimmed. */
  readonly pausesUs: number;
  /** Start of the next clause to be spoken, as far as is known; undefined when nothing follows. */
  readonly nextStartUs: number | undefined;
  /**
   * Live interpreting: the utterance starts as soon as it is ready, lag counts from the clause's end, and since nothing is
   * known of what follows, the voice keeps the speaker's pace.
   */
  readonly interpret?: {
    /** How far playout stands behind the live sound. */
    readonly behindUs: number;
    /** Speech that is ready and waits. */
    readonly backlogUs: number;
  };
}

export type FitResult =
  | {
      readonly outcome: 'spoken';
      readonly startUs: number;
      readonly rate: number;
      readonly trimPauses: boolean;
    }
  | { readonly outcome: 'skipped-lag' };

/**
 * Places utterances on the timeline, one after another and never two at once: at the clause's own time where there is
 * room; else pauses are trimmed, then the rate is raised, then the lag is carried, and beyond the cap one is skipped.
 * Pure but for the end of the last utterance.
 */
export class Fitter {
  readonly #o: Required<FitterOptions>;
  #previousEndUs = Number.NEGATIVE_INFINITY;

  constructor(options: FitterOptions = {}) {
    this.#o = {
      gapMs: 80,
      minRate: 0.92,
      interpretMinRate: 0.85,
      comfortRate: 1.12,
      maxRate: 1.25,
      hurryLagMs: 2500,
      interpretHurryLagMs: 600,
      easyLagMs: 600,
      lagCapMs: 8000,
      ...options,
    };
  }

  /** Where the next utterance would start. */
  startFor(earliestUs: number): number {
    return Math.max(earliestUs, this.#previousEndUs + this.#o.gapMs * 1000);
  }

  place(request: FitRequest): FitResult {
    const startUs = Math.max(this.startFor(request.earliestUs), request.playoutUs);
    if (request.interpret) return this.#interpret(request, request.interpret, startUs);
    const lagUs = startUs - request.earliestUs;
    if (lagUs > this.#o.lagCapMs * 1000) return { outcome: 'skipped-lag' };
    const roomUs =
      request.nextStartUs === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(1, request.nextStartUs - startUs - this.#o.gapMs * 1000);
    if (request.lengthUs <= roomUs)
      return { outcome: 'spoken', startUs, rate: this.#relaxed(request, lagUs), trimPauses: false };
    const trimmedUs = request.lengthUs - request.pausesUs;
    const hurry = Math.min(1, lagUs / (this.#o.hurryLagMs * 1000));
    const limit = this.#o.comfortRate + (this.#o.maxRate - this.#o.comfortRate) * hurry;
    return {
      outcome: 'spoken',
      startUs,
      rate: Math.min(limit, Math.max(1, trimmedUs / roomUs)),
      trimPauses: true,
    };
  }

  #interpret(
    request: FitRequest,
    { behindUs, backlogUs }: NonNullable<FitRequest['interpret']>,
    startUs: number,
  ): FitResult {
    const lagUs = startUs + behindUs - request.clauseEndUs;
    if (lagUs > this.#o.lagCapMs * 1000) return { outcome: 'skipped-lag' };
    const excessUs = Math.max(0, lagUs - this.#o.easyLagMs * 1000);
    // The next utterance may be expected a clause's length after this one; what is late is made up for on it as far as the voice can.
    const clauseUs = request.clauseEndUs - request.clauseStartUs - this.#o.gapMs * 1000;
    const roomUs = Math.max(1, clauseUs - excessUs - backlogUs);
    if (request.lengthUs <= roomUs)
      return {
        outcome: 'spoken',
        startUs,
        rate: Math.max(this.#o.interpretMinRate, request.lengthUs / roomUs),
        trimPauses: false,
      };
    const hurry = Math.min(1, (excessUs + backlogUs) / (this.#o.interpretHurryLagMs * 1000));
    const limit = this.#o.comfortRate + (this.#o.maxRate - this.#o.comfortRate) * hurry;
    const rate = Math.min(limit, Math.max(1, (request.lengthUs - request.pausesUs) / roomUs));
    return { outcome: 'spoken', startUs, rate, trimPauses: true };
  }

  /** The utterance as it came out: the next one starts after it. */
  spoken(endUs: number): void {
    this.#previousEndUs = endUs;
  }

  /** A translation shorter than its clause is drawn out a little, so that the dub does not end long before the speaker. */
  #relaxed(request: FitRequest, lagUs: number): number {
    const clauseUs = request.clauseEndUs - request.clauseStartUs;
    // In interpret mode the speaker is ahead already: nothing is drawn out.
    if (lagUs > 0 || request.earliestUs > request.clauseStartUs || request.lengthUs >= clauseUs) return 1;
    return Math.max(this.#o.minRate, request.lengthUs / clauseUs);
  }
}
