import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { resample } from '../../../pipeline/audio/resample.ts';
import type { Alignment } from '../../../pipeline/ports/aligner.ts';
import { SessionPool } from '../../session-pool.ts';
import { EspeakEngine } from '../espeak/espeak-engine.ts';
import type { EspeakUtterance } from '../espeak/utterance.ts';
import { PhonemeAligner } from './phoneme-aligner.ts';

const scriptPath = fileURLToPath(
  new URL('../../../node_modules/@echogarden/espeak-ng-emscripten/espeak-ng.js', import.meta.url),
);
const pool = new SessionPool();
const engine = new EspeakEngine({ scriptPath, pool });
const aligner = new PhonemeAligner(engine);
const call = { signal: new AbortController().signal, priority: 'upload' as const };
afterAll(() => engine.close());

const TEXT =
  'The weather was fine this morning, so we walked along the river and talked about the house that my brother bought.';

/** When each word of the text begins, by the reader's own account. */
function wordStartsMs(text: string, { phonemes }: EspeakUtterance): number[] {
  const starts: number[] = [];
  let offset = 0;
  for (const word of text.split(' ')) {
    const end = offset + word.length;
    starts.push(
      phonemes.find(
        ({ textPosition, phoneme }) => phoneme !== '' && textPosition < end && textPosition >= offset,
      )?.startMs ?? Number.NaN,
    );
    offset = end + 1;
  }
  return starts;
}

const medianOf = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Speech with a known silence before it, and one in the middle where the text has no comma. */
function withPause(pcm: Float32Array, cut: number, leadSamples: number, pauseSamples: number): Float32Array {
  const longer = new Float32Array(leadSamples + pcm.length + pauseSamples);
  longer.set(pcm.subarray(0, cut), leadSamples);
  longer.set(pcm.subarray(cut), leadSamples + cut + pauseSamples);
  return longer;
}

describe('PhonemeAligner', () => {
  it.each([
    ['en-gb-x-rp', 165, 50],
    ['en-us', 130, 70],
    ['en-gb-scotland', 200, 35],
  ])('finds the words of another reader (%s, %i words a minute) within 40 ms', async (voice, rate, pitch) => {
    const reading = await engine.read({ text: TEXT, voice, rate, pitch }, call);
    const pcm = resample(reading.pcm, reading.sampleRateHz, 16_000);
    const { words } = await aligner.align({ ...call, text: TEXT, language: 'en', pcm });
    const truth = wordStartsMs(TEXT, reading);
    const errors = words.map(({ startMs }, at) => Math.abs(startMs - truth[at]!)).filter(Number.isFinite);
    expect(errors.length).toBeGreaterThan(18);
    expect(medianOf(errors)).toBeLessThan(40);
    if (process.env.LIVEDUB_MEASURE === '1') {
      const sorted = [...errors].sort((a, b) => a - b);
      console.log(
        voice,
        rate,
        'median',
        medianOf(errors).toFixed(0),
        'P90',
        sorted[Math.floor(sorted.length * 0.9)]!.toFixed(0),
      );
    }
  });

  it('puts no word into silence before the speech or inside it', async () => {
    const reading = await engine.read({ text: TEXT, voice: 'en-gb-x-rp', rate: 150, pitch: 50 }, call);
    const truth = wordStartsMs(TEXT, reading);
    const plain = resample(reading.pcm, reading.sampleRateHz, 16_000);
    const cutMs = truth[9]!;
    const pcm = withPause(plain, Math.round(cutMs * 16), 8_000, 9_600);
    const { words } = await aligner.align({ ...call, text: TEXT, language: 'en', pcm });
    expect(words[0]!.startMs).toBeGreaterThan(430);
    const pauseFromMs = 500 + cutMs;
    for (const { startMs } of words)
      expect(startMs > pauseFromMs + 80 && startMs < pauseFromMs + 520).toBe(false);
    const after = words.map(({ startMs }, at) => Math.abs(startMs - truth[at]! - (at >= 9 ? 1_100 : 500)));
    expect(medianOf(after)).toBeLessThan(40);
  });

  it('gives one word for each word of the text, in order', async () => {
    const text = 'Él vio — después de 25 años — la cámara.';
    const reading = await engine.read({ text, voice: 'es-419', rate: 150, pitch: 60 }, call);
    const pcm = resample(reading.pcm, reading.sampleRateHz, 16_000);
    const { words, phonemes } = await aligner.align({ ...call, text, language: 'es', pcm });
    expect(words.map((word) => word.text)).toEqual(text.split(' '));
    let lastMs = 0;
    for (const { startMs, endMs } of words) {
      expect(startMs).toBeGreaterThanOrEqual(lastMs - 1e-6);
      expect(endMs).toBeGreaterThanOrEqual(startMs);
      lastMs = startMs;
    }
    expect(phonemes.length).toBeGreaterThan(20);
  });

  it('answers for silence, almost no sound and no text', async () => {
    const silent = await aligner.align({
      ...call,
      text: 'hello there',
      language: 'en',
      pcm: new Float32Array(16_000),
    });
    expect(silent.words).toHaveLength(2);
    const short: Alignment = await aligner.align({
      ...call,
      text: 'hello',
      language: 'en',
      pcm: new Float32Array(100),
    });
    expect(short.words).toHaveLength(1);
    expect(
      await aligner.align({ ...call, text: ' ', language: 'en', pcm: new Float32Array(16_000) }),
    ).toEqual({
      words: [],
      phonemes: [],
    });
  });

  it('refuses a language it has no voice for', async () => {
    const request = { ...call, text: 'x', language: 'zz', pcm: new Float32Array(16_000) };
    await expect(aligner.align(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_LANGUAGE_UNKNOWN' });
  });
});
