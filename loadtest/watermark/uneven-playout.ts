/** As `attacks.ts` has it. */
const SOUND_RATE_HZ = 48_000;

/** How a player's buffer fills and empties: so many seconds with so much more or less played than passes. Repeated for ever. */
const COURSE: readonly (readonly [seconds: number, rate: number])[] = [
  [2, 0],
  [5, 0.08],
  [2, 0],
  [4, -0.1],
  [3, 0.03],
  [1.5, -0.06],
  [5, 0.05],
];
/** What is left out at the end of each course, s: packets that came too late. */
const LEFT_OUT_S = 0.15;
const COURSE_S = COURSE.reduce((sum, [seconds]) => sum + seconds, 0);
const COURSE_GAIN_S = COURSE.reduce((sum, [seconds, rate]) => sum + seconds * rate, LEFT_OUT_S);

const MS = SOUND_RATE_HZ / 1000;
const FRAME = 10 * MS;
/** Pitch periods that are looked for. */
const [LEAST_LAG, MOST_LAG] = [2.5 * MS, 15 * MS];
/** How alike what is cut out or repeated has to be to its neighbour, unless it is overdue. */
const ALIKE = 0.8;
const OVERDUE = 30 * MS;
const LOST = 100 * MS;

/** Place in the original of a place in what `playUnevenly` makes, give or take 0.05 s. */
export function unevenTime(resultS: number): number {
  const courses = Math.floor(resultS / COURSE_S);
  let rest = resultS - courses * COURSE_S;
  let originalS = resultS + courses * COURSE_GAIN_S;
  for (const [seconds, rate] of COURSE) {
    originalS += rate * Math.min(seconds, rest);
    rest -= seconds;
    if (rest <= 0) break;
  }
  return originalS;
}

/**
 * Plays sound as a jitter buffer does that fills and empties: single pitch periods are cut out or repeated by overlapping, where the
 * sound is alike, up to 10 % for seconds; the pitch stays.
 *
 * @param sound 48 kHz mono
 */
export function playUnevenly(sound: Float32Array): Float32Array {
  const out = new Float32Array(Math.ceil(sound.length * 1.1) + SOUND_RATE_HZ);
  let from = 0;
  let to = 0;
  const copy = (count: number) => {
    out.set(sound.subarray(from, from + count), to);
    from += count;
    to += count;
  };
  /** Goes over to `by` samples further on, or back, while `count` samples are played. */
  const fade = (by: number, count: number) => {
    for (let i = 0; i < count; i += 1) {
      const share = (i + 1) / (count + 1);
      out[to + i] = (1 - share) * sound[from + i]! + share * sound[from + by + i]!;
    }
    from += by + count;
    to += count;
  };
  while (from + 4 * MOST_LAG + LOST * 2 < sound.length) {
    copy(FRAME);
    const due = Math.round(unevenTime(to / SOUND_RATE_HZ) * SOUND_RATE_HZ) - from;
    if (Math.abs(due) >= LOST) {
      fade(due, LEAST_LAG);
      continue;
    }
    if (Math.abs(due) < LEAST_LAG || from < MOST_LAG) continue;
    const { lag, likeness } = period(sound, from);
    if (Math.abs(due) >= OVERDUE || (likeness >= ALIKE && Math.abs(due) >= lag / 2))
      fade(Math.sign(due) * lag, lag);
  }
  return out.subarray(0, to);
}

/** The lag at which sound resembles itself most. */
function period(sound: Float32Array, at: number): { lag: number; likeness: number } {
  let best = { lag: LEAST_LAG, likeness: -1 };
  for (let lag = LEAST_LAG; lag <= MOST_LAG; lag += 2) {
    let [product, first, second] = [1e-9, 1e-9, 1e-9];
    for (let i = 0; i < MOST_LAG; i += 3) {
      const a = sound[at + i]!;
      const b = sound[at + i + lag]!;
      product += a * b;
      first += a * a;
      second += b * b;
    }
    const likeness = product / Math.sqrt(first * second);
    if (likeness > best.likeness) best = { lag, likeness };
  }
  return best;
}
