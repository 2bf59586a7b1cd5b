/** Edits that turn the reference into what was heard. */
export interface WordErrors {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Words of the reference. */
  readonly referenceWords: number;
  /** Errors per reference word; 1 when nothing was wanted and something heard, 0 when neither. */
  readonly rate: number;
}

/**
 * The form in which words are compared: lower case, accents kept, punctuation gone except apostrophes inside words,
 * hyphens as spaces.
 */
export function normaliseForWer(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .replace(/[’‘ʼ]/gu, "'")
      .match(/[\p{L}\p{M}\p{N}]+(?:'[\p{L}\p{M}\p{N}]+)*/gu) ?? []
  );
}

/**
 * Word errors by the least number of edits (Levenshtein distance over words, as NIST's sclite counts them).
 * @param reference what was said
 * @param heard what recognition made of it
 */
export function wordErrors(reference: string, heard: string): WordErrors {
  return countErrors(normaliseForWer(reference), normaliseForWer(heard));
}

/** The same over several utterances: errors and words are summed, not rates averaged. */
export function corpusWordErrors(
  pairs: readonly { readonly reference: string; readonly heard: string }[],
): WordErrors {
  let substitutions = 0;
  let deletions = 0;
  let insertions = 0;
  let referenceWords = 0;
  for (const { reference, heard } of pairs) {
    const one = wordErrors(reference, heard);
    substitutions += one.substitutions;
    deletions += one.deletions;
    insertions += one.insertions;
    referenceWords += one.referenceWords;
  }
  return withRate(substitutions, deletions, insertions, referenceWords);
}

function withRate(
  substitutions: number,
  deletions: number,
  insertions: number,
  referenceWords: number,
): WordErrors {
  const errors = substitutions + deletions + insertions;
  const rate = referenceWords > 0 ? errors / referenceWords : errors > 0 ? 1 : 0;
  return { substitutions, deletions, insertions, referenceWords, rate };
}

function countErrors(wanted: readonly string[], heard: readonly string[]): WordErrors {
  const width = heard.length + 1;
  const cost = new Uint32Array((wanted.length + 1) * width);
  for (let j = 0; j < width; j++) cost[j] = j;
  for (let i = 1; i <= wanted.length; i++) {
    cost[i * width] = i;
    for (let j = 1; j < width; j++) {
      const diagonal = cost[(i - 1) * width + j - 1]! + (wanted[i - 1] === heard[j - 1] ? 0 : 1);
      cost[i * width + j] = Math.min(diagonal, cost[(i - 1) * width + j]! + 1, cost[i * width + j - 1]! + 1);
    }
  }
  let substitutions = 0;
  let deletions = 0;
  let insertions = 0;
  let i = wanted.length;
  let j = heard.length;
  while (i > 0 || j > 0) {
    const here = cost[i * width + j]!;
    const same = i > 0 && j > 0 && wanted[i - 1] === heard[j - 1];
    if (i > 0 && j > 0 && here === cost[(i - 1) * width + j - 1]! + (same ? 0 : 1)) {
      if (!same) substitutions++;
      i--;
      j--;
    } else if (i > 0 && here === cost[(i - 1) * width + j]! + 1) {
      deletions++;
      i--;
    } else {
      insertions++;
      j--;
    }
  }
  return withRate(substitutions, deletions, insertions, wanted.length);
}
