import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mulberry32 } from '../loadtest/clips/clip-plan.ts';
import { SOUND_RATE_HZ, transcode } from '../loadtest/watermark/attacks.ts';
import { playUnevenly } from '../loadtest/watermark/uneven-playout.ts';
import { AudioMarkDetector } from '../pipeline/mark/audio/detector.ts';
import type { MarkDetection } from '../pipeline/mark/finding.ts';
import { deriveMarkKey, type MarkKey } from '../pipeline/mark/mark-key.ts';
import { marked } from '../server/verify/test-clips.ts';
import { someSpeech, speechOf } from './support/speech.ts';

const RATE_HZ = 16_000;
const CLIP_S = 10;
/** One that begins with a block. */
const MINUTE = 16;
const [FIRST, SECOND] = [0x1_2345_6789, 0xa_bcde_f012];
const files = await someSpeech();

describe.skipIf(files.length === 0)('marked speech that is played unevenly', () => {
  const { signal } = new AbortController();
  let folder: string;
  let key: MarkKey;
  let ours: AudioMarkDetector;
  let theirs: AudioMarkDetector;
  let first: Float32Array;
  let second: Float32Array;

  /** 48 kHz through FFmpeg to a clip at 16 kHz. */
  const clipOf = async (sound: Float32Array, way: Parameters<typeof transcode>[2] = {}) =>
    (await transcode(sound, { folder, signal }, way)).slice(0, CLIP_S * RATE_HZ);
  const payloads = ({ findings }: MarkDetection) =>
    findings.map(({ payload: { rendition, minute } }) => [rendition, minute]);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-playout-'));
    const master = new Uint8Array(32).fill(3);
    key = await deriveMarkKey({ master, issuer: 'us' });
    ours = await AudioMarkDetector.create({ keys: [key] });
    theirs = await AudioMarkDetector.create({ keys: [await deriveMarkKey({ master, issuer: 'them' })] });
    const speech = (await speechOf(files.slice(3, 6), SOUND_RATE_HZ, signal)).subarray(0, 14 * SOUND_RATE_HZ);
    first = await marked(speech, { key, rendition: FIRST, minute: MINUTE });
    second = await marked(speech, { key, rendition: SECOND, minute: MINUTE });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    [
      'a tempo that changes',
      () =>
        clipOf(first, {
          filter: "asendcmd=c='2 atempo tempo 1.08;5 atempo tempo 0.95;8 atempo tempo 1.1',atempo=1",
        }),
    ],
    ['a jitter buffer', () => clipOf(playUnevenly(first, SOUND_RATE_HZ))],
    [
      'a jitter buffer, and Opus',
      () =>
        clipOf(playUnevenly(first, SOUND_RATE_HZ), {
          through: [{ extension: 'ogg', args: ['-c:a', 'libopus', '-b:a', '24k'] }],
        }),
    ],
    ['pieces that are missing', () => clipOf(spliced(first))],
  ])('names rendition and minute after %s', async (_, make) => {
    const clip = await make();
    const detection = await ours.detect(clip);
    expect(payloads(detection)).toEqual([[FIRST, MINUTE]]);
    const [{ startS, endS, how }] = detection.findings as [MarkDetection['findings'][number]];
    expect(how).toBe('read');
    expect(endS - startS).toBeGreaterThan(CLIP_S / 2);
    expect(endS).toBeLessThan(CLIP_S + 0.1);
  });

  it('says nothing of it to those who have another key', async () => {
    const clip = (await clipOf(playUnevenly(first, SOUND_RATE_HZ))).subarray(0, 5 * RATE_HZ);
    expect(await theirs.detect(clip)).toMatchObject({ findings: [], presence: undefined });
  });

  it('says how fast it was on average', async () => {
    const { findings } = await ours.detect(await clipOf(first, { filter: 'atempo=1.07' }));
    expect(payloads({ findings } as MarkDetection)).toEqual([[FIRST, MINUTE]]);
    expect(findings[0]!.speed).toBeCloseTo(1.07, 2);
  });

  it.each([3, 5, 6.5])(
    'gives no third name to two renditions that are cut together at %s s',
    async (seamS) => {
      const [a, b] = [
        await clipOf(playUnevenly(first, SOUND_RATE_HZ)),
        await clipOf(playUnevenly(second, SOUND_RATE_HZ)),
      ];
      const clip = a.slice();
      clip.set(b.subarray(seamS * RATE_HZ), seamS * RATE_HZ);
      const detection = await ours.detect(clip);
      const named = new Set(detection.findings.map(({ payload }) => payload.rendition));
      expect(named.size).toBeGreaterThan(0);
      for (const { payload, startS, endS } of detection.findings) {
        expect(payload.minute).toBe(MINUTE);
        if (payload.rendition === FIRST) expect(startS).toBeLessThan(seamS);
        else expect(payload.rendition).toBe(SECOND);
        if (payload.rendition === SECOND) expect(endS).toBeGreaterThan(seamS);
      }
    },
  );
});

/** Leaves out 0.1 to 0.7 s after every 1 to 2 s; 5 ms are overlapped. */
function spliced(sound: Float32Array): Float32Array {
  const random = mulberry32(8);
  const overlap = 0.005 * SOUND_RATE_HZ;
  const out = new Float32Array(sound.length);
  let to = 0;
  for (let from = 0; from < sound.length; ) {
    const length = Math.round((1 + random()) * SOUND_RATE_HZ);
    const part = sound.subarray(from, from + length + overlap);
    for (const [i, sample] of part.entries()) {
      const share = Math.min(1, from === 0 ? 1 : (i + 1) / overlap, (part.length - i) / overlap);
      out[to + i]! += share * sample;
    }
    to += Math.max(0, part.length - overlap);
    from += length + Math.round((0.1 + 0.6 * random()) * SOUND_RATE_HZ);
  }
  return out.subarray(0, to);
}
