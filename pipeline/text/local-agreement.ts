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
   * @returns how many leading words are stable now; never fewer than before while the prefix holds
   */
  update(words: readonly string[]): number {
    const agreed = commonPrefix(this.#previous, words);
    // The last word of a growing window is often cut short by its end: it counts only once another word follows.
    this.#stable = Math.max(Math.min(agreed, words.length - 1), 0);
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

/** Splits a text into words, keeping punctuation on its word. */
export function splitWords(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word.length > 0);
}
