import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelsDir, repositoryRoot } from '../../../pipeline/cache-paths.ts';
import type { Voice } from '../../../pipeline/ports/synthesiser.ts';
import { GraphBuilder } from '../../onnx/graph-builder.ts';
import { SessionPool } from '../../session-pool.ts';
import { EspeakPhonemes } from '../espeak-phonemes.ts';
import { Kokoro } from '../kokoro/kokoro.ts';
import { kokoroRuns, toKokoro } from '../kokoro/kokoro-phonemes.ts';
import { KOKORO_IDS } from '../kokoro/kokoro-vocabulary.ts';
import { Piper } from '../piper/piper.ts';
import { piperIds } from '../piper/piper-config.ts';
import { joinSentences, phonemeTimes } from './sentence-speech.ts';

const call = () => ({ signal: new AbortController().signal, priority: 'upload' as const, rate: 1 });
const info = { id: 'tiny-voice', version: '0', licence: 'CC0-1.0' };
const joe = { id: 'joe', language: 'en', name: 'Joe', gender: 'male', pitchHz: 91 } as const;
const pool = new SessionPool();
let folder: string;
let phonemes: EspeakPhonemes;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'livedub-voices-'));
  phonemes = await EspeakPhonemes.load();
});
afterAll(async () => {
  await phonemes.close();
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

/** Inputs and outputs of a Piper export: noise as long as the ids, each of `2 · length_scale` frames. */
async function tinyPiper(): Promise<{ modelPath: string; configPath: string }> {
  const g = new GraphBuilder();
  const ids = g.input('input', 'int64', ['batch_size', 'phonemes']);
  g.input('input_lengths', 'int64', ['batch_size']);
  const scales = g.input('scales', 'float32', [3]);
  const x = g.op('Cast', [ids], { to: { int: 1 } });
  const scale = g.op('Slice', [scales, g.ints([1]), g.ints([2])]);
  const each = g.op('Ceil', [
    g.op('Mul', [g.scalar(2), g.op('Add', [g.op('Mul', [x, g.scalar(0)]), scale])]),
  ]);
  const frames = g.op('Cast', [g.op('ReduceSum', [each])], { to: { int: 7 } });
  const length = g.op('Mul', [g.op('Reshape', [frames, g.ints([1])]), g.ints([256])]);
  const shape = g.op('Concat', [g.ints([1, 1, 1]), length], { axis: { int: 0 } });
  const silence = g.op('Expand', [g.scalar(0), shape]);
  const noise = g.op('RandomNormalLike', [silence]);
  g.node('Mul', [noise, g.scalar(0.1)], { names: ['output'] });
  g.output('output', 'float32', ['batch_size', 1, 1, 'time']);
  const modelPath = path.join(folder, 'piper.onnx');
  await writeFile(modelPath, Buffer.concat(g.model({ name: 'piper', opset: 17 })));
  const configPath = `${modelPath}.json`;
  const symbols = ['_', '^', '$', ' ', ...'.,!?həloʊˈwɜːldɡʊbaɪ'];
  const config = {
    audio: { sample_rate: 22050 },
    espeak: { voice: 'en-us' },
    inference: { noise_scale: 0.667, length_scale: 1, noise_w: 0.8 },
    phoneme_type: 'espeak',
    phoneme_id_map: Object.fromEntries(symbols.map((symbol, i) => [symbol, [i]])),
  };
  await writeFile(configPath, JSON.stringify(config));
  return { modelPath, configPath };
}

/** Inputs and outputs of the Kokoro export: 600 samples a frame, three frames an id at speed 1, level = style[0]. */
async function tinyKokoro(): Promise<{ modelPath: string; stylePaths: Record<string, string> }> {
  const g = new GraphBuilder();
  const tokens = g.input('tokens', 'int64', [1, 'sequence_length']);
  const style = g.input('style', 'float32', [1, 256]);
  const speed = g.input('speed', 'float32', [1]);
  const zero = g.op('Mul', [g.op('Cast', [tokens], { to: { int: 1 } }), g.scalar(0)]);
  const each = g.op('Round', [g.op('Div', [g.op('Add', [zero, g.scalar(3)]), speed])]);
  const frames = g.op('Clip', [each, g.scalar(1)]);
  const total = g.op('Cast', [g.op('ReduceSum', [frames])], { to: { int: 7 } });
  const length = g.op('Mul', [g.op('Reshape', [total, g.ints([1])]), g.ints([600])]);
  const level = g.op('Reshape', [g.op('Slice', [style, g.ints([0]), g.ints([1]), g.ints([1])]), g.ints([1])]);
  g.node('Expand', [level, length], { names: ['audio'] });
  g.output('audio', 'float32', ['audio_length']);
  const modelPath = path.join(folder, 'kokoro.onnx');
  await writeFile(modelPath, Buffer.concat(g.model({ name: 'kokoro', opset: 17 })));
  const rows = Float32Array.from({ length: 510 * 256 }, (_, i) => (Math.floor(i / 256) + 1) / 1000);
  const stylePath = path.join(folder, 'af_heart.bin');
  await writeFile(stylePath, new Uint8Array(rows.buffer));
  return { modelPath, stylePaths: { af_heart: stylePath } };
}

describe('Piper', () => {
  it('pads phonemes as the voices were trained', () => {
    const map = { _: [0], '^': [1], $: [2], h: [20], i: [21], ː: [22] };
    expect(piperIds(['h', 'iː', 'X'], map)).toEqual({
      ids: [1, 0, 20, 0, 21, 0, 22, 0, 2],
      symbols: [
        { symbol: '', ids: 2 },
        { symbol: 'h', ids: 2 },
        { symbol: 'iː', ids: 4 },
        { symbol: '', ids: 1 },
      ],
    });
  });

  it('says the same thing the same way twice, slower when asked, with phoneme times', async () => {
    const piper = await Piper.load({ ...(await tinyPiper()), pool, phonemes, info, voice: joe });
    const request = { ...call(), text: 'Hello world. Goodbye!', voice: piper.voices[0]! };
    const first = await piper.synthesise(request);
    const second = await piper.synthesise(request);
    expect(first.pcm.some((sample) => sample !== 0)).toBe(true);
    expect(second.pcm).toEqual(first.pcm);
    expect(first.sampleRateHz).toBe(22050);
    const slow = await piper.synthesise({ ...request, rate: 0.75 });
    expect(slow.pcm.length).toBeGreaterThan(first.pcm.length);
    const times = first.phonemes!.map(({ startMs }) => startMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(first.phonemes!.map(({ phoneme }) => phoneme)).toContain('oʊ');
    expect(times.at(-1)).toBeLessThan((first.pcm.length / 22050) * 1000);
    await piper.close();
    await piper.close();
  });

  it('refuses a foreign voice, a broken configuration and work after an abort', async () => {
    const files = await tinyPiper();
    const piper = await Piper.load({ ...files, pool, phonemes, info, voice: joe });
    const request = { ...call(), text: 'Hello', voice: { ...piper.voices[0]!, id: 'other' } };
    await expect(piper.synthesise(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    const aborted = { ...request, voice: piper.voices[0]!, signal: AbortSignal.abort() };
    await expect(piper.synthesise(aborted)).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    await piper.close();
    const load = Piper.load({ ...files, configPath: files.modelPath, pool, phonemes, info, voice: joe });
    await expect(load).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
  });

  it('gives no sound for a text without words', async () => {
    const piper = await Piper.load({ ...(await tinyPiper()), pool, phonemes, info, voice: joe });
    expect((await piper.synthesise({ ...call(), text: ' … ', voice: piper.voices[0]! })).pcm.length).toBe(0);
    await piper.close();
  });
});

describe('Kokoro', () => {
  it('takes eSpeak phonemes to the inventory it was trained with', () => {
    expect(KOKORO_IDS.size).toBe(114);
    expect([KOKORO_IDS.get(';'), KOKORO_IDS.get('a'), KOKORO_IDS.get('ˈ'), KOKORO_IDS.get('ᵻ')]).toEqual([
      1, 43, 156, 177,
    ]);
    expect(
      ['ˈeɪ', 'tʃ', 'ɚ', 'ɐ', 'ˈɜː', 'ɾ', 'n̩'.normalize('NFD'), 'uː'].map((p) => toKokoro(p, 'en-us')),
    ).toEqual(['ˈA', 'ʧ', 'əɹ', 'ə', 'ˈɜɹ', 'T', 'ᵊn', 'u']);
    expect(toKokoro('əʊ', 'en-gb')).toBe('Q');
    expect(['ɾ', 'ɔ̃'.normalize('NFD'), 'ts', '¿'].map((p) => toKokoro(p, 'other'))).toEqual([
      'ɾ',
      'ɔ\u0303',
      'ʦ',
      '',
    ]);
  });

  it('cuts what is too long at a space', () => {
    const runs = kokoroRuns([...'aaa', ' ', ...'bb', ' ', ...'cc'], 'other', 6);
    expect(runs.map((run) => run.map(({ phoneme }) => phoneme).join(''))).toEqual(['aaa', 'bb cc']);
    expect(kokoroRuns(['.'], 'other', 6)).toEqual([]);
  });

  it('chooses the style row by the number of phonemes and gives their times', async () => {
    const kokoro = await Kokoro.load({ ...(await tinyKokoro()), pool, phonemes });
    expect(kokoro.voices.map(({ id }) => id)).toEqual(['kokoro-af_heart']);
    const speech = await kokoro.synthesise({ ...call(), text: 'Hi.', voice: kokoro.voices[0]! });
    // hˈI. is four ids: row 4 − 1 holds 4/1000; six ids of three frames of 25 ms.
    expect(speech.pcm[0]).toBeCloseTo(4 / 1000, 6);
    expect(speech.pcm.length).toBe(6 * 3 * 600);
    expect(speech.phonemes).toEqual([
      { phoneme: 'h', startMs: 75 },
      { phoneme: 'aɪ', startMs: 150 },
      { phoneme: '', startMs: 300 },
    ]);
    const request = { ...call(), text: 'Hi.', voice: { ...kokoro.voices[0]!, id: 'kokoro-other' } };
    await expect(kokoro.synthesise(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_BAD_REQUEST' });
    await kokoro.close();
  });

  it('says which style file is missing or broken', async () => {
    const { modelPath } = await tinyKokoro();
    const load = (stylePaths: Record<string, string>) =>
      Kokoro.load({ modelPath, stylePaths, pool, phonemes });
    await expect(load({})).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
    await expect(load({ af_heart: '/nowhere' })).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_MISSING' });
    await expect(load({ af_heart: modelPath })).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
  });
});

describe('sentences', () => {
  it('are joined with a pause, their phonemes moved', () => {
    const sentence = { pcm: new Float32Array(100).fill(1), phonemes: [{ phoneme: 'a', startMs: 10 }] };
    const joined = joinSentences([sentence, sentence], 1000, 50);
    expect(joined.pcm.length).toBe(250);
    expect(joined.phonemes).toEqual([
      { phoneme: 'a', startMs: 10 },
      { phoneme: 'a', startMs: 160 },
    ]);
    expect(joinSentences([], 1000).pcm.length).toBe(0);
  });

  it('give pauses for punctuation and none for spaces', () => {
    const symbols = ['', 'ˈa', ' ', 'b', ',', '”'].map((symbol) => ({ symbol, durationMs: 10 }));
    expect(phonemeTimes(symbols)).toEqual([
      { phoneme: 'a', startMs: 10 },
      { phoneme: 'b', startMs: 30 },
      { phoneme: '', startMs: 40 },
    ]);
  });
});

/** A plain check that sound is speech-like: neither silent, nor clipped, and about as long as the text takes to say. */
function expectSpeech(pcm: Float32Array, sampleRateHz: number, seconds: readonly [number, number]): void {
  expect(pcm.length / sampleRateHz).toBeGreaterThan(seconds[0]);
  expect(pcm.length / sampleRateHz).toBeLessThan(seconds[1]);
  const rms = Math.sqrt(pcm.reduce((sum, v) => sum + v * v, 0) / pcm.length);
  expect(rms).toBeGreaterThan(0.01);
  expect(pcm.filter((v) => Math.abs(v) >= 1).length / pcm.length).toBeLessThan(0.001);
}

const TEXT = 'The weather was lovely yesterday, so we walked along the river.';
const piperDir =
  process.env.LIVEDUB_TEST_PIPER_DIR ?? path.join(modelsDir(), 'piper-en-us-joe-medium', '1.0.0');
const kokoroDir = process.env.LIVEDUB_TEST_KOKORO_DIR ?? path.join(modelsDir(), 'kokoro-82m-int8', '1.0');
const styles = path.join(repositoryRoot, 'node_modules/kokoro-js/voices');

describe.runIf(existsSync(path.join(piperDir, 'en_US-joe-medium.onnx')))('the packaged Piper voice', () => {
  it('speaks, and twice alike', async () => {
    const modelPath = path.join(piperDir, 'en_US-joe-medium.onnx');
    const piper = await Piper.load({
      modelPath,
      configPath: `${modelPath}.json`,
      pool,
      phonemes,
      info,
      voice: joe,
    });
    const request = { ...call(), text: TEXT, voice: piper.voices[0] as Voice };
    const speech = await piper.synthesise(request);
    expectSpeech(speech.pcm, speech.sampleRateHz, [2.5, 6]);
    expect(speech.phonemes!.length).toBeGreaterThan(35);
    expect((await piper.synthesise(request)).pcm).toEqual(speech.pcm);
    await piper.close();
  }, 120_000);
});

describe.runIf(existsSync(path.join(kokoroDir, 'kokoro-v1.0.int8.onnx')))(
  'the packaged Kokoro voices',
  () => {
    it('speak', async () => {
      const kokoro = await Kokoro.load({
        modelPath: path.join(kokoroDir, 'kokoro-v1.0.int8.onnx'),
        stylePaths: { ef_dora: path.join(styles, 'ef_dora.bin') },
        pool,
        phonemes,
      });
      const text = 'Ayer hizo muy buen tiempo.';
      const speech = await kokoro.synthesise({ ...call(), text, voice: kokoro.voices[0]! });
      expectSpeech(speech.pcm, speech.sampleRateHz, [1, 4]);
      expect(speech.phonemes!.length).toBeGreaterThan(15);
      await kokoro.close();
    }, 300_000);
  },
);
