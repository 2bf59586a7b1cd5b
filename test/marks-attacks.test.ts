import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mulberry32 } from '../loadtest/clips/clip-plan.ts';
import { transcode } from '../loadtest/watermark/attacks.ts';
import { markSound } from '../loadtest/watermark/marking.ts';
import { AudioMarkDetector } from '../pipeline/mark/audio/detector.ts';
import { AudioMarkLayout } from '../pipeline/mark/audio/layout.ts';
import type { MarkDetection } from '../pipeline/mark/finding.ts';
import { deriveMarkKey, type MarkKey } from '../pipeline/mark/mark-key.ts';
import { babble } from '../server/verify/test-clips.ts';

const RATE_HZ = 16_000;
const CLIP_S = 10;
const [FIRST, SECOND] = [0x1_2345_6789, 0xa_bcde_f012];
const nothing = { findings: [], presence: undefined };

describe('somebody who tampers with a marked clip', () => {
  const { signal } = new AbortController();
  let folder: string;
  let keys: MarkKey[];
  let detector: AudioMarkDetector;
  let sound: Float32Array;
  let first: Float32Array;
  let second: Float32Array;

  /** 48 kHz through FFmpeg to 16 kHz. */
  const through = (pcm: Float32Array, filter?: string, args?: readonly string[], extension = 'mka') =>
    transcode(
      pcm,
      { folder, signal },
      { ...(filter ? { filter } : {}), ...(args ? { through: [{ extension, args }] } : {}) },
    );
  const mark = async (pcm: Float32Array, rendition: number, key = keys[0]!) =>
    (
      await markSound([pcm], {
        layout: await AudioMarkLayout.create(key),
        keyId: key.keyId,
        rendition,
      })
    )[0]!;
  const renditions = ({ findings }: MarkDetection) => [
    ...new Set(findings.map(({ payload }) => payload.rendition)),
  ];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-attacks-'));
    keys = await Promise.all(
      ['one issuer', 'another'].map((issuer) =>
        deriveMarkKey({ master: new Uint8Array(32).fill(1), issuer }),
      ),
    );
    detector = await AudioMarkDetector.create({
      keys: keys.slice(0, 1),
      candidates: [FIRST, SECOND].map((rendition) => ({ keyId: keys[0]!.keyId, rendition, minutes: 10 })),
    });
    sound = babble(CLIP_S, 3);
    first = await mark(sound, FIRST);
    second = await mark(sound, SECOND);
  }, 30_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['silence', () => new Float32Array(3 * RATE_HZ)],
    ['noise', () => noise(3 * RATE_HZ)],
    ['a tone', () => tone(3 * RATE_HZ, () => 1000)],
    ['a rising tone', () => tone(3 * RATE_HZ, (s) => 200 + 500 * s)],
    [
      'full scale clicks',
      () => Float32Array.from({ length: 2 * RATE_HZ }, (_, i) => (i % 800 === 0 ? 1 : 0)),
    ],
    ['random bytes as samples', () => randomFloats(2 * RATE_HZ)],
    ['nothing', () => new Float32Array(0)],
    ['what an issuer has not marked', () => every3rd(babble(3, 5))],
  ])('gets nothing said of %s', async (_, make) => {
    expect(await detector.detect(make())).toMatchObject(nothing);
  });

  it('gets nothing said of 0.1 s, marked though they are', async () => {
    const clip = (await through(first)).subarray(RATE_HZ, 1.1 * RATE_HZ);
    expect((await detector.detect(clip)).findings).toEqual([]);
  });

  it.each([
    ['a telephone at 8 kHz', 'highpass=f=300,lowpass=f=3400', ['-c:a', 'pcm_mulaw', '-ar', '8000'], 'wav'],
    ['192 kHz', undefined, ['-c:a', 'pcm_s16le', '-ar', '192000'], 'wav'],
    [
      'dynamic compression',
      'acompressor=threshold=-30dB:ratio=4:attack=5:release=80:makeup=6dB',
      undefined,
      undefined,
    ],
    ['denoising', 'afftdn=nr=12:nf=-45', undefined, undefined],
    [
      'a change of speed, and Opus',
      'asetrate=48700,aresample=48000',
      ['-c:a', 'libopus', '-b:a', '48k'],
      'ogg',
    ],
  ] as const)('does not get rid of the mark by %s', async (_, filter, args, extension) => {
    const detection = await detector.detect(await through(first, filter, args, extension));
    expect(renditions(detection)).toEqual([FIRST]);
  });

  it('does not hide one mark under another', async () => {
    const both = await through(await mark(first, SECOND, keys[1]!));
    const ofBoth = await AudioMarkDetector.create({ keys });
    const { findings } = await ofBoth.detect(both);
    expect(findings.map(({ payload: { keyId, rendition } }) => [keyId, rendition]).sort()).toEqual(
      [
        [keys[0]!.keyId, FIRST],
        [keys[1]!.keyId, SECOND],
      ].sort(),
    );
  });

  it('has both renditions of a clip cut together named, with their ranges', async () => {
    const [a, b] = [await through(first), await through(second)];
    const seam = (CLIP_S / 2) * RATE_HZ;
    const clip = Float32Array.from([...a.subarray(0, seam), ...b.subarray(seam)]);
    const { findings } = await detector.detect(clip);
    expect(findings.map(({ payload }) => payload.rendition)).toEqual([FIRST, SECOND]);
    expect(Math.abs(findings[0]!.endS - CLIP_S / 2)).toBeLessThan(0.5);
    expect(Math.abs(findings[1]!.startS - CLIP_S / 2)).toBeLessThan(0.5);
  });

  it('gets no third name out of the mean of two renditions', async () => {
    const mean = first.map((sample, i) => (sample + second[i]!) / 2);
    const detection = await detector.detect(await through(mean));
    expect([FIRST, SECOND]).toEqual(expect.arrayContaining(renditions(detection)));
    expect(detection.findings.length > 0 || detection.presence !== undefined).toBe(true);
  });

  it('finds that a damaged file still says where it comes from', async () => {
    const clip = await through(
      first,
      undefined,
      ['-c:a', 'libmp3lame', '-b:a', '96k', '-bsf:a', 'noise=amount=4000'],
      'mp3',
    );
    expect(renditions(await detector.detect(clip))).toEqual([FIRST]);
  });
});

function noise(samples: number): Float32Array {
  const random = mulberry32(2);
  return Float32Array.from({ length: samples }, () => 0.2 * (random() + random() - 1));
}

function tone(samples: number, hz: (s: number) => number): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: samples }, (_, i) => {
    phase += (2 * Math.PI * hz(i / RATE_HZ)) / RATE_HZ;
    return 0.5 * Math.sin(phase);
  });
}

/** Whatever 32 bits mean as a sample: infinities and NaN among them. */
function randomFloats(samples: number): Float32Array {
  const random = mulberry32(4);
  const bits = Uint32Array.from({ length: samples }, () => random() * 2 ** 32);
  return new Float32Array(bits.buffer);
}

function every3rd(pcm: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.floor(pcm.length / 3) }, (_, i) => pcm[3 * i]!);
}
