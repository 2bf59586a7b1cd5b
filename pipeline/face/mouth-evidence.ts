/** How much later than its lips a sound may come, µs: streams are out of step, each in its own way. */
export const SOUND_LAGS_US = [-120, -80, -40, 0, 40, 80, 120, 160, 200].map((ms) => ms * 1000);
const USUAL_LAG_US = 20_000;
const LAG_SPREAD_US = 60_000;
const LAG_PRIORS = logShares(
  SOUND_LAGS_US.map((lagUs) => -0.5 * ((lagUs - USUAL_LAG_US) / LAG_SPREAD_US) ** 2),
);

/** Moments so far apart say something of their own, µs. */
const APART_US = 90_000;

/** All below in distances between the eyes. How far a speaking mouth opens with the loudness, and how different people are. */
const GAIN = 0.2;
const GAIN_SPREAD = 0.08;
/** Where it is at rest: unknown. */
const REST_SPREAD = 0.25;
/** How far it is from where the loudness has it, and how sure that is before it was seen, in moments. */
const ERROR = 0.06;
const logSpeakingEvidence = logEvidence(ERROR, 3);
/** How much a mouth moves that says nothing, or something else: it may rest or move. */
const IDLE = 0.05;
const logIdleEvidence = logEvidence(IDLE, 1.5);

/** Products of what was seen and heard, weighted moments. */
interface Sums {
  moments: number;
  heard: number;
  heard2: number;
  seen: number;
  seen2: number;
  seenHeard: number;
}

/**
 * Weighs whether a mouth follows a sound. Two explanations of its openings are compared by how likely they make what was seen, whatever
 * their unknowns (conjugate Bayesian regression): a speaker's mouth opens with the loudness in its own measure, at one of several
 * lags; any other rests or moves by itself.
 */
export class MouthEvidence {
  /** By start, oldest first, and by lag. */
  readonly #starts: Sums[][];
  #origin: number | undefined;

  /** @param starts moments from which on it is weighed */
  constructor(starts: number) {
    this.#starts = Array.from({ length: starts }, nothing);
  }

  /** From here on it is weighed, too. */
  start(): void {
    this.#starts.push(nothing());
  }

  /** The oldest start does not matter any more. */
  dropStart(): void {
    this.#starts.shift();
  }

  /**
   * @param opening in distances between the eyes
   * @param loudness by lag, 0…1; undefined where it is not known
   */
  add(opening: number, loudness: readonly (number | undefined)[], spanUs: number): void {
    this.#origin ??= opening;
    const seen = opening - this.#origin;
    const weight = spanUs / APART_US;
    for (const [i, heard] of loudness.entries()) {
      if (heard === undefined) continue;
      for (const lags of this.#starts) {
        const sums = lags[i]!;
        sums.moments += weight;
        sums.heard += weight * heard;
        sums.heard2 += weight * heard * heard;
        sums.seen += weight * seen;
        sums.seen2 += weight * seen * seen;
        sums.seenHeard += weight * seen * heard;
      }
    }
  }

  /** By start: how much likelier it is that this mouth has spoken since than that it has not, as a logarithm. */
  logOdds(): number[] {
    return this.#starts.map((lags) => {
      const idle = logIdle(lags[0]!);
      return logSum(lags.map((sums, i) => LAG_PRIORS[i]! + logSpeaking(sums) - idle));
    });
  }
}

function nothing(): Sums[] {
  return SOUND_LAGS_US.map(() => ({ moments: 0, heard: 0, heard2: 0, seen: 0, seen2: 0, seenHeard: 0 }));
}

function logSpeaking({ moments, heard, heard2, seen, seen2, seenHeard }: Sums): number {
  const restPrior = (ERROR / REST_SPREAD) ** 2;
  const gainPrior = (ERROR / GAIN_SPREAD) ** 2;
  const [a, c] = [moments + restPrior, heard2 + gainPrior];
  const determinant = a * c - heard * heard;
  const drive = seenHeard + gainPrior * GAIN;
  const rest = (c * seen - heard * drive) / determinant;
  const gain = (a * drive - heard * seen) / determinant;
  const unexplained = seen2 + gainPrior * GAIN ** 2 - (rest * seen + gain * drive);
  const prior = (restPrior * gainPrior) / determinant;
  return logSpeakingEvidence(moments, unexplained, prior);
}

function logIdle({ moments, seen, seen2 }: Sums): number {
  const restPrior = (IDLE / REST_SPREAD) ** 2;
  const unexplained = seen2 - seen ** 2 / (moments + restPrior);
  const prior = restPrior / (moments + restPrior);
  return logIdleEvidence(moments, unexplained, prior);
}

/**
 * Of normal errors whose size is not known, but for a constant that all explanations have in common.
 * @param usual their size, as sure as if so many moments had said so
 * @returns a function of the moments, the squares that are left unexplained, and how much narrower what is known of rest and gain
 * has become
 */
function logEvidence(usual: number, weight: number) {
  const before = weight * usual ** 2;
  const constant = weight * Math.log(before) - logGamma(weight);
  return (moments: number, unexplained: number, narrower: number): number => {
    const shape = weight + moments / 2;
    const left = before + Math.max(0, unexplained) / 2;
    return constant + logGamma(shape) - shape * Math.log(left) + Math.log(narrower) / 2;
  };
}

/** Stirling's series, for x > 0. */
function logGamma(x: number): number {
  if (x < 6) return logGamma(x + 1) - Math.log(x);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + 1 / (12 * x) - 1 / (360 * x ** 3);
}

export function logSum(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

function logShares(values: readonly number[]): number[] {
  const all = logSum(values);
  return values.map((value) => value - all);
}
