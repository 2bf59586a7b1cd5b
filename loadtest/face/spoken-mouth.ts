import type { ClipDub, Span } from './dub-speech.ts';
import { STEP_US } from './face-clips.ts';

/** Longer without a sound is silence, in which a mouth closes; its edges belong to the sounds beside it. */
const SILENCE_US = 200_000;
const SILENCE_EDGE_US = 80_000;
/** A sound is held no longer than this, even where the next one comes late. */
const LONGEST_SOUND_US = 260_000;
/** Mouths move smoothly: standard deviation of the window over what the sounds ask for. */
const SMOOTHING_US = 35_000;

/** What is dubbed counts as one where it breaks off for less, and so much before and after it: there the mouth is to be closed. */
const BRIDGE_US = 2_000_000;
const MARGIN_US = 100_000;

const BILABIALS = new Set(['p', 'b', 'm']);
const VOWELS: Readonly<Record<string, number>> = {
  a: 1,
  ɑ: 1,
  æ: 1,
  ɐ: 0.9,
  ʌ: 0.8,
  ɛ: 0.7,
  œ: 0.6,
  ɔ: 0.7,
  e: 0.6,
  ø: 0.45,
  o: 0.55,
  ə: 0.4,
  ɜ: 0.5,
  i: 0.35,
  ɪ: 0.35,
  y: 0.25,
  u: 0.25,
  ʊ: 0.3,
  w: 0.2,
  ɥ: 0.2,
  j: 0.3,
};
const CONSONANT = 0.25;
const LABIODENTAL = 0.1;

/** What a dub's sounds ask of a mouth at each picture, worked out without the engine's own track. */
export interface SpokenMouth {
  /** Where the dub is heard or the speech it stands for would be: elsewhere a face stays as filmed. */
  readonly counts: readonly boolean[];
  /** 0…1, from how far each sound opens a mouth. */
  readonly opening: readonly number[];
  readonly silent: readonly boolean[];
  /** Each p, b, m of the dub. */
  readonly bilabials: readonly Span[];
}

interface Sound extends Span {
  readonly phoneme: string;
}

export function spokenMouth(dub: ClipDub, pictures: number): SpokenMouth {
  const sounds = soundsOf(dub);
  const times = Array.from({ length: pictures }, (_, i) => i * STEP_US);
  const heard = stretches([...dub.spans, ...dub.utterances]);
  const asked = (timeUs: number) => {
    const sound = sounds.find(({ startUs, endUs }) => timeUs >= startUs && timeUs < endUs);
    return sound === undefined ? 0 : openingOf(sound.phoneme);
  };
  return {
    counts: times.map((timeUs) => heard.some(({ startUs, endUs }) => timeUs >= startUs && timeUs <= endUs)),
    opening: times.map((timeUs) => smoothed(asked, timeUs)),
    silent: times.map(
      (timeUs) =>
        !sounds.some(
          ({ startUs, endUs }) => timeUs > startUs - SILENCE_EDGE_US && timeUs < endUs + SILENCE_EDGE_US,
        ),
    ),
    bilabials: sounds.filter(({ phoneme }) => BILABIALS.has(phoneme[0] ?? '')),
  };
}

function stretches(spans: readonly Span[]): Span[] {
  const out: { startUs: number; endUs: number }[] = [];
  for (const { startUs, endUs } of [...spans].sort((a, b) => a.startUs - b.startUs)) {
    const last = out.at(-1);
    if (last !== undefined && startUs - last.endUs < BRIDGE_US)
      last.endUs = Math.max(last.endUs, endUs + MARGIN_US);
    else out.push({ startUs: startUs - MARGIN_US, endUs: endUs + MARGIN_US });
  }
  return out;
}

/** Sounds with their ends; short gaps between them are theirs. */
function soundsOf({ utterances }: ClipDub): Sound[] {
  return utterances.flatMap(({ phonemes, endUs }) =>
    phonemes.flatMap(({ phoneme, startUs }, i) => {
      const nextUs = phonemes[i + 1]?.startUs ?? endUs;
      if (letters(phoneme) === '' && nextUs - startUs > SILENCE_US) return [];
      return [{ phoneme: letters(phoneme), startUs, endUs: Math.min(nextUs, startUs + LONGEST_SOUND_US) }];
    }),
  );
}

/** Without stress and length. */
function letters(phoneme: string): string {
  return phoneme.normalize('NFD').replaceAll(/[ˈˌːˑ_\s\p{M}]/gu, '');
}

function openingOf(phoneme: string): number {
  const first = phoneme[0];
  if (first === undefined) return 0;
  if (BILABIALS.has(first)) return 0;
  if (first === 'f' || first === 'v' || first === 'β') return LABIODENTAL;
  return VOWELS[first] ?? CONSONANT;
}

function smoothed(asked: (timeUs: number) => number, timeUs: number): number {
  let sum = 0;
  let weights = 0;
  for (let off = -3 * SMOOTHING_US; off <= 3 * SMOOTHING_US; off += 5000) {
    const weight = Math.exp(-0.5 * (off / SMOOTHING_US) ** 2);
    sum += weight * asked(timeUs + off);
    weights += weight;
  }
  return sum / weights;
}
