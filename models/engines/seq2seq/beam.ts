/** One partial translation. */
export interface Beam {
  /** Ids so far, without the prompt. */
  readonly ids: readonly number[];
  /** Sum of log-probabilities. */
  readonly score: number;
}

export interface Candidate {
  readonly id: number;
  /** Row of the beam it goes on from. */
  readonly from: number;
  readonly score: number;
}

const LONGEST_LOOP = 8;

/** True when `next` would complete a phrase's third repetition in a row (a single token's fourth). */
export function completesLoop(ids: readonly number[], next: number): boolean {
  const all = [...ids, next];
  for (let length = 1; length <= LONGEST_LOOP; length++) {
    const times = length === 1 ? 4 : 3;
    if (all.length < length * times) break;
    let repeats = true;
    for (let i = 1; i <= length * (times - 1) && repeats; i++) {
      repeats = all[all.length - i] === all[all.length - i - length];
    }
    if (repeats) return true;
  }
  return false;
}

/**
 * The best continuations of all beams.
 * @param logits one row of `vocabulary` numbers per beam
 * @param banned ids that are never written (padding)
 * @param count how many to return at most, best first
 */
export function bestCandidates(
  beams: readonly Beam[],
  logits: Float32Array,
  vocabulary: number,
  banned: ReadonlySet<number>,
  count: number,
): Candidate[] {
  const best: Candidate[] = [];
  for (const [from, beam] of beams.entries()) {
    const row = logits.subarray(from * vocabulary, (from + 1) * vocabulary);
    let peak = Number.NEGATIVE_INFINITY;
    for (const value of row) if (value > peak) peak = value;
    let sum = 0;
    for (const value of row) sum += Math.exp(value - peak);
    const base = beam.score - peak - Math.log(sum);
    for (let id = 0; id < vocabulary; id++) {
      const score = base + row[id]!;
      if (best.length === count && score <= best.at(-1)!.score) continue;
      if (banned.has(id) || completesLoop(beam.ids, id)) continue;
      let at = best.length;
      while (at > 0 && best[at - 1]!.score < score) at--;
      best.splice(at, 0, { id, from, score });
      if (best.length > count) best.pop();
    }
  }
  return best;
}

/** Log-probability per token: what finished translations are compared by. */
export const normalised = ({ ids, score }: Beam): number => score / Math.max(1, ids.length + 1);
