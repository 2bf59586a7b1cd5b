import { describe, expect, it } from 'vitest';
import type { TrackedFace } from '../ports/face-tracker.ts';
import { SpeakingFace } from './speaking-face.ts';
import { SpeechLevel } from './speech-level.ts';

const FRAME_US = 40_000;

/** A face of which only eyes and lips are there. @param opening in distances between the eyes */
function face(id: number, opening: number, eyesPx = 100): TrackedFace {
  const landmarks = new Float32Array(1404);
  landmarks[263 * 3] = eyesPx;
  for (const lip of [14, 87, 317]) landmarks[lip * 3 + 1] = opening * eyesPx;
  return { id, landmarks, confidence: 1 };
}

/** One picture's worth of something as loud as speech, or of a pause. */
function sound(isSpeech: boolean, frame: number): Float32Array {
  return Float32Array.from(
    { length: 640 },
    (_, i) => (isSpeech ? 0.2 : 0.0005) * Math.sin((frame * 640 + i) / 5),
  );
}

const talking = (frame: number) => 0.08 + 0.05 * Math.sin(frame * 1.3);
const resting = (frame: number) => 0.02 + 0.0015 * Math.sin(frame * 2.1);

interface Scene {
  /** Whether speech is heard; undefined for no sound at all. */
  readonly heard?: (frame: number) => boolean;
  readonly faces: (frame: number) => readonly TrackedFace[];
  readonly frames: number;
  readonly frameUs?: number;
}

function watch({ heard, faces, frames, frameUs = FRAME_US }: Scene): (number | undefined)[] {
  const speaking = new SpeakingFace();
  return Array.from({ length: frames }, (_, frame) => {
    const mediaTimeUs = frame * frameUs;
    if (heard && frameUs === FRAME_US) speaking.sound(sound(heard(frame), frame), mediaTimeUs);
    return speaking.at({ mediaTimeUs, isCut: false, faces: faces(frame) });
  });
}

/** Sentences of 1.6 s with pauses of 0.8 s. */
const sentences = (frame: number) => frame % 60 < 40;

describe('SpeakingFace', () => {
  it('takes the face whose mouth moves with the speech, though another is larger', () => {
    const said = watch({
      heard: sentences,
      faces: (i) => [face(1, resting(i), 150), face(2, sentences(i) ? talking(i) : resting(i))],
      frames: 100,
    });
    expect(said[0]).toBe(1);
    expect(said.indexOf(2) * FRAME_US).toBeLessThan(1_500_000);
    expect(new Set(said.slice(said.indexOf(2)))).toEqual(new Set([2]));
  });

  it('is not led astray by a mouth that moves in the pauses', () => {
    const said = watch({
      heard: sentences,
      faces: (i) => [
        face(1, sentences(i) ? resting(i) : talking(i), 120),
        face(2, sentences(i) ? talking(i) : resting(i)),
      ],
      frames: 150,
    });
    expect(new Set(said.slice(50))).toEqual(new Set([2]));
  });

  it('goes over to the other when the other answers, and does not flutter', () => {
    const said = watch({
      heard: () => true,
      faces: (i) => [face(1, i < 100 ? talking(i) : resting(i)), face(2, i < 100 ? resting(i) : talking(i))],
      frames: 200,
    });
    expect(said[99]).toBe(1);
    const change = said.indexOf(2);
    expect((change - 100) * FRAME_US).toBeLessThan(2_000_000);
    expect(new Set(said.slice(change))).toEqual(new Set([2]));
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
      heard: () => true,
      faces: (i) => [face(1, i < 75 ? resting(i) : talking(i))],
      frames: 150,
    });
    expect(said[0]).toBe(1);
    expect(new Set(said.slice(50, 75))).toEqual(new Set([undefined]));
    expect(new Set(said.slice(110))).toEqual(new Set([1]));
  });

  it('does not lose a speaker who pauses', () => {
    const said = watch({
      heard: (i) => i < 60 || i > 160,
      faces: (i) => [face(1, i < 60 || i > 160 ? talking(i) : resting(i)), face(2, resting(i))],
      frames: 220,
    });
    expect(new Set(said)).toEqual(new Set([1]));
  });

  it('waits for sound that comes later than its pictures, at any rate of pictures', () => {
    const speaking = new SpeakingFace();
    let said: number | undefined;
    for (let ms = 0; ms < 4000; ms += 1) {
      if (ms % 40 === 0 && ms >= 700) speaking.sound(sound(true, ms / 40), (ms - 700) * 1000);
      if (ms % 17 !== 0) continue;
      const frame = ms / 40;
      const faces = [face(1, resting(frame), 120), face(2, talking(frame))];
      said = speaking.at({ mediaTimeUs: ms * 1000, isCut: false, faces });
    }
    expect(said).toBe(2);
  });

  it('has nothing to say of a picture without faces', () => {
    expect(watch({ heard: () => true, faces: () => [], frames: 3 })).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('SpeechLevel', () => {
  it('hears speech by its loudness, whatever the level, and forgets', () => {
    for (const gain of [1, 0.05]) {
      const level = new SpeechLevel();
      for (let frame = 0; frame < 50; frame += 1)
        level.push(
          sound(frame % 20 < 10, frame).map((value) => value * gain),
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
