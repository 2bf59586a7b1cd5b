import { describe, expect, it } from 'vitest';
import type { TrackedFace } from '../ports/face-tracker.ts';
import { SpeakingFace } from './speaking-face.ts';
import { SpeechLevel } from './speech-level.ts';

const FRAME_US = 40_000;

/** A face of which only eyes, lips and chin are there. @param opening in distances between the eyes */
function face(id: number, opening: number, eyesPx = 100): TrackedFace {
  const landmarks = new Float32Array(1404);
  landmarks[263 * 3] = eyesPx;
  for (const lip of [14, 87, 317, 17, 152]) landmarks[lip * 3 + 1] = opening * eyesPx;
  return { id, landmarks, confidence: 1 };
}

/** How loud each moment of somebody's speech is, 0…1: syllables, some long, some short, with stops between some. */
const speech = new Map(
  [1, 2, 3].map((who) => {
    let state = 7919 * who;
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const loudness: number[] = [];
    while (loudness.length < 400) {
      const [frames, height, stop] = [3 + Math.floor(5 * next()), 0.4 + 0.6 * next(), next() < 0.3 ? 2 : 0];
      for (let i = 0; i < frames; i += 1) loudness.push(height * Math.sin((Math.PI * (i + 0.5)) / frames));
      for (let i = 0; i < stop; i += 1) loudness.push(0);
    }
    return [who, loudness] as const;
  }),
);
const syllables = (who: number, frame: number) => speech.get(who)![Math.floor(frame) + 20]!;

/** One picture's worth of sound in the range of lips. @param loudness 0…1, 0 being a pause */
function sound(loudness: number, frame: number): Float32Array {
  return Float32Array.from(
    { length: 640 },
    (_, i) => (0.0005 + 0.2 * loudness ** 2) * Math.sin(2 * Math.PI * 0.14 * (frame * 640 + i)),
  );
}

const talking = (frame: number, who = 1) => 0.02 + 0.09 * syllables(who, frame);
const resting = (frame: number) => 0.02 + 0.0015 * Math.sin(frame * 2.1);

/** People never keep quite still. */
function swayed({ id, landmarks, confidence }: TrackedFace, frame: number): TrackedFace {
  const swayPx = 0.5 * Math.sin(frame);
  return { id, landmarks: landmarks.map((value) => value + swayPx), confidence };
}

interface Scene {
  /** Who is heard; undefined for nobody. Absent: there is no sound at all. */
  readonly heard?: (frame: number) => number | undefined;
  readonly faces: (frame: number) => readonly TrackedFace[];
  readonly frames: number;
  /** Until this one, nothing moves but what `faces` moves. Default 0. */
  readonly stillFrames?: number;
}

function watch({ heard, faces, frames, stillFrames = 0 }: Scene): (number | undefined)[] {
  const speaking = new SpeakingFace();
  return Array.from({ length: frames }, (_, frame) => {
    const who = heard?.(frame);
    const loudness = who === undefined ? 0 : syllables(who, frame);
    if (heard) speaking.sound(sound(loudness, frame), frame * FRAME_US);
    const shown = faces(frame).map((one) => (frame < stillFrames ? one : swayed(one, frame)));
    return speaking.at({ mediaTimeUs: frame * FRAME_US, isCut: false, faces: shown });
  });
}

/** Sentences of 1.6 s with pauses of 0.8 s. */
const isSentence = (frame: number) => frame % 60 < 40;
const sentences = (frame: number) => (isSentence(frame) ? 1 : undefined);
const share = (said: readonly (number | undefined)[], who: number | undefined) =>
  said.filter((one) => one === who).length / said.length;

describe('SpeakingFace', () => {
  it('takes the face whose mouth moves with the speech, though another is larger', () => {
    const said = watch({
      heard: sentences,
      faces: (i) => [face(1, resting(i), 150), face(2, isSentence(i) ? talking(i) : resting(i))],
      frames: 100,
    });
    expect(said).not.toContain(1);
    expect(said.indexOf(2) * FRAME_US).toBeLessThan(1_200_000);
    expect(new Set(said.slice(said.indexOf(2)))).toEqual(new Set([2]));
  });

  it('is not led astray by a mouth that moves in the pauses', () => {
    const said = watch({
      heard: sentences,
      faces: (i) => [
        face(1, isSentence(i) ? resting(i) : talking(i), 120),
        face(2, isSentence(i) ? talking(i) : resting(i)),
      ],
      frames: 150,
    });
    expect(share(said.slice(50), 2)).toBeGreaterThan(0.9);
    expect(said).not.toContain(1);
  });

  it.each([
    ['one after the other', 2, 1],
    ['the other way round', 1, 2],
  ])('tells two who talk at once apart by whose mouth follows the sound, %s', (_, heard, silent) => {
    const said = watch({
      heard: () => heard,
      faces: (i) => [face(silent, talking(i, silent), 120), face(heard, talking(i, heard))],
      frames: 200,
    });
    expect(said[0]).toBeUndefined();
    expect(said).not.toContain(silent);
    expect(said.indexOf(heard) * FRAME_US).toBeLessThan(2_500_000);
    expect(share(said.slice(75), heard)).toBeGreaterThan(0.9);
  });

  it('does so in a stream whose sound comes early or late', () => {
    for (const lateFrames of [-3, 5]) {
      const said = watch({
        heard: () => 1,
        faces: (i) => [face(1, talking(i + lateFrames, 1)), face(2, talking(i + lateFrames, 2))],
        frames: 250,
      });
      expect(said).not.toContain(2);
      expect(share(said.slice(125), 1)).toBeGreaterThan(0.7);
    }
  });

  it('takes nobody while two mouths follow the sound alike', () => {
    const alike = watch({
      heard: () => 1,
      faces: (i) => [face(1, talking(i)), face(2, talking(i))],
      frames: 150,
    });
    expect(new Set(alike)).toEqual(new Set([undefined]));
  });

  it('goes over to the other when the other answers, and does not flutter', () => {
    const said = watch({
      heard: (i) => (i < 100 ? 1 : 2),
      faces: (i) => [
        face(1, i < 100 ? talking(i) : resting(i)),
        face(2, i < 100 ? resting(i) : talking(i, 2)),
      ],
      frames: 200,
    });
    expect(said[99]).toBe(1);
    const change = said.lastIndexOf(1) + 1;
    expect((change - 100) * FRAME_US).toBeLessThan(1_000_000);
    expect((said.indexOf(2) - 100) * FRAME_US).toBeLessThan(1_000_000);
    expect(new Set(said.slice(said.indexOf(2)))).toEqual(new Set([2]));
  });

  it('takes the largest face where there is no sound, and stays with it until another is clearly larger', () => {
    const said = watch({
      faces: (i) => [face(1, talking(i), 100), face(2, talking(i), i < 50 ? 60 : i < 100 ? 110 : 200)],
      frames: 150,
    });
    expect(new Set(said.slice(0, 100))).toEqual(new Set([1]));
    expect(new Set(said.slice(115))).toEqual(new Set([2]));
  });

  it('knows nobody while somebody is heard whom no mouth in sight follows', () => {
    const said = watch({
      heard: () => 1,
      faces: (i) => [face(1, i < 150 ? resting(i) : talking(i))],
      frames: 225,
    });
    expect(said[0]).toBe(1);
    expect(new Set(said.slice(100, 150))).toEqual(new Set([undefined]));
    expect(new Set(said.slice(190))).toEqual(new Set([1]));
  });

  it('knows a photograph at once by that nothing of it moves, and a person who does', () => {
    const said = watch({
      heard: () => 1,
      faces: (i) => [face(1, i < 50 ? 0.02 : talking(i))],
      stillFrames: 50,
      frames: 60,
    });
    // After so few pictures a person may not have moved either.
    expect(said.slice(0, 3)).toEqual([1, 1, 1]);
    expect(new Set(said.slice(3, 50))).toEqual(new Set([undefined]));
    expect(said[51]).toBe(1);
  });

  it('does not lose a speaker who pauses', () => {
    const said = watch({
      heard: (i) => (i < 60 || i > 160 ? 1 : undefined),
      faces: (i) => [face(1, i < 60 || i > 160 ? talking(i) : resting(i)), face(2, resting(i))],
      frames: 220,
    });
    expect(new Set(said.slice(said.indexOf(1)))).toEqual(new Set([1]));
  });

  it('waits for sound that comes later than its pictures, at any rate of pictures', () => {
    const speaking = new SpeakingFace();
    let said: number | undefined;
    for (let ms = 0; ms < 4000; ms += 1) {
      if (ms % 40 === 0 && ms >= 700)
        speaking.sound(sound(syllables(1, ms / 40 - 17.5), ms / 40), (ms - 700) * 1000);
      if (ms % 17 !== 0) continue;
      const frame = ms / 40;
      const faces = [face(1, resting(frame), 120), face(2, talking(frame))];
      said = speaking.at({ mediaTimeUs: ms * 1000, isCut: false, faces });
    }
    expect(said).toBe(2);
  });

  it('has nothing to say of a picture without faces', () => {
    expect(watch({ heard: () => 1, faces: () => [], frames: 3 })).toEqual([undefined, undefined, undefined]);
  });
});

describe('SpeechLevel', () => {
  it('hears speech by its loudness, whatever the level, and forgets', () => {
    for (const gain of [1, 0.05]) {
      const level = new SpeechLevel();
      for (let frame = 0; frame < 50; frame += 1)
        level.push(
          sound(frame % 20 < 10 ? 1 : 0, frame).map((value) => value * gain),
          frame * FRAME_US,
        );
      expect(level.untilUs).toBe(2_000_000);
      expect(level.between(820_000, 1_180_000)).toBe(1);
      expect(level.between(1_220_000, 1_580_000)).toBe(0);
      expect(level.between(3_000_000, 4_000_000)).toBeUndefined();
      level.push(new Float32Array(640), 20_000_000);
      expect(level.between(0, 2_000_000)).toBeUndefined();
    }
  });
});
