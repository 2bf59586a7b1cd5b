import { beforeEach, describe, expect, it } from 'vitest';
import type { TrackedFace } from '../ports/face-tracker.ts';
import type { ReanimatedPicture, Reanimation } from '../ports/reanimator.ts';
import type { CanvasOptions } from './canvas.ts';
import { CpuFaceCanvas } from './cpu-canvas.ts';
import { type DrawnFaceOptions, darkRows, drawFace, trackedFaces } from './drawn-face.fixture.ts';
import type { SpeechUpdate } from './dubbed-speech.ts';
import { PackagedReanimator } from './packaged-reanimator.ts';
import type { Picture } from './picture.ts';

const STEP_US = 40_000;
const FORMAT = { widthPx: 320, heightPx: 240, colour: { matrix: 'bt601', range: 'full' } } as const;
const CALL = { signal: new AbortController().signal, priority: 'upload' } as const;
/** "mama…" and a pause, from 2 s on. */
const SPOKEN: SpeechUpdate[] = [
  { kind: 'dubbed-span', startUs: 2_000_000, endUs: 5_000_000 },
  {
    kind: 'utterance',
    startUs: 2_000_000,
    endUs: 4_000_000,
    pcm: new Float32Array(0),
    phonemes: Array.from({ length: 10 }, (_, i) => ({
      phoneme: i % 2 === 0 ? 'm' : 'a',
      startUs: 2_000_000 + i * 200_000,
    })),
  },
  { kind: 'known', untilUs: 60_000_000 },
];

class FailingCanvas extends CpuFaceCanvas {
  fails = false;

  override async render(...args: Parameters<CpuFaceCanvas['render']>): Promise<Uint8Array> {
    if (this.fails) throw new Error('The device is gone.');
    return super.render(...args);
  }
}

interface Given {
  readonly atUs: number;
  readonly picture: Picture;
  readonly faces: readonly TrackedFace[];
  readonly isCut?: boolean;
}

describe('reanimation with a bank of mouths', () => {
  let canvas: FailingCanvas;
  let reanimation: Reanimation;

  beforeEach(async () => {
    const openCanvas = async (options: CanvasOptions) => {
      canvas = new FailingCanvas(options);
      return canvas;
    };
    reanimation = await new PackagedReanimator({ openCanvas }).open({ format: FORMAT });
    reanimation.addRendition('es');
    for (const update of SPOKEN) reanimation.speech('es', update);
  });

  /** The original chatters by itself, 3 times a second. */
  function given(i: number, changes: Partial<DrawnFaceOptions> = {}): Given {
    const atUs = i * STEP_US;
    const opening = 0.06 + 0.05 * Math.sin(i * 0.75);
    const { picture, face } = drawFace({ opening, mediaTimeUs: atUs, ...changes });
    return { atUs, picture, faces: [face] };
  }

  async function run(pictures: readonly Given[]): Promise<ReanimatedPicture[]> {
    const out: ReanimatedPicture[] = [];
    for (const { atUs, picture, faces, isCut } of pictures)
      out.push(...(await reanimation.push(picture, trackedFaces(atUs, faces, isCut), CALL)));
    out.push(...(await reanimation.flush(CALL)));
    return out;
  }

  const many = (count: number, changes: (i: number) => Partial<DrawnFaceOptions> = () => ({})) =>
    Array.from({ length: count }, (_, i) => given(i, changes(i)));
  const spanish = ({ renditions }: ReanimatedPicture) => renditions.get('es')!;
  const openness = (made: ReanimatedPicture) =>
    darkRows(made.original, spanish(made).bytes, made.tracked.faces[0]!);

  it('makes pictures that wait for others once it is told that none comes', async () => {
    for (const { atUs, picture, faces } of many(20))
      await reanimation.push(picture, trackedFaces(atUs, faces), CALL);
    const lastUs = 19 * STEP_US;
    const { lookAheadUs } = reanimation;
    const early = await reanimation.flush(CALL, lastUs + 100_000);
    const rest = await reanimation.flush(CALL, lastUs + lookAheadUs);
    const times = (made: readonly ReanimatedPicture[]) => made.map(({ original }) => original.mediaTimeUs);
    expect(times(early).at(-1)).toBeLessThanOrEqual(lastUs + 100_000 - lookAheadUs);
    expect(times(early).at(-1)).toBeGreaterThan(lastUs - lookAheadUs);
    expect(times(rest).at(-1)).toBe(lastUs);
    // It goes on as if nothing had been.
    expect(times(await run([given(60)]))).toEqual([60 * STEP_US]);
  });

  it('gives every picture back, in order, and as filmed where nothing is dubbed', async () => {
    const made = await run(many(150));
    expect(made.map(({ original }) => original.mediaTimeUs)).toEqual(many(150).map(({ atUs }) => atUs));
    for (const one of [...made.slice(0, 40), ...made.slice(140)]) {
      expect(spanish(one).bytes).toBe(one.original.bytes);
      expect(spanish(one).verdict).toMatchObject({ strength: 0 });
      expect(spanish(one).verdict.guard).toBeUndefined();
    }
  });

  it('opens the mouth for the dub and closes it for its m and its pauses, whatever the original says', async () => {
    const made = await run(many(150));
    // Lips are 40 ms ahead of the sound: the middle of each "a" and of each "m".
    const at = (us: number) => made[Math.round((us - STEP_US) / STEP_US)]!;
    const open = [0, 1, 2, 3, 4].map((i) => openness(at(2_300_000 + i * 400_000)));
    const closed = [1, 2, 3, 4].map((i) => openness(at(2_100_000 + i * 400_000)));
    const pause = [4_400_000, 4_600_000, 4_800_000].map((us) => openness(at(us)));
    // The original's own range is 0 to 10 rows; an "a" of 200 ms between two closures does not reach all of it.
    expect(Math.min(...open)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...closed, ...pause)).toBeLessThanOrEqual(2);
  });

  it('changes nothing above the nose', async () => {
    const made = await run(many(120));
    for (const one of made) {
      const nose = Math.floor(one.tracked.faces[0]!.landmarks[4 * 3 + 1]! - 8) * 320;
      expect(Buffer.compare(one.original.bytes.subarray(0, nose), spanish(one).bytes.subarray(0, nose))).toBe(
        0,
      );
    }
  });

  it.each([
    ['small', { scalePx: 24 }],
    ['profile', { yawDeg: 40 }],
    ['cropped', { y: 150 }],
  ] as const)('leaves a face as filmed that is %s', async (guard, changes) => {
    const made = await run(many(110, () => changes));
    const during = made.slice(60, 100);
    for (const one of during) {
      expect(spanish(one).bytes).toBe(one.original.bytes);
      expect(spanish(one).verdict).toMatchObject({ strength: 0, guard });
    }
  });

  it('goes over three pictures to a stretch that stays as filmed, and back', async () => {
    const made = await run(many(130, (i) => (i >= 70 && i < 85 ? { yawDeg: 40 } : {})));
    const strength = (i: number) => spanish(made[i]!).verdict.strength;
    expect(strength(65)).toBe(1);
    expect(strength(68)).toBeGreaterThan(0);
    expect(strength(68)).toBeLessThan(1);
    for (let i = 70; i < 85; i += 1) expect(strength(i)).toBe(0);
    expect(strength(86)).toBeLessThan(1);
    expect(strength(92)).toBe(1);
  });

  it('counts pictures without anybody, and goes on when somebody comes', async () => {
    const pictures = many(120).map((one, i) => (i < 60 ? { ...one, faces: [] } : one));
    const made = await run(pictures);
    expect(spanish(made[55]!).verdict).toEqual(expect.objectContaining({ strength: 0, guard: 'no-face' }));
    expect(spanish(made[100]!).verdict.strength).toBe(1);
  });

  it('begins a shot as filmed, and knows nobody after a cut', async () => {
    const pictures = many(130).map((one, i) => ({
      ...one,
      ...(i >= 80 ? { faces: [{ ...one.faces[0]!, id: 2 }] } : {}),
      isCut: i === 80,
    }));
    const made = await run(pictures);
    expect(spanish(made[79]!).verdict.strength).toBe(1);
    expect(spanish(made[80]!).verdict).toMatchObject({ strength: 0, guard: 'cut' });
    expect(spanish(made[110]!).verdict.strength).toBe(1);
  });

  /** Two people, the one on the right larger, who speak in turns. @param who speaks: 1 is left, 2 is right */
  async function talk(frames: number, who: (i: number) => number): Promise<ReanimatedPicture[]> {
    const noise = Float32Array.from({ length: 640 }, (_, i) => 0.3 * Math.sin(i * i));
    const out: ReanimatedPicture[] = [];
    for (let i = 0; i < frames; i += 1) {
      const isHeard = Math.floor(i / 15) % 2 === 0;
      const opening = (face: number) => (isHeard && who(i) === face ? 0.06 + 0.05 * Math.sin(i) : 0.01);
      const left = drawFace({ opening: opening(1), mediaTimeUs: 0, x: 80, scalePx: 50 });
      const right = drawFace({ opening: opening(2), mediaTimeUs: 0, x: 230, scalePx: 60, faceId: 2 });
      const picture = { ...right.picture, mediaTimeUs: i * STEP_US };
      for (let y = 0; y < 240; y += 1)
        picture.bytes.set(left.picture.bytes.subarray(y * 320, y * 320 + 150), y * 320);
      reanimation.sourceSound(isHeard ? noise : new Float32Array(640), i * STEP_US);
      const tracked = trackedFaces(i * STEP_US, [right.face, left.face]);
      out.push(...(await reanimation.push(picture, tracked, CALL)));
    }
    out.push(...(await reanimation.flush(CALL)));
    return out;
  }

  it('moves the face that speaks, not the larger one that rests', async () => {
    const out = await talk(120, () => 1);
    const moved = out.filter((one) => spanish(one).verdict.strength > 0.5);
    expect(moved.length).toBeGreaterThan(40);
    expect(new Set(moved.map((one) => spanish(one).verdict.faceId))).toEqual(new Set([1]));
  });

  describe('with pictures that wait for a second', () => {
    beforeEach(async () => {
      const openCanvas = async (options: CanvasOptions) => new CpuFaceCanvas(options);
      const options = { format: FORMAT, aheadUs: 1_000_000 };
      reanimation = await new PackagedReanimator({ openCanvas }).open(options);
      reanimation.addRendition('es');
      for (const update of SPOKEN) reanimation.speech('es', update);
    });

    it('does not go on with a face after another began to speak', async () => {
      const out = await talk(150, (i) => (i < 90 ? 1 : 2));
      const moved = out.flatMap((one, i) => {
        const { strength, faceId } = spanish(one).verdict;
        return strength > 0.5 ? [{ i, faceId }] : [];
      });
      const before = moved.filter(({ i }) => i < 90);
      expect(before.length).toBeGreaterThan(25);
      expect(new Set(before.map(({ faceId }) => faceId))).toEqual(new Set([1]));
      const after = moved.filter(({ i }) => i >= 95);
      expect(new Set(after.map(({ faceId }) => faceId))).toEqual(new Set([2]));
    });

    it('follows a face to the last picture of its shot', async () => {
      const made = await run(
        many(110).map((one, i) => ({
          ...one,
          faces: i < 80 ? one.faces : [{ ...one.faces[0]!, id: 2 }],
          isCut: i === 80,
        })),
      );
      expect(spanish(made[79]!).verdict.strength).toBe(1);
      expect(spanish(made[80]!).verdict).toMatchObject({ strength: 0, guard: 'cut' });
    });
  });

  it('shows the original while the canvas fails, and goes on after', async () => {
    const out: ReanimatedPicture[] = [];
    for (let i = 0; i < 110; i += 1) {
      canvas.fails = i >= 80 && i < 90;
      const { atUs, picture, faces } = given(i);
      out.push(...(await reanimation.push(picture, trackedFaces(atUs, faces), CALL)));
    }
    const failed = out.filter((one) => spanish(one).verdict.guard === 'failed');
    expect(failed.length).toBeGreaterThan(5);
    for (const one of failed) expect(spanish(one).bytes).toBe(one.original.bytes);
    expect(spanish(out.at(-1)!).verdict.strength).toBe(1);
  });

  it('takes any frame rate, holes and pictures at one time', async () => {
    let atUs = 0;
    const steps = [16_667, 16_667, 33_333, 100_000, 8_000, 0, 700_000, 40_000];
    const pictures = Array.from({ length: 160 }, (_, i) => {
      atUs += steps[i % steps.length]!;
      const one = given(i);
      return { ...one, atUs, picture: { ...one.picture, mediaTimeUs: atUs } };
    });
    expect(await run(pictures)).toHaveLength(160);
  });

  it('keeps a bounded number of mouths however long a stream is', async () => {
    let kept = 0;
    let most = 0;
    const keep = canvas.keepPatch.bind(canvas);
    const drop = canvas.dropPatch.bind(canvas);
    canvas.keepPatch = (...args) => {
      kept += 1;
      most = Math.max(most, kept);
      return keep(...args);
    };
    canvas.dropPatch = (id) => {
      kept -= 1;
      drop(id);
    };
    const picked = many(25);
    for (let i = 0; i < 700; i += 1) {
      const { picture, faces } = picked[i % 25]!;
      const atUs = i * STEP_US;
      await reanimation.push({ ...picture, mediaTimeUs: atUs }, trackedFaces(atUs, faces), CALL);
    }
    expect(most).toBeLessThanOrEqual(330);
  });

  it('holds a bounded number of pictures where times stand still, and gives all of them back', async () => {
    const { picture, faces } = given(1);
    let out = 0;
    for (let i = 0; i < 120; i += 1) {
      out += (await reanimation.push(picture, trackedFaces(picture.mediaTimeUs, faces), CALL)).length;
      expect(i + 1 - out).toBeLessThanOrEqual(40);
    }
    out += (await reanimation.flush(CALL)).length;
    expect(out).toBe(120);
  });

  it('closes more than once', () => {
    reanimation.close();
    reanimation.close();
  });
});
