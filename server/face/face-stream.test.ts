import { describe, expect, it } from 'vitest';
import type { Picture } from '../../pipeline/face/picture.ts';
import type { FaceTracker } from '../../pipeline/ports/face-tracker.ts';
import { FAKE_ENGINE, TEST_MARK } from '../../pipeline/ports/fakes.ts';
import type { ReanimatedPicture, Reanimation, Reanimator } from '../../pipeline/ports/reanimator.ts';
import type { FacePicture } from './face-messages.ts';
import { FaceStream } from './face-stream.ts';

const FORMAT = {
  ...{ widthPx: 160, heightPx: 128 },
  colour: { matrix: 'bt601', range: 'limited' } as const,
};
const BYTES = (160 * 128 * 3) / 2;
const HELD = 3;
const MOVED = 99;

const picture = (i: number): Picture => ({
  ...FORMAT,
  mediaTimeUs: i * 40_000,
  bytes: new Uint8Array(BYTES).fill(100 + i),
});

function tracker(fails: (mediaTimeUs: number) => boolean): FaceTracker {
  return {
    info: FAKE_ENGINE,
    open: () => ({
      track: async ({ mediaTimeUs }) => {
        if (fails(mediaTimeUs)) throw new Error('no tensor today');
        return { mediaTimeUs, isCut: false, faces: [] };
      },
      close: () => undefined,
    }),
    close: async () => undefined,
  };
}

/** Moves every picture, three pictures later, until it breaks. */
function reanimator(fails: (mediaTimeUs: number) => boolean = () => false) {
  const told: string[] = [];
  let opened = 0;
  const open = async (): Promise<Reanimation> => {
    opened += 1;
    const renditions = new Set<string>();
    const held: Parameters<Reanimation['push']>[] = [];
    const out = (count: number): ReanimatedPicture[] =>
      held.splice(0, count).map(([original, tracked]) => ({
        ...{ original, tracked },
        renditions: new Map(
          [...renditions].map((id) => [
            id,
            { bytes: original.bytes.map(() => MOVED), verdict: { strength: 1 } },
          ]),
        ),
      }));
    return {
      lookAheadUs: HELD * 40_000,
      addRendition: (id) => renditions.add(id),
      removeRendition: (id) => renditions.delete(id),
      speech: (id, update) => told.push(`${id} ${update.kind}`),
      sourceSound: () => undefined,
      push: async (...args) => {
        held.push(args);
        if (fails(args[0].mediaTimeUs)) throw new Error('the device is gone');
        return out(Math.max(0, held.length - HELD));
      },
      flush: async () => out(held.length),
      close: () => undefined,
    };
  };
  const made: Reanimator = { info: FAKE_ENGINE, open, close: async () => undefined };
  return { made, told, opened: () => opened };
}

function stream(parts: {
  tracker?: FaceTracker;
  reanimator?: Reanimator;
  consent?: boolean;
  explain?: boolean;
}) {
  const out: { atUs: number; pictures: readonly FacePicture[] }[] = [];
  const made = new FaceStream({
    tracker: parts.tracker ?? tracker(() => false),
    reanimator: parts.reanimator ?? reanimator().made,
    ...{ format: FORMAT, consent: parts.consent ?? true, explain: parts.explain ?? false },
    onPictures: (atUs, pictures) => out.push({ atUs, pictures }),
  });
  const verdicts = () =>
    out.map(({ pictures }) => pictures[0]?.verdict.guard ?? pictures[0]?.verdict.strength);
  const times = () => out.map(({ atUs }) => atUs / 40_000);
  return { made, out, verdicts, times };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** As filmed apart from its mark. */
function isFilmed({ bytes }: FacePicture, i: number): boolean {
  return (
    bytes.every((value) => Math.abs(value - 100 - i) <= 12) &&
    bytes.subarray(160 * 128).every((v) => v === 100 + i)
  );
}

describe('FaceStream', () => {
  it('moves, marks and hands out every picture in order, one of each rendition', async () => {
    const { made, out, times } = stream({});
    made.add({ id: 'es', mark: TEST_MARK });
    made.add({ id: 'fr', mark: { ...TEST_MARK, rendition: 5 } });
    for (const i of upTo(6)) await made.push(picture(i));
    expect(times()).toEqual([0, 1, 2]);
    await made.flush();
    expect(times()).toEqual(upTo(6));
    for (const { pictures } of out) {
      expect(pictures.map(({ id, isMarked }) => [id, isMarked])).toEqual([
        ['es', true],
        ['fr', true],
      ]);
      const [es, fr] = pictures;
      // Both marked, each with its own.
      expect(es!.bytes.subarray(0, 160 * 128).some((value) => value !== MOVED)).toBe(true);
      expect(Buffer.from(es!.bytes).equals(fr!.bytes)).toBe(false);
    }
    await made.close();
  });

  it('lets nothing be moved without consent, at once when it is withdrawn, and again when it is given', async () => {
    const engine = reanimator();
    const { made, out, verdicts, times } = stream({ reanimator: engine.made, consent: false });
    made.add({ id: 'es', mark: TEST_MARK });
    made.speech('es', { kind: 'known', untilUs: 9e9 });
    for (const i of upTo(3)) await made.push(picture(i));
    expect(verdicts()).toEqual(['no-consent', 'no-consent', 'no-consent']);
    expect(engine.opened()).toBe(0);
    expect(isFilmed(out[1]!.pictures[0]!, 1)).toBe(true);
    expect(out[1]!.pictures[0]!.isMarked).toBe(true);
    made.setConsent(true);
    for (const i of [3, 4, 5, 6, 7]) await made.push(picture(i));
    // What was said before the engine began is told to it.
    expect(engine.told).toEqual(['es known']);
    expect(verdicts().slice(3)).toEqual([1, 1]);
    made.setConsent(false);
    await made.push(picture(8));
    expect(verdicts().slice(5)).toEqual(['no-consent', 'no-consent', 'no-consent', 'no-consent']);
    expect(times()).toEqual(upTo(9));
    expect(isFilmed(out[6]!.pictures[0]!, 6)).toBe(true);
    await made.close();
  });

  it('leaves a picture as filmed in which faces cannot be looked for', async () => {
    const { made, out, verdicts } = stream({ tracker: tracker((us) => us === 80_000) });
    made.add({ id: 'es', mark: TEST_MARK });
    for (const i of upTo(4)) await made.push(picture(i));
    await made.flush();
    expect(verdicts()).toEqual([1, 1, 'failed', 1]);
    expect(isFilmed(out[2]!.pictures[0]!, 2)).toBe(true);
    await made.close();
  });

  it('brings out what a failed engine held, as filmed, and tries again two seconds later', async () => {
    const engine = reanimator((us) => us === 160_000);
    const { made, out, verdicts, times } = stream({ reanimator: engine.made });
    made.add({ id: 'es', mark: TEST_MARK });
    for (const i of upTo(60)) await made.push(picture(i));
    await made.flush();
    expect(times()).toEqual(upTo(60));
    expect(verdicts().slice(0, 5)).toEqual([1, 'failed', 'failed', 'failed', 'failed']);
    expect(isFilmed(out[2]!.pictures[0]!, 2)).toBe(true);
    expect(verdicts()[53]).toBe('failed');
    expect(verdicts()[54]).toBe(1);
    expect(engine.opened()).toBe(2);
    await made.close();
  });

  it('refuses pictures of another size, explains where asked to, and says nothing once closed', async () => {
    const { made, out } = stream({ explain: true });
    made.add({ id: 'es', mark: TEST_MARK });
    await expect(made.push({ ...picture(0), widthPx: 80 })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
    for (const i of upTo(4)) await made.push(picture(i));
    expect(out[0]!.pictures[0]!.explained).toHaveLength((640 * 512 * 3) / 2);
    await made.close();
    await made.close();
    await expect(made.push(picture(4))).rejects.toMatchObject({ code: 'LIVEDUB_E_CLOSED' });
    expect(out).toHaveLength(1);
  });
});
