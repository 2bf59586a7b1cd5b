import { createHash } from 'node:crypto';
import { resample } from '../../pipeline/audio/resample.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { mulberry32 } from '../clips/clip-plan.ts';
import { floresPair } from '../clips/flores.ts';
import { decodePcm, levelled } from '../clips/pcm.ts';
import { spokenFiles } from '../clips/testdata.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { SOUND_RATE_HZ } from './attacks.ts';

/** `people`: recordings; `dub`: what our own voices say. */
export type MaterialSet = 'people' | 'dub';

export interface MaterialPart {
  readonly name: string;
  readonly set: MaterialSet;
  readonly startS: number;
  readonly endS: number;
}

/** One long stretch of speech with pauses, each part at −23 dBFS. */
export interface Material {
  /** 48 kHz mono. */
  readonly sound: Float32Array;
  readonly seconds: number;
  readonly parts: readonly MaterialPart[];
  /** For people: what it is made of. */
  readonly origin: string;
  readonly sha256: string;
}

const RECORDED: readonly LanguageCode[] = ['en', 'es', 'fr', 'de', 'pt'];
const DUBBED: readonly LanguageCode[] = ['es', 'fr', 'it', 'pt'];
const PAUSE_S = { least: 0.4, most: 0.8 } as const;

/**
 * Speech on which the mark was not tuned: every second of the FLEURS recordings (those with odd numbers), the other recordings, and
 * FLORES test sentences as our voices say them.
 *
 * @param options.seconds How much of each set, at most.
 * @throws LivedubError LIVEDUB_E_INPUT_NOT_FOUND when there is neither
 */
export async function loadMaterial(options: {
  seconds: number;
  seed?: number;
  signal: AbortSignal;
  progress?: (text: string) => void;
}): Promise<Material> {
  const { seconds, seed = 1, signal, progress = () => undefined } = options;
  progress('reading recordings');
  const people = await recordings(seconds, signal);
  progress('having our voices speak');
  const dubs = await spokenSentences({ seconds, signal });
  if (people.length + dubs.length === 0)
    throw new LivedubError('LIVEDUB_E_INPUT_NOT_FOUND', 'There is no speech to mark.', {
      remedy: 'Put the shared test data beside the repository, as ../shared/testdata, or install voices.',
    });
  const count = (name: string, sounds: readonly NamedSound[]) =>
    `${sounds.length} ${name}, ${Math.round(sounds.reduce((sum, { pcm }) => sum + pcm.length, 0) / SOUND_RATE_HZ)} s`;
  return join(
    [...people, ...dubs],
    `${count('recordings of people', people)}; ${count('sentences by our own voices', dubs)}`,
    seed,
  );
}

interface NamedSound {
  readonly name: string;
  readonly set: MaterialSet;
  readonly pcm: Float32Array;
}

/** Recordings that were not used for tuning, as far as `seconds` go, languages in turn. */
async function recordings(seconds: number, signal: AbortSignal): Promise<NamedSound[]> {
  const files = (await spokenFiles(RECORDED)).filter(({ name }) => isUnseen(name));
  const order = inTurn(RECORDED.map((language) => files.filter((file) => file.language === language)));
  const out: NamedSound[] = [];
  let samples = 0;
  for (const { name, path } of order) {
    if (samples >= seconds * SOUND_RATE_HZ) break;
    const pcm = levelled(await decodePcm(path, SOUND_RATE_HZ, signal));
    samples += pcm.length;
    out.push({ name, set: 'people', pcm });
  }
  return out;
}

/** What tuning may look at are the FLEURS recordings with even numbers. */
export function isUnseen(name: string): boolean {
  const number = /^fleurs-\w+-(\d+)/.exec(name)?.[1];
  return number === undefined || Number(number) % 2 === 1;
}

/**
 * FLORES test sentences as every installed voice of a few languages says them: what a dub is made of.
 * @param options.from Sentences to leave out at the beginning. Default 0.
 */
export async function spokenSentences(options: {
  seconds: number;
  from?: number;
  signal: AbortSignal;
}): Promise<NamedSound[]> {
  const { seconds, from = 0, signal } = options;
  const shelf = await EngineShelf.open(signal).catch((error: unknown) => {
    if (error instanceof LivedubError && error.code === 'LIVEDUB_E_MODEL_MISSING') return undefined;
    throw error;
  });
  if (shelf === undefined) return [];
  const out: NamedSound[] = [];
  try {
    const speakers = [];
    for (const language of DUBBED) {
      const lines = (await floresPair('en', language))?.reference;
      const speaker = await shelf.engines.speaker(language).catch(() => undefined);
      if (lines !== undefined && speaker !== undefined) speakers.push({ language, lines, ...speaker });
    }
    let samples = 0;
    for (let line = from; speakers.length > 0 && samples < seconds * SOUND_RATE_HZ; line += 1) {
      const { language, lines, synthesiser, voice } = speakers[line % speakers.length]!;
      const text = lines[line];
      if (text === undefined) break;
      const { pcm, sampleRateHz } = await synthesiser.synthesise({
        text,
        voice,
        rate: 1,
        signal,
        priority: 'upload',
      });
      const sound = levelled(resample(pcm, sampleRateHz, SOUND_RATE_HZ));
      samples += sound.length;
      out.push({ name: `${language} ${line} by ${voice.id}`, set: 'dub', pcm: sound });
    }
  } finally {
    await shelf.close();
  }
  return out;
}

/** Puts sounds one after another with pauses. */
export function join(sounds: readonly NamedSound[], origin: string, seed: number): Material {
  const random = mulberry32(seed);
  const pauses = sounds.map(() =>
    Math.round(SOUND_RATE_HZ * (PAUSE_S.least + random() * (PAUSE_S.most - PAUSE_S.least))),
  );
  const length = sounds.reduce((sum, { pcm }, i) => sum + pcm.length + pauses[i]!, 0);
  const sound = new Float32Array(length);
  const parts: MaterialPart[] = [];
  let at = 0;
  for (const [i, { name, set, pcm }] of sounds.entries()) {
    sound.set(pcm, at);
    parts.push({ name, set, startS: at / SOUND_RATE_HZ, endS: (at + pcm.length) / SOUND_RATE_HZ });
    at += pcm.length + pauses[i]!;
  }
  const sha256 = createHash('sha256').update(new Uint8Array(sound.buffer)).digest('hex');
  return { sound, seconds: length / SOUND_RATE_HZ, parts, origin, sha256 };
}

/** The first of each list, then the second of each … */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}
