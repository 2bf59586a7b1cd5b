import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FACE_PRIOR } from '../../../pipeline/face/face-prior.ts';
import { type Picture, planeLayout } from '../../../pipeline/face/picture.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type { TrackedPicture } from '../../../pipeline/ports/face-tracker.ts';
import type { ReanimatedPicture, Reanimation } from '../../../pipeline/ports/reanimator.ts';
import { SessionPool } from '../../session-pool.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { NeuralReanimator } from './neural-reanimator.ts';
import { writeTinyWav2Lip } from './tiny-models.ts';
import { Wav2Lip } from './wav2lip.ts';

const FORMAT = { widthPx: 320, heightPx: 240, colour: { matrix: 'bt601', range: 'limited' } } as const;
const PICTURE_US = 40_000;
const EYES_PX = 70;
const call: EngineCall = { signal: new AbortController().signal, priority: 'live' };

/** A face that looks into the camera, in the middle, and is not quite still. */
const landmarksAt = (index: number) =>
  Float32Array.from({ length: 1404 }, (_, i) => {
    const middle = i % 3 === 0 ? 160 + 0.2 * (index % 2) : i % 3 === 1 ? 110 : 0;
    return middle + EYES_PX * FACE_PRIOR.template[i]!;
  });

function pictureAt(index: number): Picture {
  const { totalBytes, uOffset } = planeLayout(FORMAT);
  const bytes = new Uint8Array(totalBytes).fill(128, uOffset);
  for (let i = 0; i < uOffset; i++) bytes[i] = 90 + ((i * 7 + Math.floor(i / 320) * 5) % 60);
  return { ...FORMAT, mediaTimeUs: index * PICTURE_US, bytes };
}

type Faces = 'one' | 'none' | 'cut';

function trackedAt(index: number, faces: Faces, id = 1): TrackedPicture {
  return {
    mediaTimeUs: index * PICTURE_US,
    isCut: faces === 'cut',
    faces: faces === 'none' ? [] : [{ id, landmarks: landmarksAt(index), confidence: 0.95 }],
  };
}

/** A hiss of one second from `startUs` on. */
function speak(reanimation: Reanimation, rendition: string, startUs: number, level: number): void {
  let seed = 1;
  const pcm = Float32Array.from({ length: 48_000 }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return level * (seed / 2 ** 31 - 1);
  });
  reanimation.speech(rendition, { kind: 'utterance', startUs, endUs: startUs + 1e6, phonemes: [], pcm });
  reanimation.speech(rendition, { kind: 'known', untilUs: Number.POSITIVE_INFINITY });
}

async function run(
  reanimation: Reanimation,
  pictures: number,
  facesAt: (index: number) => Faces = () => 'one',
): Promise<ReanimatedPicture[]> {
  const out: ReanimatedPicture[] = [];
  let id = 1;
  for (let i = 0; i < pictures; i++) {
    const faces = facesAt(i);
    if (faces === 'cut') id++;
    out.push(...(await reanimation.push(pictureAt(i), trackedAt(i, faces, id), call)));
  }
  out.push(...(await reanimation.flush(call)));
  return out;
}

describe('reanimation with a network', () => {
  const pool = new SessionPool();
  let network: Wav2Lip;
  let reanimator: NeuralReanimator;
  let dir: string;
  beforeAll(async () => {
    const modelPath = await writeTinyWav2Lip();
    dir = path.dirname(modelPath);
    network = await Wav2Lip.load({ modelPath, pool });
    reanimator = new NeuralReanimator({ network });
  });
  afterAll(async () => {
    await reanimator.close();
    await reanimator.close();
    await pool.close();
    await rm(dir, { recursive: true, force: true });
  });

  const strengths = (made: readonly ReanimatedPicture[], rendition = 'es'): number[] =>
    made.map(({ renditions }) => renditions.get(rendition)!.verdict.strength);

  it('leaves pictures as filmed, byte for byte the same object, while nothing is dubbed', async () => {
    const reanimation = await reanimator.open({ format: FORMAT });
    reanimation.addRendition('es');
    const made = await run(reanimation, 12);
    expect(made.map(({ original }) => original.mediaTimeUs)).toEqual(made.map((_, i) => i * PICTURE_US));
    for (const { original, renditions } of made) {
      expect(renditions.get('es')!.bytes).toBe(original.bytes);
      expect(renditions.get('es')!.verdict).toMatchObject({ strength: 0 });
      expect(renditions.get('es')!.verdict.guard).toBe(undefined);
    }
    reanimation.close();
    reanimation.close();
  });

  it.each([0, 200_000])('holds a picture no longer than it says, %i µs ahead', async (aheadUs) => {
    const reanimation = await reanimator.open({ format: FORMAT, aheadUs });
    expect(reanimation.lookAheadUs).toBeGreaterThan(aheadUs + 100_000);
    reanimation.addRendition('es');
    const held = Math.ceil(reanimation.lookAheadUs / PICTURE_US);
    for (let i = 0; i < held + 5; i++) {
      const out = await reanimation.push(pictureAt(i), trackedAt(i, 'one'), call);
      expect(out.map(({ original }) => original.mediaTimeUs)).toEqual(
        i < held ? [] : [(i - held) * PICTURE_US],
      );
    }
    reanimation.close();
  });

  it('holds only so many pictures when their times stand still', async () => {
    const reanimation = await reanimator.open({ format: FORMAT });
    let out = 0;
    for (let i = 0; i < 80; i++)
      out += (await reanimation.push(pictureAt(0), trackedAt(0, 'one'), call)).length;
    expect(out).toBe(80 - 48);
    expect((await reanimation.flush(call)).length).toBe(48);
    reanimation.close();
  });

  it('changes the lower face where the dub speaks, nothing around it, and each rendition by its own voice', async () => {
    const reanimation = await reanimator.open({ format: FORMAT });
    reanimation.addRendition('es');
    reanimation.addRendition('fr');
    speak(reanimation, 'es', 0, 0.5);
    speak(reanimation, 'fr', 0, 0.01);
    const before = pool.stats().completed;
    const made = await run(reanimation, 20);
    // Both renditions of a picture in one run of the network.
    expect(pool.stats().completed - before).toBe(20);
    expect(strengths(made).slice(6, 15)).toEqual(new Array(9).fill(1));
    const { original, renditions } = made[10]!;
    const [es, fr] = ['es', 'fr'].map((id) => renditions.get(id)!.bytes);
    expect(Buffer.compare(es!, fr!)).not.toBe(0);
    const chinY = landmarksAt(0)[152 * 3 + 1]!;
    const noseY = landmarksAt(0)[4 * 3 + 1]!;
    let changed = 0;
    for (let y = 0; y < 240; y++) {
      for (let x = 0; x < 320; x++) {
        if (es![y * 320 + x] === original.bytes[y * 320 + x]) continue;
        changed++;
        expect(y).toBeGreaterThan(noseY);
        expect(y).toBeLessThan(chinY + 12);
        expect(Math.abs(x - 160)).toBeLessThan(EYES_PX);
      }
    }
    expect(changed).toBeGreaterThan(2000);
    reanimation.close();
  });

  it('makes the same pictures twice', async () => {
    const once = async (): Promise<ReanimatedPicture[]> => {
      const reanimation = await reanimator.open({ format: FORMAT });
      reanimation.addRendition('es');
      speak(reanimation, 'es', 80_000, 0.1);
      const made = await run(reanimation, 15);
      reanimation.close();
      return made;
    };
    const [first, second] = [await once(), await once()];
    for (const [i, { renditions }] of first.entries())
      expect(Buffer.compare(renditions.get('es')!.bytes, second[i]!.renditions.get('es')!.bytes)).toBe(0);
  });

  it('fades over three pictures where a face goes, and says why', async () => {
    const reanimation = await reanimator.open({ format: FORMAT });
    reanimation.addRendition('es');
    speak(reanimation, 'es', 0, 0.1);
    speak(reanimation, 'es', 1e6, 0.1);
    const made = await run(reanimation, 40, (i) => (i >= 15 && i < 20 ? 'none' : i === 30 ? 'cut' : 'one'));
    const found = strengths(made);
    expect(found.slice(11, 24)).toEqual(
      [1, 1, 2 / 3, 1 / 3, 0, 0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1].map((value) => expect.closeTo(value, 5)),
    );
    expect(made[17]!.renditions.get('es')!.verdict.guard).toBe('no-face');
    expect(made[13]!.renditions.get('es')!.verdict.guard).toBe('no-face');
    expect(made[30]!.renditions.get('es')!.verdict.guard).toBe('cut');
    expect(found[29]).toBe(1);
    expect(found[30]).toBe(0);
    reanimation.close();
  });

  it('shows a picture as filmed when the network fails on it, and goes on', async () => {
    let runs = 0;
    const flaky: LipSyncNetwork = {
      info: network.info,
      sizePx: network.sizePx,
      lookAheadUs: network.lookAheadUs,
      boxOf: (points) => network.boxOf(points),
      soundAt: (voice, timeUs) => network.soundAt(voice, timeUs),
      animate: (job, given) =>
        runs++ === 5 ? Promise.reject(new Error('out of memory')) : network.animate(job, given),
      close: async () => {},
    };
    const reanimation = await new NeuralReanimator({ network: flaky }).open({ format: FORMAT });
    reanimation.addRendition('es');
    speak(reanimation, 'es', 0, 0.1);
    const made = await run(reanimation, 12);
    const failed = made.filter(({ renditions }) => renditions.get('es')!.verdict.guard === 'failed');
    expect(failed.length).toBe(1);
    expect(failed[0]!.renditions.get('es')!.bytes).toBe(failed[0]!.original.bytes);
    expect(strengths(made).at(-3)).toBe(1);
    reanimation.close();
  });

  it('stops when asked, and opens no channel once closed', async () => {
    const reanimation = await reanimator.open({ format: FORMAT });
    reanimation.addRendition('es');
    speak(reanimation, 'es', 0, 0.1);
    const stopped = { ...call, signal: AbortSignal.abort() };
    const pushes = async (): Promise<void> => {
      for (let i = 0; i < 12; i++) await reanimation.push(pictureAt(i), trackedAt(i, 'one'), stopped);
    };
    await expect(pushes()).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    reanimation.close();
    const other = new NeuralReanimator({
      network: { ...network, info: network.info, close: async () => {} } as never,
    });
    await other.close();
    await expect(other.open({ format: FORMAT })).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });
});
