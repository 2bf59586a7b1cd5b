import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Picture } from '../../../pipeline/face/picture.ts';
import { planeLayout } from '../../../pipeline/face/picture.ts';
import { SpeakingFace } from '../../../pipeline/face/speaking-face.ts';
import type { TrackedFace, TrackedPicture } from '../../../pipeline/ports/face-tracker.ts';
import { ModelStore } from '../../store/model-store.ts';
import { hasShared, sharedPath } from '../test-speech.ts';
import type { FaceMeshTracker } from './face-tracker.ts';
import { openFaceTracker } from './open-face-tracker.ts';
import { readPictures, readSound, WEBCAM, WEBCAM_CROP } from './test-pictures.ts';

const { signal } = new AbortController();
const call = { signal, priority: 'live' } as const;
const FRAME_US = 40_000;

const at = (picture: Picture, frame: number): Picture => ({ ...picture, mediaTimeUs: frame * FRAME_US });
const point = ({ landmarks }: TrackedFace, index: number) =>
  [landmarks[index * 3]!, landmarks[index * 3 + 1]!] as const;
const eyes = (face: TrackedFace) => {
  const [[ax, ay], [bx, by]] = [point(face, 33), point(face, 263)];
  return Math.hypot(bx - ax, by - ay);
};
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function grey(widthPx: number, heightPx: number, bytes?: Uint8Array): Picture {
  return {
    ...{ widthPx, heightPx, mediaTimeUs: 0, colour: { matrix: 'bt601', range: 'limited' } },
    bytes: bytes ?? new Uint8Array(planeLayout({ widthPx, heightPx }).totalBytes).fill(128),
  };
}

let root = '';
let tracker: FaceMeshTracker;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'livedub-faces-'));
  // An empty store: the packaged networks are converted as on a new machine.
  tracker = await openFaceTracker({ signal, store: new ModelStore({ root }) });
}, 60_000);
afterAll(async () => {
  await tracker?.close();
  await rm(root, { recursive: true });
});

async function trackAll(pictures: readonly Picture[], options = {}): Promise<TrackedPicture[]> {
  const tracking = tracker.open(options);
  const tracked: TrackedPicture[] = [];
  for (const picture of pictures) tracked.push(await tracking.track(picture, call));
  tracking.close();
  return tracked;
}

describe('FaceMeshTracker on a photograph', { timeout: 60_000 }, () => {
  const webcam = (sidePx: number, filter = WEBCAM_CROP) =>
    readPictures(WEBCAM, { widthPx: sidePx, heightPx: sidePx, filter })[0]!;

  it('finds a face and its irises where they are', async () => {
    const [{ faces }] = (await trackAll([webcam(280)], { irises: true })) as [TrackedPicture];
    expect(faces).toHaveLength(1);
    const face = faces[0]!;
    expect(face.confidence).toBeGreaterThan(0.9);
    // Read off the picture by eye: pupils, the tip of the nose, between the lips.
    const [right, left] = face.irises!;
    const near = ([x, y]: readonly [number, number], ex: number, ey: number) =>
      expect(Math.hypot(x - ex, y - ey), `${x}, ${y}`).toBeLessThan(6);
    near([right!.x, right!.y], 97, 95);
    near([left!.x, left!.y], 178, 94);
    near(point(face, 4), 135, 127);
    near(point(face, 13), 137, 165);
    for (const iris of face.irises!) expect(iris.radiusPx / eyes(face)).toBeCloseTo(0.06, 1);
  });

  it('says the same of the picture in any size, turned and mirrored', async () => {
    const sides = [140, 280, 1120, 2240];
    const shapes = await Promise.all(
      sides.map(async (side) => {
        const face = (await trackAll([webcam(side)]))[0]!.faces[0]!;
        return face.landmarks.map((value) => value / side);
      }),
    );
    for (const shape of shapes)
      for (let i = 0; i < shape.length; i += 3)
        expect(Math.hypot(shape[i]! - shapes[1]![i]!, shape[i + 1]! - shapes[1]![i + 1]!)).toBeLessThan(0.02);
    const turned = (await trackAll([webcam(280, `${WEBCAM_CROP},rotate=0.5:fillcolor=gray`)]))[0]!.faces[0]!;
    const [[ax, ay], [bx, by]] = [point(turned, 33), point(turned, 263)];
    expect(Math.atan2(by - ay, bx - ax)).toBeCloseTo(0.5, 1);
    const mirrored = (await trackAll([webcam(280, `${WEBCAM_CROP},hflip`)]))[0]!.faces[0]!;
    expect(point(mirrored, 4)[0]).toBeCloseTo(279 - shapes[1]![12]! * 280, -1);
  });

  it('stands still while the picture does', async () => {
    const picture = webcam(360);
    const tracked = await trackAll(Array.from({ length: 30 }, (_, i) => at(picture, i)));
    expect(new Set(tracked.map(({ faces }) => faces[0]!.id))).toEqual(new Set([1]));
    const last = tracked.at(-1)!.faces[0]!.landmarks;
    for (const { faces } of tracked.slice(5))
      faces[0]!.landmarks.forEach((value, i) => {
        expect(Math.abs(value - last[i]!)).toBeLessThan(1e-3);
      });
  });

  it('follows several faces without taking one twice, the largest first', async () => {
    const { widthPx, heightPx } = { widthPx: 1920, heightPx: 954 };
    const [picture] = readPictures(WEBCAM.replace('faceid', 'facematch'), { widthPx, heightPx });
    const tracked = await trackAll(
      Array.from({ length: 15 }, (_, i) => at(picture!, i)),
      { maxFaces: 6 },
    );
    for (const { faces } of tracked) {
      expect(faces).toHaveLength(6);
      for (const [i, a] of faces.entries())
        for (const b of faces.slice(i + 1)) {
          const [[ax, ay], [bx, by]] = [point(a, 4), point(b, 4)];
          expect(Math.hypot(ax - bx, ay - by)).toBeGreaterThan(eyes(a));
        }
      expect(eyes(faces[0]!)).toBeGreaterThan(1.5 * eyes(faces[1]!));
    }
    const ids = ({ faces }: TrackedPicture) => faces.map(({ id }) => id).sort();
    expect(ids(tracked.at(-1)!)).toEqual(ids(tracked[0]!));
  });

  it('loses a face that goes, knows it again when it is soon back, and gives a new number after a cut', async () => {
    const face = webcam(280);
    const covered = { ...face, bytes: Uint8Array.from(face.bytes) };
    // A wall that fades in before the face: no cut.
    const shade = (share: number): Picture => ({
      ...face,
      bytes: face.bytes.map((value) => Math.round(value + (110 - value) * share)),
    });
    covered.bytes.fill(110);
    const fades = Array.from({ length: 11 }, (_, i) => shade(i / 10));
    const shots = [
      ...Array.from({ length: 10 }, () => face),
      ...fades,
      ...Array.from({ length: 5 }, () => covered),
      ...[...fades].reverse(),
      ...Array.from({ length: 15 }, () => face),
    ];
    const tracked = await trackAll(shots.map(at));
    expect(tracked.some(({ isCut }) => isCut)).toBe(false);
    expect(tracked[22]!.faces).toEqual([]);
    expect(tracked.at(-1)!.faces.map(({ id }) => id)).toEqual([1]);

    const cut = await trackAll([
      ...Array.from({ length: 20 }, (_, i) => at(covered, i)),
      ...Array.from({ length: 20 }, (_, i) => at(face, 20 + i)),
      ...Array.from({ length: 20 }, (_, i) => at(webcam(280, `${WEBCAM_CROP},hflip,negate`), 40 + i)),
    ]);
    expect(cut.flatMap(({ isCut }, i) => (isCut ? [i] : []))).toEqual([20, 40]);
    // Found in the very picture after the cut.
    expect(cut[20]!.faces).toHaveLength(1);
    for (const { id } of cut[41]!.faces) expect(id).not.toBe(cut[20]!.faces[0]!.id);
  });

  it('describes people: one like herself, others not', async () => {
    const describeAll = async (picture: Picture) => {
      const [{ faces }] = (await trackAll([picture], { maxFaces: 4 })) as [TrackedPicture];
      return Promise.all(faces.map((face) => tracker.describe!(picture, face, call)));
    };
    const [small] = await describeAll(webcam(200));
    const [large] = await describeAll(webcam(560, `${WEBCAM_CROP},rotate=0.2,eq=gamma=1.3`));
    expect(Math.hypot(...small!)).toBeCloseTo(1, 4);
    expect(cosine(small!, large!)).toBeGreaterThan(0.7);
    const [crowd] = readPictures(WEBCAM.replace('faceid', 'facedetect'), { widthPx: 800, heightPx: 718 });
    const others = await describeAll(crowd!);
    expect(others.length).toBeGreaterThan(2);
    for (const other of others) expect(cosine(small!, other)).toBeLessThan(0.65);
  });

  it('sees nobody in pictures of nothing, of any size', async () => {
    const noise = grey(333, 201);
    noise.bytes.forEach((_, i) => {
      noise.bytes[i] = Math.imul(i + 1, 2_654_435_761) >>> 24;
    });
    for (const picture of [grey(16, 16), grey(1, 1), grey(7, 301), grey(640, 360), noise])
      expect((await trackAll([picture, at(picture, 1)])).flatMap(({ faces }) => faces)).toEqual([]);
  });

  it('keeps the streams that share it apart', async () => {
    const pictures = [webcam(280), webcam(200, `${WEBCAM_CROP},hflip`), webcam(360)];
    const alone = await Promise.all(pictures.map(async (picture) => (await trackAll([picture]))[0]!.faces));
    const trackings = pictures.map(() => tracker.open());
    const together = await Promise.all(pictures.map((picture, i) => trackings[i]!.track(picture, call)));
    expect(together.map(({ faces }) => faces)).toEqual(alone);
  });

  it('stops on request and says when it is closed', async () => {
    const tracking = tracker.open();
    const aborted = { signal: AbortSignal.abort(), priority: 'live' } as const;
    await expect(tracking.track(grey(64, 64), aborted)).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    tracking.close();
    tracking.close();
    await expect(tracking.track(grey(64, 64), call)).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
  });

  it('says what is missing where the networks are not installed', async () => {
    const nothing = new ModelStore({
      root: join(root, 'none'),
      manifest: new ModelStore().models.map((model) => ({
        ...model,
        files: model.files.map((file) => ({ ...file, sources: [{ kind: 'folder' as const }] })),
      })),
    });
    await expect(openFaceTracker({ signal, store: nothing })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_MISSING',
      remedy: 'livedub models pull face-mesh',
    });
  });
});

const GRID = ['bbaf2n', 'brbk7n', 'lbax4n', 'lbbc2a', 'lrwp9a', 'lwbsza', 'pwij3p'];
const KATIE = 'video/sadtalker/WDA_KatieHill_000.mp4';
const grid = (name: string) => sharedPath(`video/grid/${name}.mpg`);

describe.skipIf(!hasShared(KATIE))('FaceMeshTracker on films', { timeout: 120_000 }, () => {
  it('follows each of eight people from the first picture to the last', async () => {
    const films = [
      ...GRID.map((name) => readPictures(grid(name), { widthPx: 450, heightPx: 360 })),
      readPictures(sharedPath(KATIE), { widthPx: 360, heightPx: 360 }),
    ];
    for (const pictures of films) {
      const tracked = await trackAll(pictures);
      for (const { faces, isCut } of tracked) {
        expect(faces.map(({ id }) => id)).toEqual([1]);
        expect(faces[0]!.confidence).toBeGreaterThan(0.9);
        expect(isCut).toBe(false);
      }
    }
  });

  it('begins anew at the cut between two people, who are told apart', async () => {
    const sizes = { widthPx: 450, heightPx: 360 };
    const [one, other] = [readPictures(grid(GRID[0]!), sizes), readPictures(grid(GRID[2]!), sizes)];
    const film = [...one.slice(0, 30), ...other.slice(0, 30)].map(at);
    const tracked = await trackAll(film);
    expect(tracked.flatMap(({ isCut }, i) => (isCut ? [i] : []))).toEqual([30]);
    expect(new Set(tracked.slice(0, 30).map(({ faces }) => faces[0]!.id))).toEqual(new Set([1]));
    expect(new Set(tracked.slice(30).map(({ faces }) => faces[0]!.id))).toEqual(new Set([2]));
    const who = (i: number) => tracker.describe!(film[i]!, tracked[i]!.faces[0]!, call);
    expect(cosine(await who(0), await who(29))).toBeGreaterThan(0.7);
    expect(cosine(await who(29), await who(30))).toBeLessThan(0.65);
  });

  it('tells which of two people side by side speaks, by the sound', async () => {
    // She talks for 8 s; he, larger, is silent: what he is before his sentence, to and fro.
    const rest = `trim=end_frame=10,loop=loop=-1:size=10,scale=450:360`;
    const size = { widthPx: 810, heightPx: 360, count: 75 };
    const filter = `[0]${rest}[a];[1]scale=360:360[b];[a][b]hstack`;
    for (const [files, filters, side] of [
      [[grid('lbax4n'), sharedPath(KATIE)], filter, 1],
      [[sharedPath(KATIE), grid('lbax4n')], `[0]scale=360:360[a];[1]${rest}[b];[a][b]hstack`, 0],
    ] as const) {
      const pictures = readPictures(files, { ...size, filter: filters });
      const pcm = readSound(sharedPath(KATIE));
      const speaking = new SpeakingFace();
      const tracked = await trackAll(pictures);
      const said = tracked.map((picture, i) => {
        speaking.sound(pcm.subarray(i * 640, (i + 1) * 640), picture.mediaTimeUs);
        expect(picture.faces).toHaveLength(2);
        const id = speaking.at(picture);
        const face = picture.faces.find((face) => face.id === id);
        return face && (point(face, 4)[0] > (side === 1 ? 450 : 360) ? 1 : 0);
      });
      expect(new Set(said.slice(45))).toEqual(new Set([side]));
    }
  });

  it('tells two people who talk at once apart by the sound of one of them', async () => {
    const names = ['lwbsza', 'lbbc2a'];
    const filter = '[0]scale=450:360[a];[1]scale=450:360[b];[a][b]hstack';
    const pictures = readPictures(names.map(grid), { widthPx: 900, heightPx: 360, filter });
    const tracked = await trackAll(pictures);
    for (const [side, name] of names.entries()) {
      const pcm = readSound(grid(name));
      const speaking = new SpeakingFace();
      const said = tracked.map((picture, i) => {
        speaking.sound(pcm.subarray(i * 640, (i + 1) * 640), picture.mediaTimeUs);
        const id = speaking.at(picture);
        const face = picture.faces.find((one) => one.id === id);
        return face && (point(face, 4)[0] > 450 ? 1 : 0);
      });
      expect(said.filter((one) => one === 1 - side).length).toBeLessThan(5);
      // Both are silent for most of the first second.
      expect(said.filter((one) => one === side).length).toBeGreaterThan(40);
    }
  });
});
