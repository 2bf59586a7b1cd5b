export interface ClauseCutterOptions {
  /** A sentence end closes a clause from this length on, ms. Default: 1200. */
  minSentenceMs?: number;
  /** A comma, colon or semicolon closes a clause from this length on, ms. Default: 2600. */
  minPhraseMs?: number;
  /** Beyond this length a clause is cut before a joining word, or anywhere if there is none, ms. Default: 6000. */
  maxClauseMs?: number;
  /** When so much is uncommitted, what is stable is cut although it is shorter than `maxClauseMs`, ms. Default: never. */
  maxWaitMs?: number;
}

const SENTENCE_END = /[.!?…。！？]["'”’)\]]*$/u;
const PHRASE_END = /[,;:—–]["'”’)\]]*$/u;
/** Abbreviations whose full stop ends no sentence. */
const ABBREVIATION = /^(?:mr|mrs|ms|dr|prof|st|sr|sra|jr|vs|etc|no|inc|e\.g|i\.e|u\.s|[a-z])\.$/iu;
/** Words before which a long clause may be cut (en, es, fr, de, it, pt). */
const JOINERS = new Set(
  (
    'and but or so because which who that when while where if then than ' +
    'y pero o porque que cuando donde mientras si et mais ou car quand où qui und aber oder weil dass wenn ' +
    'e ma perché che quando se mas quem onde'
  ).split(' '),
);

/** One word with its place in the uncommitted sound, ms from its start. */
export interface CuttableWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * Finds where committed words can be cut into clauses: at sentence ends, at commas once the clause is long enough, and in
 * the end by length, before a joining word if there is one.
 */
export class ClauseCutter {
  readonly #minSentenceMs: number;
  readonly #minPhraseMs: number;
  readonly #maxClauseMs: number;
  readonly #maxWaitMs: number;

  constructor(options: ClauseCutterOptions = {}) {
    this.#minSentenceMs = options.minSentenceMs ?? 1200;
    this.#minPhraseMs = options.minPhraseMs ?? 2600;
    this.#maxClauseMs = options.maxClauseMs ?? 6000;
    this.#maxWaitMs = options.maxWaitMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * @param words all words of the hypothesis
   * @param stable how many of them are committed
   * @returns how many leading words make the next clause; 0 when it must grow on
   */
  next(words: readonly CuttableWord[], stable: number): number {
    if (stable === 0) return 0;
    const startMs = words[0]!.startMs;
    for (let i = 0; i < stable; i += 1) {
      const word = words[i]!;
      const lengthMs = word.endMs - startMs;
      if (isSentenceEnd(word.text) && lengthMs >= this.#minSentenceMs) return i + 1;
      if (PHRASE_END.test(word.text) && lengthMs >= this.#minPhraseMs) return i + 1;
    }
    const stableMs = words[stable - 1]!.endMs - startMs;
    const isOverdue = words.at(-1)!.endMs - startMs >= this.#maxWaitMs && stableMs >= this.#minPhraseMs;
    if (stableMs < this.#maxClauseMs && !(isOverdue && stable < words.length)) return 0;
    return this.#cutByLength(words, stable, startMs);
  }

  #cutByLength(words: readonly CuttableWord[], stable: number, startMs: number): number {
    for (let i = stable - 1; i > 2; i -= 1) {
      const longEnough = words[i]!.startMs - startMs >= this.#maxClauseMs / 2;
      if (longEnough && JOINERS.has(words[i]!.text.toLowerCase())) return i;
    }
    return stable;
  }

  /** Cuts the words of a closed segment into clauses; every word is in one of them. */
  all(words: readonly CuttableWord[]): (readonly CuttableWord[])[] {
    const clauses: (readonly CuttableWord[])[] = [];
    let rest = words;
    while (rest.length > 0) {
      const count = this.next(rest, rest.length) || rest.length;
      // A very short remainder would sound chopped off: it stays with the clause before it.
      const tail = rest.slice(count);
      const tailMs = tail.length > 0 ? tail[tail.length - 1]!.endMs - tail[0]!.startMs : 0;
      const cut = tail.length > 0 && tailMs < this.#minSentenceMs / 2 ? rest.length : count;
      clauses.push(rest.slice(0, cut));
      rest = rest.slice(cut);
    }
    return clauses;
  }
}

function isSentenceEnd(word: string): boolean {
  return SENTENCE_END.test(word) && !ABBREVIATION.test(word);
}
