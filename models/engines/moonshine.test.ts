import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionPool } from '../session-pool.ts';
import { DraftMemory } from './draft-memory.ts';
import { MoonshineRecogniser } from './moonshine.ts';
import { repeatsItself } from './repetition.ts';
import { hasShared, noise, readWav } from './test-speech.ts';

const DIR = path.resolve(
  import.meta.dirname,
  '../../node_modules/@moonshine-ai/moonshine-js/dist/model/tiny/quantized',
);
const call = {
  signal: new AbortController().signal,
  priority: 'upload',
  language: 'en',
  final: true,
} as const;
const JFK = 'speech/en/jfk_16k.wav';

describe('MoonshineRecogniser', { timeout: 60_000 }, () => {
  const pool = new SessionPool();
  let moonshine: MoonshineRecogniser;
  beforeAll(async () => {
    const encoderPath = path.join(DIR, 'encoder_model.onnx');
    const decoderPath = path.join(DIR, 'decoder_model_merged.onnx');
    moonshine = await MoonshineRecogniser.load({ encoderPath, decoderPath, pool });
  }, 60_000);
  afterAll(() => moonshine.close());

  it('writes no words for silence, noise and a scrap of sound', async () => {
    for (const pcm of [
      new Float32Array(32_000),
      noise(32_000, 0.1),
      noise(2_000, 0.1),
      new Float32Array(0),
    ]) {
      const heard = await moonshine.recognise({ ...call, pcm });
      expect(heard.rejected).toBe('noise');
      expect(heard.text).toBe('');
    }
  });

  it('stops when its caller gives up', async () => {
    const stop = new AbortController();
    const running = moonshine.recognise({ ...call, signal: stop.signal, pcm: noise(160_000, 0.1) });
    setTimeout(() => stop.abort(), 5);
    await expect(running).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
  });

  it.skipIf(!hasShared(JFK))('writes what was said, the same from a growing segment as at once', async () => {
    const pcm = readWav(JFK);
    const atOnce = await moonshine.recognise({ ...call, pcm });
    expect(atOnce.rejected).toBeUndefined();
    expect(atOnce.text.toLowerCase()).toContain('ask not what your country can do for you');
    let grown = atOnce;
    const pieces = [];
    for (let n = 16_000; n <= pcm.length; n += 16_000) {
      const final = n + 16_000 > pcm.length;
      const before = pool.stats().engines['moonshine-tiny-en']!.cpuMs;
      grown = await moonshine.recognise({ ...call, pcm: pcm.subarray(0, n), final });
      pieces.push(pool.stats().engines['moonshine-tiny-en']!.cpuMs - before);
    }
    const words = (text: string): string => text.toLowerCase().replace(/[^a-z ]/g, '');
    expect(words(grown.text)).toBe(words(atOnce.text));
    expect(pieces.every((ms) => ms > 0)).toBe(true);
  });
});

describe('DraftMemory', () => {
  it('finds the draft of a longer piece of the same sound, once', () => {
    const drafts = new DraftMemory();
    const pcm = noise(16_000, 0.5);
    drafts.put(pcm.subarray(0, 8_000), [4, 5]);
    expect(drafts.take(noise(16_000, 0.4))).toBeUndefined();
    expect(drafts.take(pcm)).toEqual([4, 5]);
    expect(drafts.take(pcm)).toBeUndefined();
  });
});

describe('repeatsItself', () => {
  it('sees loops and lets speech pass', () => {
    expect(
      repeatsItself(
        "I've been reading this video. I've been reading this video. I've been reading this video",
      ),
    ).toBe(true);
    expect(repeatsItself('no no no no')).toBe(true);
    expect(
      repeatsItself('ask not what your country can do for you, ask what you can do for your country'),
    ).toBe(false);
    expect(repeatsItself('')).toBe(false);
  });
});
