/** How a player's buffer fills and empties: for so many seconds so much more is played than time passes. Repeated for ever. */
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

/** What is played before the buffer is looked at again, s. */
const FRAME_S = 0.01;
/** Periods that are cut out or repeated, s. */
const [LEAST_PERIOD_S, MOST_PERIOD_S] = [0.0025, 0.015];
/** How alike two periods have to be, as long as nothing is overdue. */
const ALIKE = 0.8;
const OVERDUE_S = 0.03;
/** More than this is left out at once, s. */
const LOST_S = 0.1;

/** Place in the original of a place in what `playUnevenly` makes, give or take 0.05 s. */
export function unevenTime(resultS: number): number {
  const courses = Math.floor(resultS / COURSE_S);
  let originalS = resultS + courses * COURSE_GAIN_S;
  let rest = resultS - courses * COURSE_S;
  for (const [seconds, rate] of COURSE) {
    originalS += rate * Math.min(seconds, rest);
    rest = Math.max(0, rest - seconds);
  }
  return originalS;
}

/**
 * Plays sound as a jitter buffer does that fills and empties: where sound is alike, single periods are cut out or repeated by overlapping
 * them, up to 10 % for seconds. The pitch stays. The same sound gives the same result.
 */
export function playUnevenly(sound: Float32Array, rateHz: number): Float32Array {
  const samples = (seconds: number) => Math.round(seconds * rateHz);
  const [frame, least, most] = [samples(FRAME_S), samples(LEAST_PERIOD_S), samples(MOST_PERIOD_S)];
  const out = new Float32Array(2 * sound.length);
  const last = sound.length - samples(LOST_S + LEFT_OUT_S + FRAME_S) - 3 * most;
  let from = 0;
  let to = 0;
  /** Goes over to what is so many samples further on, or back, while `count` are played. */
  const fade = (by: number, count: number) => {
    for (let i = 0; i < count; i += 1) {
      const share = (i + 1) / (count + 1);
      out[to + i] = (1 - share) * sound[from + i]! + share * sound[from + by + i]!;
    }
    from += by + count;
    to += count;
  };
  while (from < last) {
    fade(0, frame);
    const due = samples(unevenTime(to / rateHz)) - from;
    if (due >= samples(LOST_S)) fade(due, least);
    else if (Math.abs(due) >= least && from >= most) {
      const { lag, likeness } = period(sound, from, least, most);
      const fits = likeness >= ALIKE && Math.abs(due) >= lag / 2;
      if (fits || Math.abs(due) >= samples(OVERDUE_S)) fade(Math.sign(due) * lag, lag);
    }
  }
  return out.subarray(0, to);
}

/** The lag, of those from `least` to `most` samples, at which sound resembles itself most. */
function period(sound: Float32Array, at: number, least: number, most: number) {
  let best = { lag: least, likeness: -1 };
  for (let lag = least; lag <= most; lag += 2) {
    let [product, first, second] = [1e-9, 1e-9, 1e-9];
    for (let i = 0; i < most; i += 3) {
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
