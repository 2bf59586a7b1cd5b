import type { TrackedFace, TrackedPicture } from '../ports/face-tracker.ts';
import { logSum, MouthEvidence, SOUND_LAGS_US } from './mouth-evidence.ts';
import { liveliness, MouthRest } from './mouth-rest.ts';
import { SpeechLevel } from './speech-level.ts';
import { StillFace } from './still-face.ts';

/** Of several, the one that is so likely speaks; it is let go when it is less likely than that. */
const SURE = 0.9;
const UNSURE = 0.5;
/** Nobody in sight may be heard: as likely beforehand as a face times this. */
const NOBODY = 0.3;
/** Somebody else may speak from any moment on; how unlikely that is, as a logarithm. */
const TURN = 3;
/** Such moments are so far apart, and so many are kept in mind: of speech, µs. */
const START_US = 500_000;
const STARTS = 10;
/** Where nothing is heard, the largest; another must be larger by so much. */
const LARGER = 1.4;
/** A mouth is watched for so long to say how much it moves, µs. */
const WATCH_US = 240_000;
/** A pause says less than speech does, and makes less of what was known forgotten. */
const PAUSE_SHARE = 0.25;
/** A mouth and a sound are compared at picture times, over so much sound, µs. */
const MOMENT_US = 40_000;
const LONGEST_SPAN_US = 120_000;
/** Sound that comes so late is not waited for, and faces away for so long are forgotten, µs. */
const MAX_WAIT_US = 3_000_000;
/** Pictures that wait for their sound, where times stand still. */
const MAX_PENDING = 240;

/** What is known of one face. */
interface Known {
  readonly evidence: MouthEvidence;
  readonly still: StillFace;
  /** A face alone, and one beside others, for which another may be taken at once. */
  readonly rest: MouthRest;
  readonly restBeside: MouthRest;
  openings: { readonly atUs: number; readonly opening: number }[];
  seenUs: number;
}

interface Mouth {
  readonly opening: number;
  readonly liveliness: number | undefined;
}

interface Pending {
  readonly atUs: number;
  readonly spanUs: number;
  readonly mouths: ReadonlyMap<number, Mouth>;
}

/**
 * Tells which of several faces speaks: the one whose mouth follows the original's sound, as soon as that is clear; while it is not,
 * nobody. A face alone speaks unless its mouth rests while somebody is heard, or nothing of it has ever moved. Where there is no
 * sound, the largest.
 */
export class SpeakingFace {
  readonly #level = new SpeechLevel();
  readonly #faces = new Map<number, Known>();
  /** How likely the likeliest course of speakers until each start is, oldest first, as a logarithm. */
  #before: number[] = [0];
  #sinceStartUs = 0;
  /** The same until now with each face speaking now, and with nobody. */
  #scores = new Map<number, number>();
  #nobody = Math.log(NOBODY);
  #pending: Pending[] = [];
  #speaker: number | undefined;
  #likeliest: number | undefined;
  #lastUs: number | undefined;

  /** Sound of the original, 16 kHz mono, in order; a little before or after the pictures it belongs to. */
  sound(pcm: Float32Array, mediaTimeUs: number): void {
    this.#level.push(pcm, mediaTimeUs);
  }

  /**
   * Pictures in order.
   * @returns `speaker`
   */
  at({ mediaTimeUs, faces }: TrackedPicture): number | undefined {
    this.#watch(mediaTimeUs, faces);
    this.#weigh(mediaTimeUs);
    this.#choose(faces);
    return this.speaker;
  }

  /** Of the last picture, the face that speaks; undefined when none does, or when it is not clear which. */
  get speaker(): number | undefined {
    return this.#speaker;
  }

  /** The face that may yet turn out to speak, or to have spoken, if any does. */
  get likeliest(): number | undefined {
    return this.#likeliest;
  }

  #watch(atUs: number, faces: readonly TrackedFace[]): void {
    const mouths = new Map<number, Mouth>();
    for (const { id, landmarks } of faces) {
      const face = this.#faces.get(id) ?? unknown(this.#before.length);
      this.#faces.set(id, face);
      face.seenUs = atUs;
      face.still.add(landmarks, eyeDistance(landmarks), atUs);
      face.openings.push({ atUs, opening: mouthOpening(landmarks) });
      face.openings = face.openings.filter((one) => atUs - one.atUs <= WATCH_US);
      mouths.set(id, { opening: speakingOpening(landmarks), liveliness: liveliness(face.openings) });
    }
    for (const [id, face] of this.#faces) if (atUs - face.seenUs > MAX_WAIT_US) this.#faces.delete(id);
    const spanUs = Math.max(0, Math.min(LONGEST_SPAN_US, atUs - (this.#lastUs ?? atUs)));
    this.#lastUs = atUs;
    this.#pending.push({ atUs, spanUs, mouths });
  }

  /** Lays what was seen beside what was heard meanwhile, as far as both are known. */
  #weigh(nowUs: number): void {
    while (this.#pending.length > 0) {
      const { atUs, spanUs, mouths } = this.#pending[0]!;
      const neededUs = atUs + SOUND_LAGS_US.at(-1)! + MOMENT_US / 2;
      const mayWait = nowUs - atUs < MAX_WAIT_US && this.#pending.length <= MAX_PENDING;
      if (neededUs > this.#level.untilUs && mayWait) return;
      this.#pending.shift();
      const heard = this.#level.between(atUs - WATCH_US, atUs);
      if (heard === undefined) continue;
      const loudness = SOUND_LAGS_US.map((lagUs) => {
        const aroundUs = atUs + lagUs;
        return this.#level.lips(aroundUs - MOMENT_US / 2, aroundUs + MOMENT_US / 2);
      });
      const weighedUs = spanUs * (PAUSE_SHARE + (1 - PAUSE_SHARE) * heard);
      for (const [id, { evidence, rest, restBeside }] of this.#faces) {
        const mouth = mouths.get(id);
        if (mouth !== undefined) evidence.add(mouth.opening, loudness, weighedUs);
        for (const one of [rest, restBeside]) one.add(mouth?.liveliness, heard, spanUs);
      }
      this.#score(weighedUs);
    }
  }

  #score(weighedUs: number): void {
    const best = (since: (start: number) => number): number =>
      Math.max(...this.#before.map((before, i) => before + since(i) - (i === 0 ? 0 : TURN)));
    this.#scores = new Map(
      [...this.#faces].map(([id, { evidence }]) => {
        const odds = evidence.logOdds();
        return [id, best((start) => odds[start]!)];
      }),
    );
    this.#nobody = best(() => Math.log(NOBODY));
    this.#sinceStartUs += weighedUs;
    if (this.#sinceStartUs < START_US) return;
    this.#sinceStartUs -= START_US;
    this.#before.push(Math.max(this.#nobody, ...this.#scores.values()));
    const isFull = this.#before.length > STARTS;
    if (isFull) this.#before.shift();
    const first = this.#before[0]!;
    this.#before = this.#before.map((before) => before - first);
    for (const { evidence } of this.#faces.values()) {
      evidence.start();
      if (isFull) evidence.dropStart();
    }
  }

  #choose(faces: readonly TrackedFace[]): void {
    const before = faces.find(({ id }) => id === this.#likeliest);
    if (faces.length < 2 || !Number.isFinite(this.#level.untilUs)) {
      this.#likeliest = largest(faces, before)?.id;
      const known = this.#likeliest === undefined ? undefined : this.#faces.get(this.#likeliest)!;
      this.#speaker = known?.rest.isRest || known?.still.isStill ? undefined : this.#likeliest;
      return;
    }
    const isRest = ({ id }: TrackedFace): boolean => this.#faces.get(id)!.restBeside.isRest;
    const awake = faces.filter((face) => !isRest(face));
    if (awake.length === 1 && this.#faces.get(awake[0]!.id)!.restBeside.isKnown) {
      this.#likeliest = this.#speaker = awake[0]!.id;
      return;
    }
    const scores = faces.map(({ id }) => this.#scores.get(id) ?? this.#nobody);
    const all = logSum([...scores, this.#nobody]);
    const shareOf = (i: number): number => Math.exp(scores[i]! - all);
    const best = scores.indexOf(Math.max(...scores));
    const current = faces.findIndex(({ id }) => id === this.#speaker);
    const speaker =
      shareOf(best) > SURE ? best : current >= 0 && shareOf(current) > UNSURE ? current : undefined;
    this.#likeliest = faces[speaker ?? best]!.id;
    this.#speaker = speaker === undefined || isRest(faces[speaker]!) ? undefined : this.#likeliest;
  }
}

function unknown(starts: number): Known {
  return {
    ...{ evidence: new MouthEvidence(starts), still: new StillFace(), openings: [], seenUs: 0 },
    rest: new MouthRest({ memoryUs: 1_500_000, leastSpeechS: 0.8, still: 0.1, notStill: 0.14 }),
    restBeside: new MouthRest({ memoryUs: 500_000, leastSpeechS: 0.25, still: 0.15, notStill: 0.15 }),
  };
}

function largest(faces: readonly TrackedFace[], before: TrackedFace | undefined): TrackedFace | undefined {
  const size = ({ landmarks }: TrackedFace) => eyeDistance(landmarks);
  const found = [...faces].sort((a, b) => size(b) - size(a))[0];
  return found && before && size(found) < size(before) * LARGER ? before : found;
}

/** Between the inner lips, in distances between the outer corners of the eyes: measured in space, so that a head may turn. */
function mouthOpening(landmarks: Float32Array): number {
  const gap = 2 * apart(landmarks, 13, 14) + apart(landmarks, 82, 87) + apart(landmarks, 312, 317);
  return gap / 4 / eyeDistance(landmarks);
}

/** All that opens with the voice, in the same measure: lips inside and outside, and jaw; a mouth that widens opens less for it. */
function speakingOpening(landmarks: Float32Array): number {
  const more = apart(landmarks, 0, 17) + apart(landmarks, 1, 152) - apart(landmarks, 61, 291) / 2;
  return mouthOpening(landmarks) + more / eyeDistance(landmarks);
}

function eyeDistance(landmarks: Float32Array): number {
  return Math.max(1e-6, apart(landmarks, 33, 263));
}

function apart(l: Float32Array, a: number, b: number): number {
  return Math.hypot(l[a * 3]! - l[b * 3]!, l[a * 3 + 1]! - l[b * 3 + 1]!, l[a * 3 + 2]! - l[b * 3 + 2]!);
}
