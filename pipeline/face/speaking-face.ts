import type { TrackedFace, TrackedPicture } from '../ports/face-tracker.ts';
import { SpeechLevel } from './speech-level.ts';

/** A mouth is watched for so long to say how much it moves, µs. */
const WATCH_US = 240_000;
/** What was seen counts for 1/e after this, µs. */
const MEMORY_US = 1_500_000;
/** Who moves must have been more convincing for so long, µs. */
const HOLD_US = 300_000;
/** … by so much; and, where nothing is known of either, larger by so much. */
const MARGIN = 0.06;
const LARGER = 1.4;
/** Speech and pauses count fully from about so much on, s. */
const PRIOR_S = 0.3;
/** Standard deviation of a mouth's opening, in distances between the eyes, at which it is half as lively as it can be. */
const LIVELY = 0.03;
/** A mouth that moved less than this during so much speech does not speak; hysteresis between the two. */
const STILL = 0.1;
const NOT_STILL = 0.14;
const STILL_SPEECH_S = 0.8;
/** Sound that comes so late is not waited for, and faces away for so long are forgotten, µs. */
const MAX_WAIT_US = 3_000_000;

/** What is known of one face: how lively its mouth was in speech and in pauses, with how much of each was seen. */
interface Evidence {
  openings: { readonly atUs: number; readonly opening: number }[];
  seenUs: number;
  isStill: boolean;
  speech: number;
  speechS: number;
  pause: number;
  pauseS: number;
}

interface Pending {
  readonly atUs: number;
  readonly spanUs: number;
  readonly liveliness: ReadonlyMap<number, number>;
}

/**
 * Tells which of several faces speaks: the one whose mouth moves when the original's speech is heard and rests when it is not. Where
 * there is no sound, the largest; somebody who is heard while every mouth in sight rests is not in the picture.
 */
export class SpeakingFace {
  readonly #level = new SpeechLevel();
  readonly #faces = new Map<number, Evidence>();
  #pending: Pending[] = [];
  #current: number | undefined;
  #challenger: { readonly id: number; readonly sinceUs: number } | undefined;
  #lastUs: number | undefined;

  /** Sound of the original, 16 kHz mono, in order; a little before or after the pictures it belongs to. */
  sound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#level.push(pcm, mediaTimeUs);
  }

  /**
   * Pictures in order.
   * @returns the face that speaks; undefined when none does
   */
  at({ mediaTimeUs, faces }: TrackedPicture): number | undefined {
    this.#watch(mediaTimeUs, faces);
    this.#weigh(mediaTimeUs);
    if (faces.length === 0) return undefined;
    this.#choose(mediaTimeUs, faces);
    const chosen = this.#faces.get(this.#current!)!;
    const liveliness = chosen.speech / Math.max(1e-9, chosen.speechS);
    if (chosen.speechS > STILL_SPEECH_S) chosen.isStill = liveliness < (chosen.isStill ? NOT_STILL : STILL);
    return chosen.isStill ? undefined : this.#current;
  }

  #watch(atUs: number, faces: readonly TrackedFace[]): void {
    const liveliness = new Map<number, number>();
    for (const { id, landmarks } of faces) {
      const face = this.#faces.get(id) ?? unknown();
      this.#faces.set(id, face);
      face.seenUs = atUs;
      face.openings.push({ atUs, opening: mouthOpening(landmarks) });
      face.openings = face.openings.filter((one) => atUs - one.atUs <= WATCH_US);
      if (atUs - face.openings[0]!.atUs < WATCH_US / 2) continue;
      const mean = face.openings.reduce((sum, { opening }) => sum + opening, 0) / face.openings.length;
      const squares = face.openings.reduce((sum, { opening }) => sum + (opening - mean) ** 2, 0);
      const deviation = Math.sqrt(squares / face.openings.length);
      liveliness.set(id, deviation / (deviation + LIVELY));
    }
    for (const [id, face] of this.#faces) if (atUs - face.seenUs > MAX_WAIT_US) this.#faces.delete(id);
    const spanUs = Math.max(0, Math.min(WATCH_US, atUs - (this.#lastUs ?? atUs)));
    this.#lastUs = atUs;
    this.#pending.push({ atUs, spanUs, liveliness });
  }

  /** Lays what was seen beside what was heard meanwhile, as far as both are known. */
  #weigh(nowUs: number): void {
    while (this.#pending.length > 0) {
      const { atUs, spanUs, liveliness } = this.#pending[0]!;
      if (atUs > this.#level.untilUs && nowUs - atUs < MAX_WAIT_US) return;
      this.#pending.shift();
      const heard = this.#level.between(atUs - WATCH_US, atUs);
      if (heard === undefined) continue;
      const keep = Math.exp(-spanUs / MEMORY_US);
      const spanS = spanUs / 1e6;
      for (const [id, face] of this.#faces) {
        face.speech *= keep;
        face.speechS *= keep;
        face.pause *= keep;
        face.pauseS *= keep;
        const lively = liveliness.get(id);
        if (lively === undefined) continue;
        face.speech += lively * heard * spanS;
        face.speechS += heard * spanS;
        face.pause += lively * (1 - heard) * spanS;
        face.pauseS += (1 - heard) * spanS;
      }
    }
  }

  #choose(nowUs: number, faces: readonly TrackedFace[]): void {
    const best = faces.reduce((a, b) => (this.#isBetter(b, a, 0, 1) ? b : a));
    const current = faces.find(({ id }) => id === this.#current);
    if (current === undefined) this.#current = best.id;
    if (current === undefined || best === current || !this.#isBetter(best, current, MARGIN, LARGER)) {
      this.#challenger = undefined;
      return;
    }
    if (this.#challenger?.id !== best.id) this.#challenger = { id: best.id, sinceUs: nowUs };
    if (nowUs - this.#challenger.sinceUs < HOLD_US) return;
    this.#current = best.id;
    this.#challenger = undefined;
  }

  #isBetter(face: TrackedFace, than: TrackedFace, margin: number, larger: number): boolean {
    const [a, b] = [this.#faces.get(face.id)!, this.#faces.get(than.id)!];
    const known = Math.min(a.speechS, b.speechS) > PRIOR_S;
    if (known) return score(a) > score(b) + margin;
    return eyeDistance(face.landmarks) > eyeDistance(than.landmarks) * larger;
  }
}

function unknown(): Evidence {
  return {
    ...{ openings: [], seenUs: 0, isStill: false },
    ...{ speech: 0, speechS: 0, pause: 0, pauseS: 0 },
  };
}

function score({ speech, speechS, pause, pauseS }: Evidence): number {
  return speech / (speechS + PRIOR_S) - pause / (pauseS + PRIOR_S);
}

/** Between the inner lips, in distances between the outer corners of the eyes: measured in space, so that a head may turn. */
function mouthOpening(landmarks: Float32Array): number {
  const gap = 2 * apart(landmarks, 13, 14) + apart(landmarks, 82, 87) + apart(landmarks, 312, 317);
  return gap / 4 / eyeDistance(landmarks);
}

function eyeDistance(landmarks: Float32Array): number {
  return Math.max(1e-6, apart(landmarks, 33, 263));
}

function apart(l: Float32Array, a: number, b: number): number {
  return Math.hypot(l[a * 3]! - l[b * 3]!, l[a * 3 + 1]! - l[b * 3 + 1]!, l[a * 3 + 2]! - l[b * 3 + 2]!);
}
