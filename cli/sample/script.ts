import { createHash } from 'node:crypto';
import { drawSpeaker } from './picture.ts';

export const SAMPLE_TITLE = 'A short sample by livedub';

/** Shown in the picture and written into the file: nobody is to take the sample for a person. */
export const SAMPLE_LABEL = 'Synthetic sample: computer voice';

/** What the voice says, a sentence at a time: plain and short, as the entry tier translates those best. */
export const SAMPLE_SENTENCES: readonly string[] = [
  'Hello, and welcome to this short film.',
  'My voice is the voice of a computer, and my face is a drawing.',
  'You can hear this video in other languages.',
  'First, a program writes the words.',
  'Then, it translates every sentence.',
  'Another voice reads the translation.',
  'The images do not change.',
  'Thank you very much, and goodbye.',
];

/** Silence between sentences, ms: room for a longer translation. */
export const SAMPLE_PAUSE_MS = 500;

/** Raised when the clip is put together differently, so that an old sample is not shown as a new one. */
const VERSION = 1;

/** Changes with everything that the sample is made of. */
export function sampleKey(): string {
  return createHash('sha256')
    .update(JSON.stringify([VERSION, SAMPLE_TITLE, SAMPLE_SENTENCES, SAMPLE_PAUSE_MS]))
    .update(drawSpeaker({ mouth: 2, blink: false }, SAMPLE_LABEL))
    .digest('hex')
    .slice(0, 16);
}
