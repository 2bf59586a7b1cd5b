import { countNgrams, splitWords } from './ngrams.ts';

const ORDER = 4;

/** What BLEU is computed from; sums of sentences give the corpus. */
export interface BleuStatistics {
  /** Matched n-grams for n = 1…4. */
  readonly correct: readonly number[];
  readonly total: readonly number[];
  readonly hypothesisWords: number;
  readonly referenceWords: number;
}

export interface BleuScore extends BleuStatistics {
  /** 0…100. */
  readonly score: number;
  /** Smoothed, 0…100, n = 1…4. */
  readonly precisions: readonly number[];
  readonly brevityPenalty: number;
}

export interface BleuOptions {
  /** `13a` as WMT uses it, or `none` for text that is split already. Default `13a`. */
  readonly tokenise?: '13a' | 'none';
  /** Counts only the orders the sentence is long enough for. Default false; `sentenceBleu` always does. */
  readonly effectiveOrder?: boolean;
}

/**
 * The tokenisation of NIST's mteval-v13a.pl, as sacreBLEU (https://github.com/mjpost/sacrebleu) writes it.
 * @returns tokens joined by one space
 */
export function tokenise13a(line: string): string {
  const plain = line
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  const spaced = ` ${plain} `
    .replace(/([{-~[-` -&(-+:-@/])/gu, ' $1 ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ');
  return splitWords(spaced).join(' ');
}

/** @param references one or more translations of the same sentence */
export function bleuStatistics(
  hypothesis: string,
  references: readonly string[],
  tokenise: '13a' | 'none' = '13a',
): BleuStatistics {
  const words = (text: string): string[] =>
    splitWords(tokenise === '13a' ? tokenise13a(text.trimEnd()) : text.trimEnd());
  const spoken = words(hypothesis);
  const wanted = references.map(words);
  const correct: number[] = [];
  const total: number[] = [];
  for (let order = 1; order <= ORDER; order++) {
    const most = new Map<string, number>();
    for (const reference of wanted) {
      for (const [ngram, count] of countNgrams(reference, order)) {
        most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
      }
    }
    let hits = 0;
    for (const [ngram, count] of countNgrams(spoken, order)) hits += Math.min(count, most.get(ngram) ?? 0);
    correct.push(hits);
    total.push(Math.max(0, spoken.length - order + 1));
  }
  let closest = wanted[0]?.length ?? 0;
  for (const { length } of wanted) {
    const nearer = Math.abs(length - spoken.length) - Math.abs(closest - spoken.length);
    if (nearer < 0 || (nearer === 0 && length < closest)) closest = length;
  }
  return { correct, total, hypothesisWords: spoken.length, referenceWords: closest };
}

/**
 * BLEU (Papineni et al. 2002) with exponential smoothing (Lin and Och 2004, as in mteval-v13a and sacreBLEU): the k-th
 * order without a match counts as 1 / (2^k · n-grams).
 */
export function bleuOf(statistics: BleuStatistics, effectiveOrder = false): BleuScore {
  const { correct, total, hypothesisWords, referenceWords } = statistics;
  const precisions = new Array<number>(ORDER).fill(0);
  const brevityPenalty =
    hypothesisWords >= referenceWords
      ? 1
      : hypothesisWords > 0
        ? Math.exp(1 - referenceWords / hypothesisWords)
        : 0;
  let orders = ORDER;
  if (correct.every((count) => count === 0)) return { ...statistics, precisions, brevityPenalty, score: 0 };
  let smoothing = 1;
  for (let i = 0; i < ORDER; i++) {
    if (total[i] === 0) break;
    if (effectiveOrder) orders = i + 1;
    if (correct[i] === 0) {
      smoothing *= 2;
      precisions[i] = 100 / (smoothing * total[i]!);
    } else precisions[i] = (100 * correct[i]!) / total[i]!;
  }
  const used = precisions.slice(0, orders);
  const mean = used.reduce((sum, p) => sum + (p > 0 ? Math.log(p) : Number.NEGATIVE_INFINITY), 0) / orders;
  return { ...statistics, precisions, brevityPenalty, score: brevityPenalty * Math.exp(mean) };
}

/**
 * BLEU of a whole text.
 * @param hypotheses one translation per sentence
 * @param references for each sentence its reference translations
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  const sum = { correct: [0, 0, 0, 0], total: [0, 0, 0, 0], hypothesisWords: 0, referenceWords: 0 };
  for (const [i, hypothesis] of hypotheses.entries()) {
    const one = bleuStatistics(hypothesis, references[i] ?? [], options.tokenise);
    for (let n = 0; n < ORDER; n++) {
      sum.correct[n]! += one.correct[n]!;
      sum.total[n]! += one.total[n]!;
    }
    sum.hypothesisWords += one.hypothesisWords;
    sum.referenceWords += one.referenceWords;
  }
  return bleuOf(sum, options.effectiveOrder);
}

/** BLEU of one sentence, over the orders it is long enough for. */
export function sentenceBleu(
  hypothesis: string,
  references: readonly string[],
  options: Pick<BleuOptions, 'tokenise'> = {},
): BleuScore {
  return bleuOf(bleuStatistics(hypothesis, references, options.tokenise), true);
}
