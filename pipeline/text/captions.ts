/** One clause with the media time in which it is spoken. */
export interface CaptionClause {
  readonly startUs: number;
  readonly endUs: number;
  readonly text: string;
}

/** One caption on screen. */
export interface CaptionCue {
  readonly startUs: number;
  readonly endUs: number;
  readonly lines: readonly string[];
}

export interface CaptionOptions {
  /** Default 42, the usual limit of broadcasters for Latin scripts. */
  readonly maxLineChars?: number;
  /** Default 2. */
  readonly maxLines?: number;
  /** A cue shorter than this is held longer when nothing follows, ms. Default 1000. */
  readonly minimumMs?: number;
}

/**
 * Turns clauses into cues one by one, in time order: lines of at most 42 characters, two at a time, long clauses shared
 * out in time by their characters, never two cues at once. A cue is given out when the start of the next one is known.
 */
export class CaptionBuilder {
  readonly #maxLineChars: number;
  readonly #maxLines: number;
  readonly #minimumUs: number;
  #pending: CaptionCue | undefined;
  #lastEndUs = 0;

  constructor(options: CaptionOptions = {}) {
    this.#maxLineChars = options.maxLineChars ?? 42;
    this.#maxLines = options.maxLines ?? 2;
    this.#minimumUs = (options.minimumMs ?? 1000) * 1000;
  }

  /** @returns the cues that are final now */
  append(clause: CaptionClause): CaptionCue[] {
    const out: CaptionCue[] = [];
    const pages = layOut(clause.text, this.#maxLineChars, this.#maxLines);
    const weights = pages.map((lines) => lines.reduce((sum, line) => sum + line.length, 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const startUs = Math.max(clause.startUs, this.#pending?.startUs ?? 0, this.#lastEndUs);
    const spanUs = Math.max(clause.endUs - startUs, pages.length * 1000);
    let before = 0;
    pages.forEach((lines, index) => {
      const fromUs = toMs(startUs + (spanUs * before) / total);
      before += weights[index]!;
      this.#emit({ startUs: fromUs, endUs: toMs(startUs + (spanUs * before) / total), lines }, out);
    });
    return out;
  }

  /** The last cue. */
  flush(): CaptionCue[] {
    const out: CaptionCue[] = [];
    this.#release(Number.POSITIVE_INFINITY, out);
    return out;
  }

  #emit(cue: CaptionCue, out: CaptionCue[]): void {
    this.#release(cue.startUs, out);
    this.#pending = { ...cue, startUs: Math.max(cue.startUs, this.#lastEndUs) };
  }

  #release(nextStartUs: number, out: CaptionCue[]): void {
    const cue = this.#pending;
    this.#pending = undefined;
    if (cue === undefined) return;
    const wantedUs = Math.max(cue.endUs, cue.startUs + this.#minimumUs);
    // At least 1 ms: a cue of no length is an error in both formats.
    const endUs = Math.max(Math.min(wantedUs, nextStartUs), cue.startUs + 1000);
    this.#lastEndUs = endUs;
    out.push({ ...cue, endUs });
  }
}

export type CaptionFormat = 'vtt' | 'srt';

/** Writes cues as text that can be appended to a file as they come: first `head()`, then `cue()` for each. */
export class CaptionWriter {
  readonly format: CaptionFormat;
  readonly #language: string | undefined;
  readonly #note: string | undefined;
  #count = 0;

  /**
   * @param language ISO 639-1, named in the header of WebVTT
   * @param note one line for whoever opens the WebVTT file; players do not show it
   */
  constructor(format: CaptionFormat, language?: string, note?: string) {
    this.format = format;
    this.#language = language;
    this.#note = note;
  }

  head(): string {
    if (this.format === 'srt') return '';
    const head =
      this.#language === undefined ? 'WEBVTT' : `WEBVTT\nKind: captions\nLanguage: ${this.#language}`;
    return this.#note === undefined ? `${head}\n\n` : `${head}\n\nNOTE ${this.#note}\n\n`;
  }

  cue(cue: CaptionCue): string {
    this.#count++;
    const separator = this.format === 'srt' ? ',' : '.';
    const times = `${timestamp(cue.startUs, separator)} --> ${timestamp(cue.endUs, separator)}`;
    const text = cue.lines.map(this.format === 'srt' ? escapeSrt : escapeVtt).join('\n');
    return `${this.#count}\n${times}\n${text}\n\n`;
  }
}

/** A whole caption file. */
export function formatCaptions(
  format: CaptionFormat,
  clauses: readonly CaptionClause[],
  options: CaptionOptions & { readonly language?: string; readonly note?: string } = {},
): string {
  const builder = new CaptionBuilder(options);
  const writer = new CaptionWriter(format, options.language, options.note);
  const cues = [...clauses.flatMap((clause) => builder.append(clause)), ...builder.flush()];
  return writer.head() + cues.map((cue) => writer.cue(cue)).join('');
}

/** Breaks a text into pages of lines. Lines of a page are about equally long; words longer than a line are cut. */
function layOut(text: string, maxChars: number, maxLines: number): string[][] {
  // Control characters would end a cue early or be dropped by players.
  const clean = text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  const words = clean.split(/\s+/u).flatMap((word) => cutWord(word, maxChars));
  if (clean === '') return [];
  const lineCount = greedy(words, maxChars).length;
  const pageCount = Math.ceil(lineCount / maxLines);
  // The narrowest width that needs no more lines makes lines even instead of leaving one word on the last.
  const wanted = Math.max(lineCount, lineCount > 1 ? Math.min(pageCount * maxLines, words.length) : 1);
  let width = Math.max(...words.map((word) => word.length), Math.ceil(clean.length / wanted));
  while (width < maxChars && greedy(words, width).length > wanted) width++;
  const lines = greedy(words, Math.min(width, maxChars));
  const pages: string[][] = [];
  for (let at = 0; at < lines.length; at += maxLines) pages.push(lines.slice(at, at + maxLines));
  return pages;
}

function greedy(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Scripts without spaces come as one long word. Cuts between code points. */
function cutWord(word: string, maxChars: number): string[] {
  if (word.length <= maxChars) return [word];
  const parts: string[] = [];
  let part = '';
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(word)) {
    if (part !== '' && part.length + segment.length > maxChars) {
      parts.push(part);
      part = '';
    }
    part += segment;
  }
  return [...parts, part];
}

/** `-->` may not stand in a cue; `<` and `&` begin tags and entities (WebVTT, W3C, §4.2). */
function escapeVtt(line: string): string {
  return line.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** SRT has no escapes: what players take for a tag or an arrow is replaced by a look-alike. */
function escapeSrt(line: string): string {
  return line.replace(/-->/g, '→').replace(/</g, '‹').replace(/>/g, '›');
}

function toMs(us: number): number {
  return Math.round(us / 1000) * 1000;
}

function timestamp(us: number, separator: string): string {
  const total = Math.max(0, Math.round(us / 1000));
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0');
  const hours = Math.floor(total / 3_600_000);
  const minutes = Math.floor(total / 60_000) % 60;
  const seconds = Math.floor(total / 1000) % 60;
  return `${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}${separator}${pad(total % 1000, 3)}`;
}
