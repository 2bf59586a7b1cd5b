import { describe, expect, it } from 'vitest';
import type { MouthJob } from './canvas.ts';
import { CANVAS_REGION, CpuFaceCanvas, jobRect } from './cpu-canvas.ts';
import { darkRows, drawFace } from './drawn-face.fixture.ts';
import { type Picture, type PictureColour, planeLayout } from './picture.ts';
import { fromRgb, toRgb } from './pixels/colour-convert.ts';

function pointsOf(landmarks: Float32Array): Float32Array {
  const out = new Float32Array(485 * 2);
  for (let i = 0; i < 468; i += 1) {
    out[i * 2] = landmarks[i * 3]!;
    out[i * 2 + 1] = landmarks[i * 3 + 1]!;
  }
  const x = (out[61 * 2]! + out[291 * 2]!) / 2;
  const y = (out[61 * 2 + 1]! + out[291 * 2 + 1]!) / 2;
  for (let i = 468; i < 485; i += 1) {
    out[i * 2] = x + 60 * Math.cos((i - 468) / 5);
    out[i * 2 + 1] = y + 60 + 10 * Math.sin((i - 468) / 5);
  }
  return out;
}

/** The mouth of one drawn face put into another. */
function jobOf(canvas: CpuFaceCanvas, into: number, from: number): { job: MouthJob; picture: Picture } {
  const target = drawFace({ opening: into, mediaTimeUs: 0 });
  const other = drawFace({ opening: from, mediaTimeUs: 0 });
  const slot = canvas.load(target.picture);
  const otherSlot = canvas.load(other.picture);
  const patch = canvas.keepPatch(otherSlot, { x: 60, y: 60, widthPx: 200, heightPx: 170 })!;
  const job: MouthJob = {
    ...{ slot, stream: 1, fresh: true, alpha: CANVAS_REGION.alpha, opacity: 1 },
    source: pointsOf(target.face.landmarks),
    target: pointsOf(other.face.landmarks),
    patch: { id: patch, points: pointsOf(other.face.landmarks).subarray(0, 936) },
  };
  return { job, picture: target.picture };
}

const FORMAT = { widthPx: 320, heightPx: 240, colour: { matrix: 'bt601', range: 'full' } } as const;

describe('the canvas on the processor', () => {
  it('puts an open mouth on a closed one, and a closed one on an open one', async () => {
    for (const [into, from] of [
      [0.005, 0.12],
      [0.12, 0.005],
    ] as const) {
      const canvas = new CpuFaceCanvas({ format: FORMAT });
      const { job, picture } = jobOf(canvas, into, from);
      const made = await canvas.render(job.slot, [job]);
      const wanted = drawFace({ opening: from, mediaTimeUs: 0 });
      const rows = darkRows(picture, made, wanted.face);
      expect(Math.abs(rows - darkRows(picture, wanted.picture.bytes, wanted.face))).toBeLessThanOrEqual(2);
    }
  });

  it('changes nothing outside the part a job reaches, and not the picture it was given', async () => {
    const canvas = new CpuFaceCanvas({ format: FORMAT });
    const { job, picture } = jobOf(canvas, 0.03, 0.1);
    const before = Uint8Array.from(picture.bytes);
    const made = await canvas.render(job.slot, [job]);
    expect(picture.bytes).toEqual(before);
    const rect = jobRect(job, picture)!;
    let changed = 0;
    for (let y = 0; y < 240; y += 1)
      for (let x = 0; x < 320; x += 1) {
        const isInside =
          x >= rect.x && x < rect.x + rect.widthPx && y >= rect.y && y < rect.y + rect.heightPx;
        if (made[y * 320 + x] === before[y * 320 + x]) continue;
        changed += 1;
        expect(isInside).toBe(true);
      }
    expect(changed).toBeGreaterThan(100);
  });

  it('leaves a face alone that is where it should be', async () => {
    const canvas = new CpuFaceCanvas({ format: FORMAT });
    const { job, picture } = jobOf(canvas, 0.05, 0.05);
    const made = await canvas.render(job.slot, [{ ...job, target: job.source, opacity: 0 }]);
    expect(made).toEqual(picture.bytes);
  });

  it('makes a darker patch as bright as the face around it', async () => {
    const canvas = new CpuFaceCanvas({ format: FORMAT });
    const target = drawFace({ opening: 0.05, mediaTimeUs: 0 });
    const dark = drawFace({ opening: 0.05, mediaTimeUs: 0 });
    const luma = dark.picture.bytes.subarray(0, 320 * 240);
    luma.set(luma.map((value) => value * 0.75));
    const slot = canvas.load(target.picture);
    const patch = canvas.keepPatch(canvas.load(dark.picture), { x: 60, y: 60, widthPx: 200, heightPx: 170 })!;
    const points = pointsOf(target.face.landmarks);
    const job: MouthJob = {
      ...{
        slot,
        stream: 1,
        fresh: true,
        alpha: CANVAS_REGION.alpha,
        opacity: 1,
        source: points,
        target: points,
      },
      patch: { id: patch, points: points.subarray(0, 936) },
    };
    const made = await canvas.render(slot, [job]);
    // Below the lower lip, in the middle of the patch.
    const at = Math.round(points[18 * 2 + 1]! + 3) * 320 + Math.round(points[18 * 2]!);
    expect(Math.abs(made[at]! - target.picture.bytes[at]!)).toBeLessThan(12);
  });

  it('refuses pictures of another size and more than it holds, and says so', async () => {
    const canvas = new CpuFaceCanvas({ format: FORMAT, maxPictures: 1, maxPatches: 1 });
    const { picture } = drawFace({ opening: 0.05, mediaTimeUs: 0 });
    expect(() => canvas.load({ ...picture, widthPx: 160 })).toThrow(/320 × 240, not 160/);
    const slot = canvas.load(picture);
    expect(() => canvas.load(picture)).toThrow(/No more than 1/);
    const rect = { x: 0, y: 0, widthPx: 8, heightPx: 8 };
    expect(canvas.keepPatch(slot, rect)).toBeDefined();
    expect(canvas.keepPatch(slot, rect)).toBeUndefined();
    canvas.release(slot);
    await expect(canvas.render(slot, [])).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    canvas.close();
    canvas.close();
  });
});

describe('colours', () => {
  const colours: PictureColour[] = (['bt601', 'bt709'] as const).flatMap((matrix) =>
    (['limited', 'full'] as const).map((range) => ({ matrix, range })),
  );

  it.each(colours)('come back as they were, within a step: $matrix $range', (colour) => {
    for (const [widthPx, heightPx] of [
      [32, 20],
      [17, 15],
    ] as const) {
      const layout = planeLayout({ widthPx, heightPx });
      const bytes = new Uint8Array(layout.totalBytes);
      // Smooth, so that chroma between its places is no guess.
      for (let y = 0; y < heightPx; y += 1)
        for (let x = 0; x < widthPx; x += 1) bytes[y * widthPx + x] = 90 + x + y;
      bytes.fill(120, layout.uOffset, layout.vOffset);
      bytes.fill(140, layout.vOffset);
      const picture: Picture = { widthPx, heightPx, colour, bytes, mediaTimeUs: 0 };
      const rect = { x: 0, y: 0, widthPx, heightPx };
      const raster = toRgb(picture, rect, new Float32Array(widthPx * heightPx * 3));
      const back = new Uint8Array(layout.totalBytes);
      fromRgb(raster, new Uint8Array(widthPx * heightPx).fill(1), picture, back);
      for (let i = 0; i < bytes.length; i += 1) expect(Math.abs(back[i]! - bytes[i]!)).toBeLessThanOrEqual(1);
    }
  });

  it('are those of the standards', () => {
    const one = (colour: PictureColour, y: number, u: number, v: number) => {
      const bytes = Uint8Array.of(y, y, y, y, u, v);
      const rect = { x: 0, y: 0, widthPx: 2, heightPx: 2 };
      return [
        ...toRgb({ ...rect, colour, bytes, mediaTimeUs: 0 }, rect, new Float32Array(12)).data.slice(0, 3),
      ];
    };
    const near = (got: number[], wanted: number[]) => {
      for (const [i, value] of got.entries()) expect(Math.abs(value - wanted[i]!)).toBeLessThan(1.5);
    };
    // Full red, by BT.601 and BT.709.
    near(one({ matrix: 'bt601', range: 'limited' }, 81, 90, 240), [254, 0, 0]);
    near(one({ matrix: 'bt709', range: 'limited' }, 63, 102, 240), [255, 1, 0]);
    near(one({ matrix: 'bt601', range: 'full' }, 255, 128, 128), [255, 255, 255]);
    near(one({ matrix: 'bt709', range: 'limited' }, 16, 128, 128), [0, 0, 0]);
  });
});
