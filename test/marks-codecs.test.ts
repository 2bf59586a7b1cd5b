import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTACKS, SOUND_RATE_HZ } from '../loadtest/watermark/attacks.ts';
import { markSound } from '../loadtest/watermark/marking.ts';
import { AudioMarkDetector } from '../pipeline/mark/audio/detector.ts';
import { AudioMarkLayout } from '../pipeline/mark/audio/layout.ts';
import { deriveMarkKey, type MarkKey } from '../pipeline/mark/mark-key.ts';
import { someSpeech, speechOf } from './support/speech.ts';

const RATE_HZ = 16_000;
const CLIP_S = 6;
const RENDITION = 0xa_bcde_f012;
const files = await someSpeech();

/** Speech of people, and FFmpeg's own encoders and decoders. */
describe.skipIf(files.length === 0)('marked speech', () => {
  const { signal } = new AbortController();
  let folder: string;
  let key: MarkKey;
  let ours: AudioMarkDetector;
  let theirs: AudioMarkDetector;
  let marked: Float32Array;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livedub-codecs-'));
    const master = new Uint8Array(32).fill(9);
    key = await deriveMarkKey({ master, issuer: 'us' });
    ours = await AudioMarkDetector.create({ keys: [key] });
    const foreign = await deriveMarkKey({ master, issuer: 'them' });
    theirs = await AudioMarkDetector.create({ keys: [foreign] });
    const plane = await speechOf(files.slice(0, 3), SOUND_RATE_HZ, signal);
    const layout = await AudioMarkLayout.create(key);
    [marked] = (await markSound([plane], { layout, keyId: key.keyId, rendition: RENDITION })) as [
      Float32Array,
    ];
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    'none',
    'opus-64',
    'opus-32',
    'aac-64',
    'mp3-64',
    'opus-aac',
    '16-khz',
    'faster',
    'slower',
    'uneven',
  ])('names its rendition in six seconds after: %s', async (id) => {
    const attack = ATTACKS.find((one) => one.id === id)!;
    // Music is for other attacks.
    const sound = await attack.apply(marked, { folder, signal, music: new Float32Array(SOUND_RATE_HZ) });
    const clips = [0.1, 0.5, 0.9].map((share) => {
      const start = Math.floor(share * (sound.length - CLIP_S * RATE_HZ));
      return sound.slice(start, start + CLIP_S * RATE_HZ);
    });
    for (const clip of clips) {
      const { findings } = await ours.detect(clip);
      expect(findings.map(({ payload }) => payload)).toEqual([
        { keyId: key.keyId, rendition: RENDITION, minute: 0 },
      ]);
      expect(findings[0]!.how).toBe('read');
    }
    expect(await theirs.detect(clips[0]!)).toMatchObject({ findings: [], presence: undefined });
  });
});
