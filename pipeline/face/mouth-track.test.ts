import { describe, expect, it } from 'vitest';
import type { PlacedPhoneme, SpeechUpdate } from './dubbed-speech.ts';
import { MouthTrack } from './mouth-track.ts';
import { visemeOf } from './viseme.ts';

const MS = 1000;

/** One utterance of phonemes of 120 ms each. */
function utterance(phonemes: string, startUs = 1_000_000): Extract<SpeechUpdate, { kind: 'utterance' }> {
  const placed: PlacedPhoneme[] = [...phonemes].map((phoneme, i) => ({
    phoneme,
    startUs: startUs + i * 120 * MS,
  }));
  const endUs = startUs + placed.length * 120 * MS;
  return { kind: 'utterance', startUs, endUs, phonemes: placed, pcm: new Float32Array(0) };
}

function trackOf(...updates: SpeechUpdate[]): MouthTrack {
  const track = new MouthTrack();
  for (const update of updates) track.add(update);
  return track;
}

/** The middle of the n-th phoneme, as the lips have it: a moment before the sound. */
const middle = (n: number) => 1_000_000 + (n * 120 + 60 - 40) * MS;

describe('a mouth track', () => {
  it('opens for vowels by how open they are, and closes for p, b and m', () => {
    // Each twice as long as a hurried one: lips need 100 ms to part.
    const track = trackOf(utterance('aappiibbuummaa'));
    const middleOf = (n: number) => (middle(2 * n) + middle(2 * n + 1)) / 2;
    const opening = (n: number) => track.at(middleOf(n)).opening;
    expect(opening(0)).toBeGreaterThan(0.8);
    expect(opening(2)).toBeLessThan(opening(0));
    for (const closed of [1, 3, 5])
      expect(track.at(middleOf(closed))).toMatchObject({ opening: 0, isClosed: true });
    expect(opening(6)).toBeGreaterThan(0.8);
  });

  it('keeps the lips closed until a p, b or m is heard, however short it is', () => {
    const startUs = 1_120 * MS;
    const phonemes = [
      { phoneme: 'a', startUs: 1_000 * MS },
      { phoneme: 'p', startUs },
      { phoneme: 'a', startUs: startUs + 20 * MS },
    ];
    const pcm = new Float32Array(0);
    const track = trackOf({ kind: 'utterance', startUs: 1_000 * MS, endUs: 1_400 * MS, phonemes, pcm });
    // Wherever pictures of 25 a second fall, one of them shows it; of ten a second, too.
    for (let us = startUs - 40 * MS; us < startUs; us += 5 * MS)
      expect(track.at(us)).toMatchObject({ opening: 0, isClosed: true, isSilent: false });
    expect(track.at(startUs + 40 * MS).isClosed).toBe(false);
    for (let us = 0; us < 100 * MS; us += 5 * MS) {
      const pictures = [-150, -50, 50].map((off) => track.at(startUs + off * MS + us, 100 * MS));
      expect(pictures.filter(({ isClosed }) => isClosed)).not.toEqual([]);
    }
  });

  it('rounds and spreads lips', () => {
    const track = trackOf(utterance('utitu'));
    expect(track.at(middle(0)).width).toBeLessThan(-0.4);
    expect(track.at(middle(2)).width).toBeGreaterThan(0.2);
  });

  it('moves steadily: in 5 ms no more than lips can', () => {
    const track = trackOf(utterance('bababimobupafatela'));
    let largest = 0;
    for (let us = 900 * MS; us < 3_200 * MS; us += 5 * MS)
      largest = Math.max(largest, Math.abs(track.at(us + 5 * MS).opening - track.at(us).opening));
    expect(largest).toBeLessThan(0.5);
  });

  it('is closed and silent in pauses, and before and after speech', () => {
    const track = trackOf(utterance('ala'), utterance('ola', 2_400_000));
    for (const us of [500 * MS, 1_700 * MS, 3_500 * MS])
      expect(track.at(us)).toMatchObject({ opening: 0, isClosed: true, isSilent: true });
  });

  it('is present where the dub is heard or stands for the original, comes and goes gently, and bridges short pauses', () => {
    const track = trackOf(
      { kind: 'dubbed-span', startUs: 0, endUs: 900 * MS },
      utterance('ala'),
      utterance('ola', 3_000_000),
      utterance('ola', 9_000_000),
    );
    for (const us of [0, 500 * MS, 1_200 * MS, 2_200 * MS]) expect(track.at(us).presence).toBe(1);
    expect(track.at(-100 * MS).presence).toBeGreaterThan(0);
    expect(track.at(-100 * MS).presence).toBeLessThan(1);
    expect(track.at(6_500 * MS).presence).toBe(0);
  });

  it('follows loudness where phonemes are not known', () => {
    const pcm = Float32Array.from({ length: 48_000 }, (_, i) => (i < 24_000 ? Math.sin(i / 20) * 0.5 : 0));
    const track = trackOf({ kind: 'utterance', startUs: 0, endUs: 1_000_000, phonemes: [], pcm });
    expect(track.at(200 * MS).opening).toBeGreaterThan(0.5);
    expect(track.at(800 * MS).opening).toBe(0);
  });

  it('knows how far everything was told, and forgets what passed', () => {
    const track = trackOf(utterance('ala'), { kind: 'known', untilUs: 5_000_000 });
    expect(track.knownUs).toBe(5_000_000);
    track.add({ kind: 'known', untilUs: 4_000_000 });
    expect(track.knownUs).toBe(5_000_000);
    track.forget(10_000_000);
    expect(track.at(middle(0))).toMatchObject({ opening: 0, presence: 0 });
  });
});

describe('visemes', () => {
  it.each([
    ['p', 'PP'],
    ['bː', 'PP'],
    ['ˈa', 'aa'],
    ['ɛ̃', 'E'],
    ['tʃ', 'DD'],
    ['ʃ', 'CH'],
    ['w', 'U'],
    ['y', 'U'],
    ['β', 'FF'],
    ['θ', 'TH'],
    ['ɾ', 'RR'],
    ['j', 'I'],
    ['_', 'sil'],
    ['', 'sil'],
  ])('%s looks like %s', (phoneme, name) => {
    expect(visemeOf(phoneme).name).toBe(name);
  });
});
