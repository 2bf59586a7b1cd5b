/** Standard deviation of a mouth's opening, in distances between the eyes, at which it is half as lively as it can be. */
const LIVELY = 0.03;
/** A mouth seen for less than this says nothing, µs. */
const MIN_SEEN_US = 120_000;

export interface MouthRestOptions {
  /** How lively a mouth was in speech counts for 1/e after this. */
  readonly memoryUs: number;
  /** Speech that must have been heard of late before a mouth can be said to rest. */
  readonly leastSpeechS: number;
  /** It rests below the first liveliness, and does no more above the second. */
  readonly still: number;
  readonly notStill: number;
}

/** Whether a mouth rests while somebody is heard. */
export class MouthRest {
  readonly #o: MouthRestOptions;
  #lively = 0;
  #speechS = 0;
  #isRest = false;
  #isKnown = false;

  constructor(options: MouthRestOptions) {
    this.#o = options;
  }

  /** Enough speech was heard at least once to say so either way. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  get isRest(): boolean {
    return this.#isRest;
  }

  /**
   * @param lively see `liveliness`
   * @param heard how much of the time was speech, 0…1
   */
  add(lively: number | undefined, heard: number, spanUs: number): void {
    const { memoryUs, leastSpeechS, still, notStill } = this.#o;
    const keep = Math.exp(-spanUs / memoryUs);
    this.#lively *= keep;
    this.#speechS *= keep;
    if (lively === undefined) return;
    this.#lively += (lively * heard * spanUs) / 1e6;
    this.#speechS += (heard * spanUs) / 1e6;
    if (this.#speechS <= leastSpeechS) return;
    this.#isKnown = true;
    this.#isRest = this.#lively / this.#speechS < (this.#isRest ? notStill : still);
  }
}

/**
 * @param openings of a mouth over a moment, in order
 * @returns 0…1; undefined for a mouth that was not seen long enough
 */
export function liveliness(
  openings: readonly { readonly atUs: number; readonly opening: number }[],
): number | undefined {
  if (openings.at(-1)!.atUs - openings[0]!.atUs < MIN_SEEN_US) return undefined;
  const mean = openings.reduce((sum, { opening }) => sum + opening, 0) / openings.length;
  const squares = openings.reduce((sum, { opening }) => sum + (opening - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / openings.length);
  return deviation / (deviation + LIVELY);
}
