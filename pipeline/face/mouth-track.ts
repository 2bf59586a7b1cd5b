import type { SpeechUpdate } from './dubbed-speech.ts';
import { smoothstep } from './smoothstep.ts';
import { type Viseme, viseme, visemeOf } from './viseme.ts';

/** Where the lips are to be at one moment. */
export interface MouthTarget {
  /** 0…1 of the speaker's range. */
  readonly opening: number;
  /** −1 (rounded) … 1 (spread). */
  readonly width: number;
  /** Lips touch: a p, b or m, or a pause. */
  readonly isClosed: boolean;
  /** In a pause of the dub. */
  readonly isSilent: boolean;
  /** How much the face should follow the dub, 0…1: whole where it is heard or replaces what was said, none far from that. */
  readonly presence: number;
  readonly viseme: Viseme['name'];
}

interface Sound {
  readonly startUs: number;
  readonly endUs: number;
  readonly viseme: Viseme;
}

interface Span {
  startUs: number;
  endUs: number;
}

/** Lips move before they are heard, µs. */
const LEAD_US = 40_000;
/** A phoneme before a gap lasts no longer. */
const LONGEST_SOUND_US = 280_000;
const SILENCE = viseme('sil');
/** Reach of a sound beyond its own half length, and of silence beyond its edge, µs. */
const REACH_US = 35_000;
const SILENCE_REACH_US = 50_000;
/** What is further away has no say, µs. */
const HORIZON_US = 500_000;
const SAMPLE_US = 13_000;
/** Lips meet a little before and stay a little after a bilabial sound, µs. */
const CLOSE_BEFORE_US = 18_000;
const CLOSE_AFTER_US = 14_000;
/** Where pictures are further apart, a sound may go by between two of them, µs. */
const MAX_PICTURE_US = 100_000;
const SILENT_MIN_US = 200_000;
const SILENT_EDGE_US = 60_000;
/** Lips need so long from closed to wide open, µs, and are so far open at least once they part. */
const PARTING_US = 100_000;
const PARTED = 0.15;
/** Between two stretches of dubbed speech the face goes on following the dub for so long, µs. */
const BRIDGE_US = 2_000_000;
/** Before and after that it comes and goes within this, µs. */
const MARGIN_US = 250_000;

/**
 * The lips of a rendition along its voice: phonemes become visemes, which blend into each other by dominance.
 * Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993; closures are exact.
 *
 * Without phonemes an utterance opens the mouth with its loudness.
 */
export class MouthTrack {
  #sounds: Sound[] = [];
  #dubbed: Span[] = [];
  #knownUs = Number.NEGATIVE_INFINITY;

  /** Every utterance that starts before this is known, µs. */
  get knownUs(): number {
    return this.#knownUs;
  }

  add(update: SpeechUpdate): void {
    if (update.kind === 'known') this.#knownUs = Math.max(this.#knownUs, update.untilUs);
    else {
      this.#addSpan(update.startUs, update.endUs);
      if (update.kind === 'utterance') this.#addUtterance(update);
    }
  }

  /** Drops what no moment from here on depends on. */
  forget(beforeUs: number): void {
    const untilUs = beforeUs - BRIDGE_US;
    this.#sounds = this.#sounds.filter((sound) => sound.endUs > untilUs);
    this.#dubbed = this.#dubbed.filter((span) => span.endUs > untilUs);
  }

  /** @param pictureUs time from one picture to the next: every p, b and m is seen in one of them. Default: it is short */
  at(mediaTimeUs: number, pictureUs = 0): MouthTarget {
    const presence = this.#presence(mediaTimeUs);
    const t = mediaTimeUs + LEAD_US;
    const near = this.#near(t);
    const closures = near.flatMap((sound) => closureOf(sound, Math.min(pictureUs, MAX_PICTURE_US)));
    const closure = closures.find(({ startUs, endUs }) => t > startUs && t < endUs);
    const current = near.find((sound) => sound.startUs <= t && t < sound.endUs)?.viseme ?? SILENCE;
    if (closure !== undefined)
      return {
        opening: 0,
        width: closure.isSilent ? 0 : blend(near, t).width,
        isClosed: true,
        isSilent: closure.isSilent,
        presence,
        viseme: current.name,
      };
    let opening = 0;
    let width = 0;
    for (let k = -1; k <= 1; k += 1) {
      const lips = blend(near, t + k * SAMPLE_US);
      opening += lips.opening / 3;
      width += lips.width / 3;
    }
    // Blending takes contrast away; speech has it.
    opening = Math.min(1, Math.max(0.06, (opening - 0.2) * 1.45 + 0.15));
    const reachable = PARTED + (1 - PARTED) * smoothstep(0, PARTING_US, awayFrom(closures, t));
    opening = Math.min(opening, reachable);
    return { opening, width, isClosed: false, isSilent: false, presence, viseme: current.name };
  }

  #addUtterance(update: Extract<SpeechUpdate, { kind: 'utterance' }>): void {
    const sounds = update.phonemes.length > 0 ? soundsOf(update) : loudnessSounds(update);
    this.#sounds.push(...sounds);
    this.#sounds.sort((a, b) => a.startUs - b.startUs);
  }

  #addSpan(startUs: number, endUs: number): void {
    const joined: Span = { startUs, endUs };
    const apart: Span[] = [];
    for (const span of this.#dubbed) {
      if (span.endUs + BRIDGE_US < joined.startUs || joined.endUs + BRIDGE_US < span.startUs) {
        apart.push(span);
        continue;
      }
      joined.startUs = Math.min(joined.startUs, span.startUs);
      joined.endUs = Math.max(joined.endUs, span.endUs);
    }
    this.#dubbed = [...apart, joined].sort((a, b) => a.startUs - b.startUs);
  }

  #presence(us: number): number {
    let presence = 0;
    for (const span of this.#dubbed) {
      const insideUs = Math.min(us - span.startUs, span.endUs - us) + MARGIN_US;
      presence = Math.max(presence, smoothstep(0, MARGIN_US, insideUs));
    }
    return presence;
  }

  /** Sounds and silences that have a say around a moment, silences filled in. */
  #near(t: number): Sound[] {
    const from = t - HORIZON_US - SILENT_MIN_US;
    const to = t + HORIZON_US + SILENT_MIN_US;
    const out: Sound[] = [];
    let endUs = Number.NEGATIVE_INFINITY;
    const silence = (startUs: number, until: number) => {
      if (until - startUs > 20_000) out.push({ startUs, endUs: until, viseme: SILENCE });
    };
    for (const sound of this.#sounds) {
      if (sound.endUs < from) {
        endUs = Math.max(endUs, sound.endUs);
        continue;
      }
      if (sound.startUs > to) {
        silence(endUs, sound.startUs);
        return out;
      }
      silence(endUs, sound.startUs);
      out.push(sound);
      endUs = Math.max(endUs, sound.endUs);
    }
    silence(endUs, Number.POSITIVE_INFINITY);
    return out;
  }
}

function soundsOf({ phonemes, endUs }: Extract<SpeechUpdate, { kind: 'utterance' }>): Sound[] {
  const out: Sound[] = [];
  for (const [i, { phoneme, startUs }] of phonemes.entries()) {
    const nextUs = Math.min(phonemes[i + 1]?.startUs ?? endUs, endUs);
    const shape = visemeOf(phoneme);
    if (shape === SILENCE || nextUs <= startUs) continue;
    out.push({ startUs, endUs: Math.min(nextUs, startUs + LONGEST_SOUND_US), viseme: shape });
  }
  return out;
}

const LOUDNESS_STEP_US = 40_000;
const PCM_RATE_HZ = 48_000;

/** A mouth that opens with the voice: all that can be said of a voice whose phonemes are not known. */
function loudnessSounds({ pcm, startUs }: Extract<SpeechUpdate, { kind: 'utterance' }>): Sound[] {
  const step = (PCM_RATE_HZ * LOUDNESS_STEP_US) / 1_000_000;
  const levels: number[] = [];
  for (let from = 0; from < pcm.length; from += step) {
    let energy = 0;
    for (let i = from; i < Math.min(pcm.length, from + step); i += 1) energy += pcm[i]! * pcm[i]!;
    levels.push(Math.sqrt(energy / step));
  }
  const loud = [...levels].sort((a, b) => a - b)[Math.floor(levels.length * 0.9)] ?? 0;
  if (loud <= 0) return [];
  return levels.flatMap((level, i) => {
    const share = Math.min(1, level / loud);
    if (share < 0.08) return [];
    const shape: Viseme = { name: 'aa', opening: 0.2 + 0.7 * share, width: 0, dominance: 1 };
    const from = startUs + i * LOUDNESS_STEP_US;
    return [{ startUs: from, endUs: from + LOUDNESS_STEP_US, viseme: shape }];
  });
}

interface Closure extends Span {
  readonly isSilent: boolean;
}

/** When lips are closed for a sound, if they are; for a p, b or m at least for so long. */
function closureOf({ startUs, endUs, viseme: shape }: Sound, leastUs: number): Closure[] {
  if (shape.name === 'PP') {
    const fromUs = startUs - CLOSE_BEFORE_US;
    // However short the sound, lips do not part before it is heard.
    const untilUs = Math.max(endUs + CLOSE_AFTER_US, startUs + LEAD_US);
    const moreUs = Math.max(0, leastUs - (untilUs - fromUs)) / 2;
    return [{ startUs: fromUs - moreUs, endUs: untilUs + moreUs, isSilent: false }];
  }
  if (shape !== SILENCE || endUs - startUs <= SILENT_MIN_US) return [];
  return [{ startUs: startUs + SILENT_EDGE_US, endUs: endUs - SILENT_EDGE_US, isSilent: true }];
}

/** µs to the nearest moment at which lips are closed. */
function awayFrom(closures: readonly Closure[], t: number): number {
  return Math.min(...closures.map(({ startUs, endUs }) => Math.max(startUs - t, t - endUs, 0)));
}

function blend(near: readonly Sound[], t: number): { opening: number; width: number } {
  let weight = 1e-6;
  let opening = 0;
  let width = 0;
  for (const { startUs, endUs, viseme: shape } of near) {
    if (endUs < t - HORIZON_US || startUs > t + HORIZON_US) continue;
    const outside = Math.max(0, startUs - t, t - endUs);
    const reach =
      shape === SILENCE
        ? outside / SILENCE_REACH_US
        : Math.abs(t - (startUs + endUs) / 2) / (Math.max(15_000, (endUs - startUs) / 2) + REACH_US);
    const dominance = shape.dominance * Math.exp(-1.1 * reach ** 1.15);
    weight += dominance;
    opening += dominance * shape.opening;
    width += dominance * shape.width;
  }
  return { opening: opening / weight, width: width / weight };
}
