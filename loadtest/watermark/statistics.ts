/** A share of trials with its 95 % interval, 0…1. */
export interface Share {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** A mean with its 95 % interval (normal approximation). */
export interface Mean {
  readonly mean: number;
  /** Half the width of the interval. */
  readonly within: number;
  readonly of: number;
}

const Z_95 = 1.959964;

/** Wilson's score interval: holds near 0 and 1 too (E. B. Wilson, JASA 1927). */
export function wilson(count: number, of: number): Share {
  if (of === 0) return { count, of, share: Number.NaN, low: 0, high: 1 };
  const share = count / of;
  const z2 = Z_95 ** 2 / of;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = (Z_95 / (1 + z2)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of));
  return { count, of, share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export function meanOf(values: readonly number[]): Mean {
  const of = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / of;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, of - 1);
  return { mean, within: Z_95 * Math.sqrt(variance / of), of };
}

/** The value below which `share` (0…1) of the values lie, by linear interpolation; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

/** `99.5 [98.2, 100]`, in per cent. */
export function shareText({ of, share, low, high }: Share): string {
  if (of === 0) return '–';
  const percent = (value: number) => (value * 100).toFixed(value * 100 >= 99.95 || value === 0 ? 0 : 1);
  return `${percent(share)} [${percent(low)}, ${percent(high)}]`;
}
