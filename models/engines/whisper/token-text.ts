/** Languages written without spaces: a word is what one or more tokens write, as in Whisper's `split_to_word_tokens`. */
const WITHOUT_SPACES = new Set(['zh', 'ja', 'th', 'lo', 'my', 'yue']);
const LEADING_MARK = /^[\p{Ps}\p{Pi}¿¡"'«“„-]+$/u;
const TRAILING_MARK = /^[\p{P}\p{S}]+$/u;

export interface TokenWord {
  readonly text: string;
  /** Its tokens are ids[from…to). */
  readonly from: number;
  readonly to: number;
}

/** Byte-level BPE, the way back: tokens → bytes → UTF-8 (the byte table is that of GPT-2's encoder.py). */
export class TokenText {
  readonly #pieces: readonly Uint8Array[];

  /** @param vocabulary BPE pieces by id */
  constructor(vocabulary: readonly string[]) {
    const bytes = bytesByCharacter();
    this.#pieces = vocabulary.map((piece) =>
      Uint8Array.from([...piece].map((character) => bytes.get(character) ?? 63)),
    );
  }

  /** Unknown and special ids write nothing. */
  decode(ids: readonly number[]): string {
    return new TextDecoder().decode(Buffer.concat(ids.map((id) => this.#pieces[id] ?? new Uint8Array(0))));
  }

  /** Cuts tokens into words with their punctuation. */
  words(ids: readonly number[], language: string): TokenWord[] {
    const whole = this.#characters(ids);
    const words: { text: string; from: number; to: number }[] = [];
    for (const part of whole) {
      const last = words.at(-1);
      const begins = WITHOUT_SPACES.has(language) || part.text.startsWith(' ') || !last;
      const isMark = TRAILING_MARK.test(part.text.trim()) && !LEADING_MARK.test(part.text.trim());
      const afterOpening = last !== undefined && LEADING_MARK.test(last.text.trim());
      if (last && (!begins || (isMark && !part.text.startsWith(' ')) || afterOpening)) {
        last.text += part.text;
        last.to = part.to;
      } else words.push({ ...part });
    }
    return words
      .map(({ text, from, to }) => ({ text: text.trim(), from, to }))
      .filter(({ text }) => text !== '');
  }

  /** Joins tokens until they make whole characters. */
  #characters(ids: readonly number[]): TokenWord[] {
    const parts: TokenWord[] = [];
    for (let from = 0; from < ids.length; ) {
      let to = from + 1;
      while (to < ids.length && to - from < 4 && this.decode(ids.slice(from, to)).includes('\uFFFD')) to++;
      parts.push({ text: this.decode(ids.slice(from, to)), from, to });
      from = to;
    }
    return parts;
  }
}

function bytesByCharacter(): Map<string, number> {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const map = new Map<string, number>();
  let moved = 0;
  for (let byte = 0; byte < 256; byte++) {
    map.set(String.fromCodePoint(printable(byte) ? byte : 256 + moved++), byte);
  }
  return map;
}
