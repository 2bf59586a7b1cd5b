export interface SegmenterOptions {
  /** Samples per VAD decision at 16 kHz. */
  windowSamples: number;
  /** Probability at which speech begins. Default: 0.5. */
  onset?: number;
  /** Probability under which a window counts as silence. Default: 0.35. */
  offset?: number;
  /** Windows of speech before a segment opens. Default: 2. */
  onsetWindows?: number;
  /** Sound kept from before the onset, ms. Default: 160. */
  preRollMs?: number;
  /** Silence that closes a short segment, ms. Default: 640. */
  closeSilenceMs?: number;
  /** Silence that closes a segment longer than 2.5 s, ms. Default: 384. */
  closeLongSilenceMs?: number;
  /** Speech shorter than this is dropped, ms. Default: 160. */
  minSpeechMs?: number;
  /** A segment is cut at its quietest place beyond this length, ms. Default: 12000. */
  maxSegmentMs?: number;
  /** Silence after which the segment is handed out as it would end if the pause went on, ms. Default: never. */
  pauseMs?: number;
  /** Id of the first segment. Default: 0. */
  firstId?: number;
  /** Media time from onset to the first partial, and between partials, ms. Default: 480. */
  partialEveryMs?: number;
}

/** A view of a segment, in samples at 16 kHz on the stream's own count. */
export interface SegmentSpan {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** First sample of speech, without the pre-roll. */
  readonly speechStart: number;
  readonly final: boolean;
  /** Not final, but the speaker pauses: unless speech goes on, the final span will be this one. */
  readonly paused?: true;
}

const RATE_HZ = 16_000;
const LONG_SEGMENT_MS = 2500;
/** How far back from the limit a cut may be, ms. */
const CUT_SEARCH_MS = 3000;

/**
 * Cuts speech into segments from VAD probabilities. Pure: knows sample counts only; the caller keeps the sound.
 */
export class Segmenter {
  readonly #o: Required<SegmenterOptions>;
  #position = 0;
  #nextId: number;
  #streak = 0;
  #open:
    | {
        id: number;
        start: number;
        speechStart: number;
        lastSpeechEnd: number;
        lastPartial: number;
        paused: boolean;
      }
    | undefined;
  #lastEnd = 0;
  #probabilities: number[] = [];

  constructor(options: SegmenterOptions) {
    this.#o = {
      onset: 0.5,
      offset: 0.35,
      onsetWindows: 2,
      preRollMs: 160,
      closeSilenceMs: 640,
      closeLongSilenceMs: 384,
      minSpeechMs: 160,
      maxSegmentMs: 12_000,
      partialEveryMs: 480,
      pauseMs: Number.POSITIVE_INFINITY,
      firstId: 0,
      ...options,
    };
    this.#nextId = this.#o.firstId;
  }

  /** Samples worked off so far. */
  get position(): number {
    return this.#position;
  }

  /** Id of the segment that opens next. */
  get nextId(): number {
    return this.#nextId;
  }

  /** First sample that may still be needed. */
  get keepFrom(): number {
    return (
      this.#open?.start ??
      Math.max(this.#lastEnd, this.#position - this.#preRoll - this.#o.onsetWindows * this.#o.windowSamples)
    );
  }

  get #preRoll(): number {
    return samples(this.#o.preRollMs);
  }

  /** Takes the probability of the next window; returns the spans to work on, in order. */
  push(probability: number): SegmentSpan[] {
    const begin = this.#position;
    this.#position += this.#o.windowSamples;
    if (!this.#open) {
      this.#streak = probability >= this.#o.onset ? this.#streak + 1 : 0;
      if (this.#streak < this.#o.onsetWindows) return [];
      const speechStart = begin - (this.#o.onsetWindows - 1) * this.#o.windowSamples;
      const start = Math.max(this.#lastEnd, speechStart - this.#preRoll, 0);
      this.#open = {
        id: this.#nextId,
        start,
        speechStart,
        lastSpeechEnd: this.#position,
        lastPartial: speechStart,
        paused: false,
      };
      this.#nextId += 1;
      this.#streak = 0;
      this.#probabilities = [];
      return [];
    }
    const open = this.#open;
    this.#probabilities.push(probability);
    if (probability >= this.#o.offset) open.lastSpeechEnd = this.#position;
    const lengthMs = ms(this.#position - open.speechStart);
    const silenceMs = ms(this.#position - open.lastSpeechEnd);
    const closeMs = lengthMs > LONG_SEGMENT_MS ? this.#o.closeLongSilenceMs : this.#o.closeSilenceMs;
    if (silenceMs >= closeMs) return this.#close();
    if (lengthMs >= this.#o.maxSegmentMs) return this.#cut();
    if (silenceMs === 0) open.paused = false;
    else if (silenceMs >= this.#o.pauseMs && !open.paused) {
      open.paused = true;
      open.lastPartial = this.#position;
      const end = Math.min(this.#position, open.lastSpeechEnd + this.#preRoll);
      return [{ ...this.#span(open.start, end, open.speechStart, false), paused: true }];
    }
    // In a pause there is nothing new to hear: the next partial waits for more speech or for the end.
    if (silenceMs === 0 && ms(this.#position - open.lastPartial) >= this.#o.partialEveryMs) {
      open.lastPartial = this.#position;
      return [this.#span(open.start, this.#position, open.speechStart, false)];
    }
    return [];
  }

  /** Ends the stream: closes what is open. */
  flush(): SegmentSpan[] {
    return this.#open ? this.#close() : [];
  }

  #close(): SegmentSpan[] {
    const open = this.#open!;
    this.#open = undefined;
    const end = Math.min(this.#position, open.lastSpeechEnd + this.#preRoll);
    this.#lastEnd = end;
    if (ms(open.lastSpeechEnd - open.speechStart) < this.#o.minSpeechMs) return [];
    return [{ id: open.id, start: open.start, end, speechStart: open.speechStart, final: true }];
  }

  /** Cuts at the least speech-like window of the last seconds and goes on with a new segment from there. */
  #cut(): SegmentSpan[] {
    const open = this.#open!;
    const search = Math.min(
      this.#probabilities.length - 1,
      Math.floor(samples(CUT_SEARCH_MS) / this.#o.windowSamples),
    );
    let best = this.#probabilities.length - 1;
    for (let i = this.#probabilities.length - search; i < this.#probabilities.length; i += 1) {
      if (this.#probabilities[i]! <= this.#probabilities[best]!) best = i;
    }
    const windowsAfter = this.#probabilities.length - 1 - best;
    const at = this.#position - windowsAfter * this.#o.windowSamples - Math.floor(this.#o.windowSamples / 2);
    const done: SegmentSpan = {
      id: open.id,
      start: open.start,
      end: at,
      speechStart: open.speechStart,
      final: true,
    };
    this.#lastEnd = at;
    this.#probabilities = this.#probabilities.slice(best + 1);
    this.#open = {
      id: this.#nextId,
      start: at,
      speechStart: at,
      lastSpeechEnd: open.lastSpeechEnd,
      lastPartial: at,
      paused: false,
    };
    this.#nextId += 1;
    return [done];
  }

  #span(start: number, end: number, speechStart: number, final: boolean): SegmentSpan {
    return { id: this.#open!.id, start, end, speechStart, final };
  }
}

function samples(lengthMs: number): number {
  return Math.round((lengthMs * RATE_HZ) / 1000);
}

function ms(count: number): number {
  return (count * 1000) / RATE_HZ;
}
