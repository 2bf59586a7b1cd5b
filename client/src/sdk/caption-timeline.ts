import type { TextEvent } from '../../../server/live/contract.ts';

export interface CaptionChoice {
  readonly language: string;
  /** Language spoken: its captions show words that are not committed yet. */
  readonly source: string;
  /** How far picture and sound are behind live, ms; 0 at the live edge. */
  readonly delayMs: number;
}

export interface CaptionView {
  /** Words that stay. */
  readonly committed: string;
  /** Words that the recogniser has settled on within what is not committed. */
  readonly stable: string;
  /** Words that may still change. */
  readonly unstable: string;
  /** Says that a machine dubs; empty but at the start of a dub. */
  readonly notice: string;
}

interface Line {
  readonly text: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly arrivedMs: number;
}

const NOTHING: CaptionView = { committed: '', stable: '', unstable: '', notice: '' };
/** Lines of one language that are kept, newest last: a long delay's worth of short clauses. */
const KEPT_LINES = 64;
const SHOWN_CHARACTERS = 150;
const LEAST_MS = 4000;
const NOTICE_LASTS_MS = 4000;
const READING_MS_PER_CHARACTER = 70;
const HYPOTHESIS_LASTS_MS = 6000;

type Hypothesis = Extract<TextEvent, { kind: 'hypothesis' }>;

/**
 * Which words are on the screen at a moment. At the live edge they are shown as they come; behind it, each when the
 * picture reaches its time.
 */
export class CaptionTimeline {
  readonly #lines = new Map<string, Line[]>();
  /** By language. */
  readonly #notices = new Map<string, Line>();
  #hypothesis: Hypothesis | undefined;
  #hypothesisMs = 0;
  #tick: { mediaTimeUs: number; atMs: number } | undefined;

  /** @param source language spoken, which clauses are in */
  push(event: TextEvent, source: string, nowMs: number): void {
    switch (event.kind) {
      case 'hypothesis':
        this.#hypothesis = event;
        this.#hypothesisMs = nowMs;
        break;
      case 'clause':
        this.#add(source, event, nowMs);
        this.#hypothesis = this.#hypothesis && without(this.#hypothesis, event.text);
        break;
      case 'translation':
        this.#add(event.language, event, nowMs);
        break;
      case 'dub-notice':
        this.#notices.set(event.language, lineOf(event, nowMs));
        break;
      default:
    }
  }

  /** The server said where the channel is in media time. */
  tick(mediaTimeUs: number, nowMs: number): void {
    this.#tick = { mediaTimeUs, atMs: nowMs };
  }

  /** Forgets what was not shown yet, as when a programme begins anew. */
  clear(): void {
    this.#lines.clear();
    this.#notices.clear();
    this.#hypothesis = undefined;
    this.#tick = undefined;
  }

  at(choice: CaptionChoice, nowMs: number): CaptionView {
    const due = (this.#lines.get(choice.language) ?? [])
      .map((line) => ({ text: line.text, agoMs: nowMs - this.#dueMs(line, choice.delayMs, nowMs) }))
      .filter((line) => line.agoMs >= 0);
    const partial = this.#partial(choice, nowMs);
    const notice = this.#notice(choice, nowMs);
    const last = due.at(-1);
    const lastsMs = last ? Math.max(LEAST_MS, last.text.length * READING_MS_PER_CHARACTER) : 0;
    if (!partial && (!last || last.agoMs >= lastsMs)) return { ...NOTHING, notice };
    const text: string[] = [];
    let room = SHOWN_CHARACTERS;
    for (const line of due.reverse()) {
      const old = line.agoMs > lastsMs + LEAST_MS * 2;
      if ((room < line.text.length && text.length > 0) || old) break;
      room -= line.text.length;
      text.unshift(line.text);
    }
    return {
      committed: text.join(' '),
      stable: partial?.stable ?? '',
      unstable: partial?.unstable ?? '',
      notice,
    };
  }

  #add(language: string, event: { text: string; startUs: number; endUs: number }, nowMs: number): void {
    const lines = this.#lines.get(language) ?? [];
    this.#lines.set(language, lines);
    lines.push(lineOf(event, nowMs));
    if (lines.length > KEPT_LINES) lines.shift();
  }

  /** When a line is to be shown. */
  #dueMs(line: Line, delayMs: number, nowMs: number): number {
    // Before the first tick, what is said is taken to arrive as it is said.
    if (delayMs === 0 || !this.#tick) return line.arrivedMs + delayMs;
    const liveUs = this.#tick.mediaTimeUs + (nowMs - this.#tick.atMs) * 1000;
    const reachedMs = nowMs - (liveUs - line.startUs) / 1000 + delayMs;
    return Math.max(line.arrivedMs, reachedMs);
  }

  #notice({ language, delayMs }: CaptionChoice, nowMs: number): string {
    const line = this.#notices.get(language);
    if (!line) return '';
    const agoMs = nowMs - this.#dueMs(line, delayMs, nowMs);
    return agoMs >= 0 && agoMs < NOTICE_LASTS_MS ? line.text : '';
  }

  #partial(choice: CaptionChoice, nowMs: number): Hypothesis | undefined {
    const wanted = choice.language === choice.source && choice.delayMs === 0;
    const hypothesis = this.#hypothesis;
    if (!wanted || !hypothesis || nowMs - this.#hypothesisMs > HYPOTHESIS_LASTS_MS) return undefined;
    return hypothesis.stable || hypothesis.unstable ? hypothesis : undefined;
  }
}

function lineOf({ text, startUs, endUs }: Omit<Line, 'arrivedMs'>, nowMs: number): Line {
  return { text, startUs, endUs, arrivedMs: nowMs };
}

/** A hypothesis less the words that were just committed, so that none is on the screen twice. */
function without(hypothesis: Hypothesis, committed: string): Hypothesis | undefined {
  const words = committed.split(/\s+/);
  const stable = hypothesis.stable.split(/\s+/).filter(Boolean);
  const unstable = hypothesis.unstable.split(/\s+/).filter(Boolean);
  const all = [...stable, ...unstable];
  if (!words.every((word, index) => plain(word) === plain(all[index] ?? ''))) return undefined;
  return {
    ...hypothesis,
    stable: stable.slice(words.length).join(' '),
    unstable: unstable.slice(Math.max(0, words.length - stable.length)).join(' '),
  };
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
