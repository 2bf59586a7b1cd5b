/**
 * Figures of curves over pictures. A value of NaN is a picture in which nothing could be measured: it counts nowhere.
 */

/** Pearson's correlation; NaN where fewer than three pairs are there or one side does not change. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const pairs: [number, number][] = [];
  for (let i = 0; i < Math.min(a.length, b.length); i += 1)
    if (!Number.isNaN(a[i]!) && !Number.isNaN(b[i]!)) pairs.push([a[i]!, b[i]!]);
  if (pairs.length < 3) return Number.NaN;
  const meanA = pairs.reduce((sum, [x]) => sum + x, 0) / pairs.length;
  const meanB = pairs.reduce((sum, [, y]) => sum + y, 0) / pairs.length;
  let cross = 0;
  let squareA = 0;
  let squareB = 0;
  for (const [x, y] of pairs) {
    cross += (x - meanA) * (y - meanB);
    squareA += (x - meanA) ** 2;
    squareB += (y - meanB) ** 2;
  }
  return squareA === 0 || squareB === 0 ? Number.NaN : cross / Math.sqrt(squareA * squareB);
}

/**
 * By how many steps `late` follows `reference`: where their correlation is highest, between whole steps by a parabola through the
 * highest value and its neighbours. NaN where nothing correlates, and where the highest value stands at the edge of what was tried.
 */
export function lagSteps(late: ArrayLike<number>, reference: ArrayLike<number>, most = 8): number {
  const scores = shiftedCorrelations(late, reference, most);
  let best = -1;
  for (const [i, score] of scores.entries())
    if (!Number.isNaN(score) && (best < 0 || score > scores[best]!)) best = i;
  if (best <= 0 || best === scores.length - 1) return Number.NaN;
  const [before, at, after] = [scores[best - 1]!, scores[best]!, scores[best + 1]!];
  const bend = before - 2 * at + after;
  const between = bend === 0 ? 0 : (before - after) / (2 * bend);
  return best - most + between;
}

/** The highest correlation at any shift of up to `most` steps. */
export function bestCorrelation(a: ArrayLike<number>, b: ArrayLike<number>, most = 4): number {
  const known = shiftedCorrelations(a, b, most).filter((score) => !Number.isNaN(score));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}

function shiftedCorrelations(late: ArrayLike<number>, reference: ArrayLike<number>, most: number): number[] {
  const length = Math.min(late.length, reference.length);
  const scores: number[] = [];
  for (let lag = -most; lag <= most; lag += 1) {
    const a: number[] = [];
    const b: number[] = [];
    for (let i = 0; i < length; i += 1) {
      if (i + lag < 0 || i + lag >= length) continue;
      a.push(late[i + lag]!);
      b.push(reference[i]!);
    }
    scores.push(correlation(a, b));
  }
  return scores;
}

/** Root mean square of what a curve's points are off the middle of their neighbours, doubled: how it trembles. */
export function tremor(curves: readonly ArrayLike<number>[]): number {
  let sum = 0;
  let count = 0;
  for (const curve of curves)
    for (let i = 1; i < curve.length - 1; i += 1) {
      const second = curve[i - 1]! - 2 * curve[i]! + curve[i + 1]!;
      if (Number.isNaN(second)) continue;
      sum += second * second;
      count += 1;
    }
  return count === 0 ? Number.NaN : Math.sqrt(sum / count);
}

export function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** @param share 0…1 */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Array.from(values).filter((value) => !Number.isNaN(value));
  sorted.sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!);
}

/** Values where something holds; null is told as NaN by all of the above. */
export function where<Value>(values: ArrayLike<Value>, holds: (i: number) => boolean): Value[] {
  return Array.from(values).filter((_, i) => holds(i));
}
