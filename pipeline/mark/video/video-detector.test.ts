import { beforeAll, describe, expect, it } from 'vitest';
import { CandidateBook } from '../code/candidate-book.ts';
import type { MarkDetection } from '../finding.ts';
import { deriveMarkKey, type MarkKey } from '../mark-key.ts';
import type { LumaPlane } from './luma-mark.ts';
import { resample } from './picture-map.ts';
import { copyOf, flatPlane, noisePlane, psnrDb, scenePlane } from './pictures-for-tests.ts';
import { VideoMarkDetector } from './video-detector.ts';
import { VideoMarkEmbedder } from './video-embedder.ts';

const FRAME_US = 40_000;
const RENDITION = 0xa_1234_5678;

let key: MarkKey;
let other: MarkKey;
beforeAll(async () => {
  key = await deriveMarkKey({ master: new Uint8Array(32).fill(1), issuer: 'one' });
  other = await deriveMarkKey({ master: new Uint8Array(32).fill(2), issuer: 'another' });
});

/** Few pictures a second, so that tests are quick: the mark does not depend on the frame rate. */
function scenes(options: { width: number; height: number; scenes: readonly number[]; frames: number }) {
  const { width, height, frames } = options;
  return options.scenes.flatMap((scene) =>
    Array.from({ length: frames }, (_, frame) => scenePlane({ width, height, scene, frame })),
  );
}

async function marked(
  frames: readonly LumaPlane[],
  options: { by?: MarkKey; rendition?: number; startUs?: number } = {},
): Promise<LumaPlane[]> {
  const { by = key, rendition = RENDITION, startUs = 0 } = options;
  const embedder = await VideoMarkEmbedder.create({ key: by, rendition });
  return frames.map((frame, i) => {
    const copy = copyOf(frame);
    embedder.mark(copy, startUs + i * FRAME_US);
    return copy;
  });
}

async function detect(
  frames: readonly LumaPlane[],
  options: { keys?: MarkKey[]; books?: CandidateBook[]; frameUs?: number } = {},
): Promise<MarkDetection> {
  const { keys = [key], books = [], frameUs = FRAME_US } = options;
  const detector = await VideoMarkDetector.create({ keys, books });
  frames.forEach((frame, i) => {
    detector.push(frame, i * frameUs);
  });
  return detector.finish();
}

/** A part of the picture, brought to another size. */
function cut(
  plane: LumaPlane,
  part: { x: number; y: number; width: number; height: number },
  to: [number, number],
) {
  const values = new Float32Array(part.width * part.height);
  for (let y = 0; y < part.height; y += 1)
    for (let x = 0; x < part.width; x += 1)
      values[y * part.width + x] = plane.data[(part.y + y) * plane.strideBytes + part.x + x]!;
  const map = resample({ width: part.width, height: part.height, values }, ...to);
  const data = Uint8Array.from(map.values, (value) => Math.max(0, Math.min(255, Math.round(value))));
  return { width: to[0], height: to[1], strideBytes: to[0], data };
}

const nothing = { findings: [], presence: undefined };

describe('video mark', () => {
  it('is read from pictures that hardly differ from the original', async () => {
    const frames = scenes({ width: 640, height: 360, scenes: [1], frames: 12 });
    const copies = await marked(frames, { startUs: 7 * 60_000_000 });
    for (const [i, copy] of copies.entries()) expect(psnrDb(frames[i]!, copy)).toBeGreaterThan(42);
    const { findings, examinedS } = await detect(copies);
    expect(findings).toMatchObject([
      { payload: { keyId: key.keyId, rendition: RENDITION, minute: 7 }, how: 'read', startS: 0 },
    ]);
    expect(findings[0]!.score).toBeGreaterThan(findings[0]!.threshold);
    expect(findings[0]!.logFalseAlarm).toBeLessThan(Math.log(1e-6));
    expect(examinedS).toBeCloseTo(0.48, 2);
  });

  it.each([
    ['half the size', { x: 0, y: 0, width: 640, height: 360 }, [320, 180]],
    ['larger', { x: 0, y: 0, width: 640, height: 360 }, [1280, 720]],
    ['cropped', { x: 31, y: 17, width: 576, height: 324 }, [576, 324]],
    ['cropped and stretched back', { x: 31, y: 17, width: 576, height: 324 }, [640, 360]],
    ['cut to another shape', { x: 90, y: 0, width: 480, height: 360 }, [480, 360]],
  ] as const)('is found in copies that are %s', async (_, part, [width, height]) => {
    const frames = await marked(scenes({ width: 640, height: 360, scenes: [4], frames: 12 }));
    const { findings } = await detect(frames.map((frame) => cut(frame, part, [width, height])));
    expect(findings.map(({ payload }) => payload.rendition)).toEqual([RENDITION]);
  });

  it.each([
    [360, 640],
    [351, 289],
    [1279, 719],
    [512, 512],
  ])('is carried by pictures of %i x %i', async (width, height) => {
    const frames = await marked(scenes({ width, height, scenes: [2], frames: 6 }));
    const { findings } = await detect(frames);
    expect(findings.map(({ payload }) => payload.rendition)).toEqual([RENDITION]);
  });

  it('leaves pictures that are too small to carry it as they are, and says so', async () => {
    const embedder = await VideoMarkEmbedder.create({ key, rendition: RENDITION });
    for (const [width, height] of [
      [16, 16],
      [119, 120],
      [1, 1],
    ] as const) {
      const plane = noisePlane(width, height, 1);
      const before = plane.data.slice();
      expect(embedder.mark(plane, 0)).toBe(false);
      expect(plane.data).toEqual(before);
      expect(await detect([plane, plane])).toMatchObject(nothing);
    }
    expect(embedder.mark(noisePlane(120, 120, 1), 0)).toBe(true);
  });

  it('lies elsewhere after a cut, and is added up over shots', async () => {
    const frames = await marked(scenes({ width: 640, height: 360, scenes: [1, 2, 3], frames: 9 }));
    const { findings } = await detect(frames);
    expect(findings).toMatchObject([{ payload: { rendition: RENDITION }, startS: 0 }]);
    const grey = Array.from({ length: 2 }, () => flatPlane(640, 360, 128));
    const pattern = (copies: LumaPlane[], at: number, before: LumaPlane[]) =>
      copies[at]!.data.map((value, i) => value - before[at]!.data[i]! + 128);
    const before = [...scenes({ width: 640, height: 360, scenes: [1], frames: 9 }), ...grey];
    const copies = await marked(before);
    const here = pattern(copies, 8, before);
    const there = pattern(copies, 10, before);
    let same = 0;
    let all = 0;
    for (let i = 0; i < here.length; i += 1) {
      if (here[i] === 128 || there[i] === 128) continue;
      all += 1;
      if (here[i]! > 128 === there[i]! > 128) same += 1;
    }
    expect(Math.abs(same / all - 0.5)).toBeLessThan(0.08);
  });

  it('of two issuers on top of each other, both are found', async () => {
    const once = await marked(scenes({ width: 640, height: 360, scenes: [1], frames: 12 }));
    const twice = await marked(once, { by: other, rendition: 77 });
    const { findings } = await detect(twice, { keys: [key, other] });
    expect(findings.map(({ payload }) => payload.rendition).sort((a, b) => a - b)).toEqual([77, RENDITION]);
  });

  it('of two renditions cut together, both are found with their ranges', async () => {
    const first = await marked(scenes({ width: 320, height: 180, scenes: [1], frames: 25 }));
    const second = await marked(scenes({ width: 320, height: 180, scenes: [2], frames: 25 }), {
      rendition: 9,
    });
    const { findings } = await detect([...first, ...second], { frameUs: 160_000 });
    expect(findings).toMatchObject([
      { payload: { rendition: RENDITION }, startS: 0, endS: 4 },
      { payload: { rendition: 9 }, startS: 4, endS: 8 },
    ]);
  });

  it('of two renditions averaged, names one of them, both or none, but no other', async () => {
    const frames = scenes({ width: 640, height: 360, scenes: [1], frames: 10 });
    for (const rendition of [1, 2, 3, 0xf_ffff_ffff]) {
      const first = await marked(frames);
      const second = await marked(frames, { rendition });
      const mixed = first.map((frame, i) => ({
        ...frame,
        data: frame.data.map((value, k) => (value + second[i]!.data[k]!) / 2),
      }));
      const { findings, presence } = await detect(mixed);
      for (const { payload } of findings) expect([RENDITION, rendition]).toContain(payload.rendition);
      expect(findings.length > 0 || presence !== undefined).toBe(true);
    }
  });

  it('is one finding over a long clip that goes on into the next minute', async () => {
    const frames = scenes({ width: 320, height: 180, scenes: [1], frames: 75 });
    const embedder = await VideoMarkEmbedder.create({ key, rendition: RENDITION });
    const copies = frames.map((frame, i) => {
      const copy = copyOf(frame);
      embedder.mark(copy, 54_000_000 + i * 160_000);
      return copy;
    });
    const { findings } = await detect(copies, { frameUs: 160_000 });
    expect(findings).toMatchObject([{ payload: { rendition: RENDITION, minute: 0 }, startS: 0, endS: 12 }]);
  });

  it('is recognised among what was issued where it is too weak to be read', async () => {
    const frames = await marked(scenes({ width: 640, height: 360, scenes: [3], frames: 1 }));
    const worn = frames.map((frame, i) => {
      const noise = noisePlane(640, 360, i);
      const data = frame.data.map((value, k) =>
        Math.max(0, Math.min(255, value + (noise.data[k]! - 128) * 0.45)),
      );
      return { ...frame, data };
    });
    expect((await detect(worn)).findings).toEqual([]);
    const candidates = [3, 5, RENDITION].map((rendition) => ({ keyId: key.keyId, rendition, minutes: 30 }));
    const books = [new CandidateBook({ keyId: key.keyId, candidates })];
    const { findings } = await detect(worn, { books });
    expect(findings).toMatchObject([{ payload: { rendition: RENDITION, minute: 0 }, how: 'matched' }]);
  });

  it('is not found in unmarked pictures, nor with another key', async () => {
    const unmarked = scenes({ width: 320, height: 180, scenes: [1, 2], frames: 12 });
    expect(await detect(unmarked, { keys: [key, other] })).toMatchObject(nothing);
    expect(await detect(await marked(unmarked), { keys: [other] })).toMatchObject(nothing);
  });

  it('is not found in black, white, noise, nor in nothing at all', async () => {
    const kinds = [
      Array.from({ length: 5 }, () => flatPlane(320, 180, 0)),
      Array.from({ length: 5 }, () => flatPlane(320, 180, 255)),
      Array.from({ length: 5 }, (_, i) => noisePlane(320, 180, i)),
      [noisePlane(50, 700, 1)],
      [],
    ];
    for (const frames of kinds) expect(await detect(frames)).toMatchObject(nothing);
  });

  it('goes on through changes of size within a clip', async () => {
    const wide = await marked(scenes({ width: 640, height: 360, scenes: [1], frames: 6 }));
    const small = wide.map((frame) => cut(frame, { x: 0, y: 0, width: 640, height: 360 }, [320, 180]));
    const { findings } = await detect([...wide, ...small]);
    expect(findings.map(({ payload }) => payload.rendition)).toEqual([RENDITION]);
  });
});
