import { countNgrams, splitWords } from './ngrams.ts';

export interface ChrfOptions {
  /** Longest character n-gram. Default 6. */
  readonly charOrder?: number;
  /** Longest word n-gram: 0 is chrF, 2 is chrF++. Default 0. */
  readonly wordOrder?: number;
  /** Weight of recall. Default 2. */
  readonly beta?: number;
  /** Counts white space among the characters. Default false. */
  readonly whitespace?: boolean;
  /**
   * Averages one F score per order, missing orders as (almost) nothing, as the first chrF++.py and NLTK do. Default
   * false: sacreBLEU's own way.
   */
  readonly epsilonSmoothing?: boolean;
}

/** n-grams of one order: how many the hypothesis and the reference have, and how many they share. */
export interface OrderStatistics {
  readonly hypothesis: number;
  readonly reference: number;
  readonly match: number;
}

/** ASCII punctuation, which chrF++ splits off words. */
const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

function wordsOf(text: string): string[] {
  return splitWords(text).flatMap((word) => {
    const points = [...word];
    if (points.length === 1) return [word];
    if (PUNCTUATION.has(points.at(-1)!)) return [points.slice(0, -1).join(''), points.at(-1)!];
    if (PUNCTUATION.has(points[0]!)) return [points[0]!, points.slice(1).join('')];
    return [word];
  });
}

function ngramsOf(text: string, options: ChrfOptions): Map<string, number>[] {
  const characters = [...(options.whitespace ? text : splitWords(text).join(''))];
  const words = options.wordOrder ? wordsOf(text) : [];
  return [
    ...Array.from({ length: options.charOrder ?? 6 }, (_, i) => countNgrams(characters, i + 1)),
    ...Array.from({ length: options.wordOrder ?? 0 }, (_, i) => countNgrams(words, i + 1)),
  ];
}

const sum = (counts: ReadonlyMap<string, number>): number => {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
};

function compare(
  hypothesis: readonly Map<string, number>[],
  reference: readonly Map<string, number>[],
): OrderStatistics[] {
  return hypothesis.map((ours, i) => {
    const theirs = reference[i]!;
    let match = 0;
    for (const [ngram, count] of ours) match += Math.min(count, theirs.get(ngram) ?? 0);
    return { hypothesis: theirs.size === 0 ? 0 : sum(ours), reference: sum(theirs), match };
  });
}

const EPSILON = 1e-16;

function epsilonChrf(statistics: readonly OrderStatistics[], factor: number): number {
  let score = 0;
  for (const { hypothesis, reference, match } of statistics) {
    const precision = hypothesis > 0 ? match / hypothesis : EPSILON;
    const recall = reference > 0 ? match / reference : EPSILON;
    const weight = factor * precision + recall;
    score += weight > 0 ? ((1 + factor) * precision * recall) / weight : EPSILON;
  }
  return (100 * score) / Math.max(1, statistics.length);
}

/** F score of the mean precision and recall over the orders both sides have (sacreBLEU's effective order). */
export function chrfOf(
  statistics: readonly OrderStatistics[],
  options: Pick<ChrfOptions, 'beta' | 'epsilonSmoothing'> = {},
): number {
  const factor = (options.beta ?? 2) ** 2;
  if (options.epsilonSmoothing) return epsilonChrf(statistics, factor);
  let precision = 0;
  let recall = 0;
  let orders = 0;
  for (const { hypothesis, reference, match } of statistics) {
    if (hypothesis === 0 || reference === 0) continue;
    precision += match / hypothesis;
    recall += match / reference;
    orders++;
  }
  if (orders === 0 || precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  return (100 * (1 + factor) * precision * recall) / (factor * precision + recall);
}

function bestStatistics(
  hypothesis: string,
  references: readonly string[],
  options: ChrfOptions,
): OrderStatistics[] {
  const ours = ngramsOf(hypothesis, options);
  let best: OrderStatistics[] | undefined;
  let bestScore = -1;
  for (const reference of references) {
    const statistics = compare(ours, ngramsOf(reference, options));
    const score = chrfOf(statistics, options);
    if (score > bestScore) {
      bestScore = score;
      best = statistics;
    }
  }
  return best ?? ours.map(() => ({ hypothesis: 0, reference: 0, match: 0 }));
}

/**
 * chrF (Popović 2015) and, with `wordOrder: 2`, chrF++ (Popović 2017) of one sentence, 0…100, as sacreBLEU computes it.
 */
export function sentenceChrf(
  hypothesis: string,
  references: readonly string[],
  options: ChrfOptions = {},
): number {
  return chrfOf(bestStatistics(hypothesis, references, options), options);
}

/** chrF of a whole text: n-grams are counted over all sentences, each against its best reference. */
export function corpusChrf(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: ChrfOptions = {},
): number {
  let total: OrderStatistics[] | undefined;
  for (const [i, hypothesis] of hypotheses.entries()) {
    const one = bestStatistics(hypothesis, references[i] ?? [], options);
    total = total
      ? total.map((all, order) => ({
          hypothesis: all.hypothesis + one[order]!.hypothesis,
          reference: all.reference + one[order]!.reference,
          match: all.match + one[order]!.match,
        }))
      : one;
  }
  return chrfOf(total ?? [], options);
}
