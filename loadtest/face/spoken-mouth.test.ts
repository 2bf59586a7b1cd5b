import { describe, expect, it } from 'vitest';
import { type ClipDub, spansOf } from './dub-speech.ts';
import { STEP_US } from './face-clips.ts';
import { spokenMouth } from './spoken-mouth.ts';

const SECOND_US = 1_000_000;

/** “pa” from 1 s on, then nothing until “ma” at 2 s; the speech it stands for goes on until 3 s. */
const DUB: ClipDub = {
  language: 'es',
  voice: 'none',
  texts: [],
  spans: [{ startUs: SECOND_US, endUs: 3 * SECOND_US }],
  utterances: [
    {
      startUs: SECOND_US,
      endUs: 2.4 * SECOND_US,
      pcm: new Float32Array(0),
      phonemes: [
        { phoneme: 'p', startUs: SECOND_US },
        { phoneme: 'ˈa', startUs: 1.1 * SECOND_US },
        { phoneme: '', startUs: 1.3 * SECOND_US },
        { phoneme: 'm', startUs: 2 * SECOND_US },
        { phoneme: 'a', startUs: 2.1 * SECOND_US },
      ],
    },
  ],
  updates: [],
  sound: new Float32Array(0),
};

describe('the mouth that a dub asks for', () => {
  const { counts, opening, silent, bilabials } = spokenMouth(DUB, 100);
  const at = (seconds: number) => Math.round((seconds * SECOND_US) / STEP_US);

  it('is open in an a, closed on p and in pauses', () => {
    expect(opening[at(1.2)]!).toBeGreaterThan(0.8);
    expect(opening[at(1.04)]!).toBeLessThan(0.25);
    expect(opening[at(1.7)]!).toBeLessThan(0.01);
  });

  it('counts only where the dub or what it stands for is heard', () => {
    expect(counts[at(0.5)]).toBe(false);
    expect(counts[at(1)]).toBe(true);
    expect(counts[at(2.8)]).toBe(true);
    expect(counts[at(3.2)]).toBe(false);
  });

  it('is silent away from sounds, in a pause within an utterance, too', () => {
    expect([1.2, 1.34, 1.6, 1.94, 2.2, 2.7].map((s) => silent[at(s)])).toEqual([
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  it('closes for every p, b and m', () => {
    expect(bilabials.map(({ startUs }) => startUs)).toEqual([SECOND_US, 2 * SECOND_US]);
  });
});

describe('speech', () => {
  it('goes on over short pauses and is more than a click', () => {
    const heard = [0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0];
    expect(spansOf(heard, 100_000)).toEqual([{ startUs: 100_000, endUs: 900_000 }]);
  });
});
