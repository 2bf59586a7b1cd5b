import { openSampleVoice } from '../../cli/sample/sample-voice.ts';
import { resample } from '../../pipeline/audio/resample.ts';
import { decodePcm, levelled, toS16 } from './pcm.ts';
import { spokenFiles, testdataPath } from './testdata.ts';

export const CLIP_RATE_HZ = 48_000;

/** What clips are made of: short stretches of speech. */
export interface ClipParts {
  readonly parts: readonly { readonly name: string; readonly pcm: Buffer; readonly seconds: number }[];
  /** For people: where it comes from. */
  readonly origin: string;
}

/** Two people on the telephone: no transcript that could be scored, but real speech. */
const CONVERSATION = ['speech', 'en', 'pyannote_sample.wav'] as const;

/**
 * All English speech of the shared test data as 48 kHz 16-bit mono at one level, in memory (17 MB); without it, sentences spoken by an
 * installed voice.
 *
 * @throws LivedubError LIVEDUB_E_MODEL_MISSING when there is neither
 */
export async function englishParts(signal: AbortSignal): Promise<ClipParts> {
  const files = await spokenFiles(['en']);
  if (files.length === 0) return synthesisedParts(signal);
  const conversation = testdataPath(...CONVERSATION);
  const sources = [...files.map(({ name, path }) => ({ name, path }))];
  if (conversation !== undefined) sources.push({ name: CONVERSATION.at(-1)!, path: conversation });
  const parts = [];
  for (const { name, path } of sources) {
    const pcm = toS16(levelled(await decodePcm(path, CLIP_RATE_HZ, signal)));
    parts.push({ name, pcm, seconds: pcm.length / 2 / CLIP_RATE_HZ });
  }
  return { parts, origin: `${parts.length} recordings of people who speak English, each at −23 dBFS` };
}

/** English with plain words and a few numbers, as a newscast has them. */
const SENTENCES = [
  'Good evening, and welcome to the programme.',
  'The river rose two metres in a single night, and the old bridge is closed until further notice.',
  'Most of the farmers we spoke to had moved their animals before the water came.',
  'In the capital, the new library opened its doors on Tuesday morning.',
  'It holds four hundred thousand books, and every one of them can be borrowed.',
  'The mayor said that the building had cost less than expected.',
  'Not everybody agrees. Some would rather have seen the money go to schools.',
  'Scientists have found a way to count whales from space.',
  'They look for the shape of the animal on pictures that satellites take every day.',
  'The method works best when the sea is calm and the light is good.',
  'A train that runs on hydrogen made its first journey through the mountains.',
  'It carried ninety passengers and arrived three minutes early.',
  'Now the weather. Clouds from the west will bring rain to the coast tonight.',
  'Tomorrow will be dry and a little warmer, with sunshine in the afternoon.',
];

async function synthesisedParts(signal: AbortSignal): Promise<ClipParts> {
  const voice = await openSampleVoice(signal);
  try {
    const parts = [];
    for (const [i, text] of SENTENCES.entries()) {
      const { pcm, sampleRateHz } = await voice.speak(text);
      const sound = toS16(resample(pcm, sampleRateHz, CLIP_RATE_HZ));
      parts.push({ name: `sentence ${i + 1}`, pcm: sound, seconds: sound.length / 2 / CLIP_RATE_HZ });
    }
    return {
      parts,
      origin: `SYNTHESISED: ${parts.length} sentences spoken by an installed voice, as no recordings are here`,
    };
  } finally {
    await voice.close();
  }
}
