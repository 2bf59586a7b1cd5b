/** So many words in a row must be the same again for two hypotheses to agree behind a word on which they differ. */
const RESUMED_WORDS = 3;
/** By so many places they may have moved. */
const MAX_SHIFT = 2;

/**
 * LocalAgreement-2: words are stable once two successive hypotheses agree on them as a common prefix.
 *
 * Source: Liu, Spanakis, Niehues, "Low-latency sequence-to-sequence speech recognition and translation by partial
 * hypothesis selection" (Interspeech 2020); used for streaming Whisper by Macháček et al. (2023).
 */
export class LocalAgreement {
  #previous: readonly string[] = [];
  #stable = 0;

  /**
   * @param words the newest hypothesis, from the start of the uncommitted sound
   * @param patient false: a word on which the hypotheses differ holds nothing up when they agree again behind it, and the
   * newer reading counts. Default: true.
   * @returns how many leading words are stable now; never fewer than before while the prefix holds
   */
  update(words: readonly string[], patient = true): number {
    const agreed = commonPrefix(this.#previous, words);
    const resumed = patient ? agreed : Math.max(agreed, resumedAgreement(this.#previous, words, agreed));
    // The last word of a growing window is often cut short by its end: it counts only once another word follows.
    this.#stable = Math.max(Math.min(resumed, words.length - 1), 0);
    this.#previous = words;
    return this.#stable;
  }

  /** Forgets the first `count` words: they were committed and their sound was trimmed. */
  commit(count: number): void {
    this.#previous = this.#previous.slice(count);
    this.#stable = Math.max(0, this.#stable - count);
  }

  reset(): void {
    this.#previous = [];
    this.#stable = 0;
  }
}

/** Case and punctuation may change from one hypothesis to the next without changing the word. */
export function normaliseWord(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}']/gu, '');
}

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && normaliseWord(a[i]!) === normaliseWord(b[i]!)) i += 1;
  return i;
}

/** End, in the newer hypothesis, of the last run of words that both have at about the same place. */
function resumedAgreement(older: readonly string[], newer: readonly string[], from: number): number {
  for (let end = newer.length; end - RESUMED_WORDS >= from; end -= 1) {
    const run = newer.slice(end - RESUMED_WORDS, end);
    for (let shift = -MAX_SHIFT; shift <= MAX_SHIFT; shift += 1) {
      const at = end - RESUMED_WORDS + shift;
      if (at >= 0 && commonPrefix(older.slice(at, at + RESUMED_WORDS), run) === RESUMED_WORDS) return end;
    }
  }
  return 0;
}

/** Splits a text into words, keeping punctuation on its word. */
export function splitWords(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word.length > 0);
}
