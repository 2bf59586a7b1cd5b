import { describe, expect, it } from 'vitest';
import { resample } from '../../audio/resample.ts';
import { deriveMarkKey, type MarkKey } from '../mark-key.ts';
import { AudioMarkDetector } from './detector.ts';
import { AudioMarkEmbedder } from './embedder.ts';
import { AudioMarkLayout } from './layout.ts';

const RATE_HZ = 48_000;
/** What hides a payload from being read, but not from being recognised. */
const NOISE = 0.3;
const KEY = await deriveMarkKey({ master: new Uint8Array(32).fill(11), issuer: 'one' });
const OTHER_KEY = await deriveMarkKey({ master: new Uint8Array(32).fill(11), issuer: 'two' });

/** Numbers from -1 to 1. */
function evenly(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** Noise with the slopes and pauses of speech: 48 kHz. */
function babble(seconds: number, seed: number): Float32Array {
  const random = evenly(seed);
  let low = 0;
  let level = 0;
  let target = 0;
  return Float32Array.from({ length: seconds * RATE_HZ }, (_, i) => {
    if (i % 5000 === 0) target = random() > -0.4 ? 0.3 + 0.3 * Math.abs(random()) : 0.002;
    level += 0.0008 * (target - level);
    low += 0.25 * (random() - low);
    return level * low;
  });
}

async function marked(options: {
  seconds: number;
  seed: number;
  key?: MarkKey;
  rendition?: number;
  startS?: number;
  plane?: Float32Array;
}): Promise<Float32Array> {
  const { seconds, seed, key = KEY, rendition = 77, startS = 0 } = options;
  const plane = options.plane ?? babble(seconds, seed);
  const made = await AudioMarkEmbedder.create({
    ...{ layout: await AudioMarkLayout.create(key), keyId: key.keyId, rendition, channels: 1 },
  });
  made.restart(startS * RATE_HZ);
  const first = made.process([plane])[0]!;
  const last = made.flush()[0]!;
  const out = new Float32Array(plane.length);
  out.set(first.subarray(AudioMarkEmbedder.latencySamples));
  out.set(last, plane.length - AudioMarkEmbedder.latencySamples);
  return out;
}

const heard = (plane: Float32Array) => resample(plane, RATE_HZ, 16_000);

describe('audio mark detector', () => {
  it('reads rendition and minute of five seconds, and says where they are', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    const clip = heard(await marked({ seconds: 5, seed: 1, startS: 605 }));
    const { findings } = await detector.detect(clip);
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect(finding!.payload).toEqual({ keyId: KEY.keyId, rendition: 77, minute: 10 });
    expect(finding!.how).toBe('read');
    expect(finding!.score).toBeGreaterThan(finding!.threshold);
    expect(finding!.startS).toBeLessThan(0.7);
    expect(finding!.endS).toBeGreaterThan(4.3);
  });

  it('reads a clip across a change of minute as one', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    for (const [seed, startS] of [
      [2, 58.5],
      [3, 117.4],
      [4, 238.3],
    ] as const) {
      const { findings } = await detector.detect(heard(await marked({ seconds: 5, seed, startS })));
      expect(findings.map(({ payload }) => payload.rendition)).toEqual([77]);
      expect(Math.abs(findings[0]!.payload.minute - startS / 60)).toBeLessThan(1.1);
    }
  });

  it('recognises a payload that cannot be read, also across a change of minute', async () => {
    const candidates = Array.from({ length: 50 }, (_, i) => ({
      ...{ keyId: KEY.keyId, rendition: 30 + i, minutes: 100 },
    }));
    const detector = await AudioMarkDetector.create({ keys: [KEY], candidates });
    for (const startS of [20, 60]) {
      const clip = heard(await marked({ seconds: 3, seed: 12, startS }));
      const random = evenly(13);
      const { findings } = await detector.detect(clip.map((x) => x + NOISE * random()));
      expect(findings.map(({ payload, how }) => [payload.rendition, how])).toEqual([[77, 'matched']]);
      expect(findings[0]!.payload.minute).toBe(0);
    }
  });

  it('says nothing of the mark of a key that it does not have, nor of what is not marked', async () => {
    const detector = await AudioMarkDetector.create({ keys: [OTHER_KEY] });
    expect((await detector.detect(heard(await marked({ seconds: 8, seed: 5 })))).findings).toEqual([]);
    const plain = await detector.detect(heard(babble(12, 6)));
    expect(plain.findings).toEqual([]);
    expect(plain.presence).toBeUndefined();
  });

  it('tells two marks on top of each other, by key', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY, OTHER_KEY] });
    const plane = await marked({ seconds: 8, seed: 7, rendition: 1 });
    const twice = await marked({ seconds: 8, seed: 7, plane, key: OTHER_KEY, rendition: 2 });
    const { findings } = await detector.detect(heard(twice));
    expect(findings.map(({ payload }) => [payload.keyId, payload.rendition]).sort()).toEqual(
      [
        [KEY.keyId, 1],
        [OTHER_KEY.keyId, 2],
      ].sort(),
    );
  });

  it('finds a clip that runs faster, and says how much', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    const clip = resample(await marked({ seconds: 8, seed: 8 }), 48_720, 16_000);
    const { findings } = await detector.detect(clip);
    expect(findings[0]?.payload.rendition).toBe(77);
    expect(findings[0]!.speed).toBeCloseTo(1.015, 2);
  });

  it('gives a long clip one finding for each stretch, in memory that stays', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    const part = heard(await marked({ seconds: 20, seed: 9 }));
    async function* chunks() {
      yield part;
      yield heard(babble(15, 10));
      yield part;
    }
    const { findings, examinedS } = await detector.detectStream(chunks());
    expect(Math.round(examinedS)).toBe(55);
    expect(findings).toHaveLength(2);
    expect(findings[0]!.endS).toBeGreaterThan(17);
    expect(findings[0]!.endS).toBeLessThan(24);
    expect(findings[1]!.startS).toBeGreaterThan(31);
  });

  it('says nothing of next to nothing', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    for (const clip of [new Float32Array(), new Float32Array(1600), new Float32Array(16_000 * 5)])
      expect((await detector.detect(clip)).findings).toEqual([]);
    expect((await detector.detect(new Float32Array(32_000).fill(Number.NaN))).findings).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const detector = await AudioMarkDetector.create({ keys: [KEY] });
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(detector.detect(babble(3, 1), { signal: stop })).rejects.toThrow('enough');
  });
});
