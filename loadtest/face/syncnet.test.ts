import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../models/onnx/graph-builder.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { FACE_PRIOR } from '../../pipeline/face/face-prior.ts';
import { type Picture, planeLayout } from '../../pipeline/face/picture.ts';
import { MFCC_COEFFICIENTS, speechMfcc } from './mfcc.ts';
import { type SyncClip, SyncNet } from './syncnet.ts';

const FORMAT = { widthPx: 96, heightPx: 96, colour: { matrix: 'bt601', range: 'full' } } as const;
const call = { signal: new AbortController().signal, priority: 'upload' as const };
const landmarks = Float32Array.from(
  { length: 1404 },
  (_, i) => (i % 3 === 2 ? 0 : 48) + 24 * FACE_PRIOR.template[i]!,
);

/** 0…1, another for each picture. */
const lightAt = (i: number): number => Math.abs(Math.sin((i + 50) ** 2 * 12.9898) * 43_758.5453) % 1;

/** A face that is as bright as the sound is loud, `lead` pictures later. */
function clip(count: number, lead: number, pictureUs = 40_000): SyncClip {
  const pictures: Picture[] = Array.from({ length: Math.floor((count * 40_000) / pictureUs) }, (_, k) => {
    const i = Math.round((k * pictureUs) / 40_000);
    const { totalBytes, uOffset } = planeLayout(FORMAT);
    const bytes = new Uint8Array(totalBytes).fill(128, uOffset);
    return {
      ...FORMAT,
      mediaTimeUs: k * pictureUs,
      bytes: bytes.fill(Math.round(200 * lightAt(i)), 0, uOffset),
    };
  });
  const pcm = Float32Array.from({ length: count * 640 }, (_, i) => {
    const loud = Math.exp(2 * lightAt(Math.floor(i / 640) + lead));
    return 0.05 * loud * Math.sin((2 * Math.PI * 500 * i) / 16_000);
  });
  return { pictures, landmarks: pictures.map(() => landmarks), pcm };
}

/** Networks with SyncNet's inputs that compare nothing but brightness and loudness. */
async function writeTinySyncNet(dir: string): Promise<{ lip: string; audio: string }> {
  const spread = (g: GraphBuilder, mean: string): void => {
    const ones = g.weight('ones', 'float32', [1, 1024], new Float32Array(1024).fill(1));
    g.node('MatMul', [g.op('Reshape', [mean, g.ints([-1, 1])]), ones], { names: ['feature'] });
    g.output('feature', 'float32', ['batch', 1024]);
  };
  const lip = new GraphBuilder();
  const faces = lip.input('video', 'float32', ['batch', 3, 5, 224, 224]);
  const bright = lip.op('ReduceMean', [faces], { axes: { ints: [1, 2, 3, 4] }, keepdims: { int: 1 } });
  spread(lip, lip.op('Div', [bright, lip.scalar(200)]));
  const audio = new GraphBuilder();
  const mfcc = audio.input('audio', 'float32', ['batch', 1, 13, 20]);
  const energy = audio.op('Slice', [mfcc, audio.ints([0]), audio.ints([1]), audio.ints([2])]);
  const loud = audio.op('ReduceMean', [energy], { axes: { ints: [1, 2, 3] }, keepdims: { int: 1 } });
  // Energy goes with the square of exp(2 · light).
  const still = speechMfcc(
    Float32Array.from({ length: 1600 }, (_, i) => 0.05 * Math.sin((2 * Math.PI * 500 * i) / 16_000)),
  )[3 * MFCC_COEFFICIENTS]!;
  spread(audio, audio.op('Div', [audio.op('Sub', [loud, audio.scalar(still)]), audio.scalar(4)]));
  const files = { lip: path.join(dir, 'lip.onnx'), audio: path.join(dir, 'audio.onnx') };
  await writeFile(files.lip, Buffer.concat(lip.model({ name: 'lip', opset: 17 })));
  await writeFile(files.audio, Buffer.concat(audio.model({ name: 'audio', opset: 17 })));
  return files;
}

describe('SyncNet scores', () => {
  let dir: string;
  let net: SyncNet;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'livedub-syncnet-'));
    net = await SyncNet.load(await writeTinySyncNet(dir));
  });
  afterAll(async () => {
    await net.close();
    await rm(dir, { recursive: true, force: true });
  });

  it.each([
    [0, 40_000],
    [3, 40_000],
    [-4, 40_000],
    [3, 20_000],
  ])('find by how many pictures the sound is early (%i, a picture each %i µs)', async (lead, pictureUs) => {
    const score = await net.score(clip(36, lead, pictureUs), call);
    expect(score!.offsetPictures).toBe(lead);
    expect(score!.lseC).toBeGreaterThan(score!.lseD);
  });

  it('are none for a clip that is too short or shows nobody', async () => {
    expect(await net.score(clip(5, 0), call)).toBe(undefined);
    const nobody = clip(12, 0);
    expect(await net.score({ ...nobody, landmarks: nobody.pictures.map(() => undefined) }, call)).toBe(
      undefined,
    );
  });

  it('are none where no network is installed', async () => {
    expect(await SyncNet.openInstalled(new ModelStore({ root: dir }))).toBe(undefined);
  });
});
