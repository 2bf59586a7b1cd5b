import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelsDir } from '../../../pipeline/cache-paths.ts';
import { SessionPool } from '../../session-pool.ts';
import { hasShared, noise, readWav } from '../test-speech.ts';
import { tokenStarts, withoutPauses } from './alignment.ts';
import { convertWhisper } from './convert-whisper.ts';
import { LogMel } from './log-mel.ts';
import { writeTinyWhisper } from './tiny-model.ts';
import { TokenText } from './token-text.ts';
import { WhisperDecoder } from './whisper-decoder.ts';
import { WhisperHost } from './whisper-host.ts';
import { WhisperRecogniser } from './whisper-recogniser.ts';
import { WhisperTranslator } from './whisper-translator.ts';

const { signal } = new AbortController();
const filesIn = (dir: string) => ({
  encoderPath: path.join(dir, 'encoder.onnx'),
  decoderPath: path.join(dir, 'decoder.onnx'),
  tokensPath: path.join(dir, 'whisper.json'),
});

describe('convertWhisper', { timeout: 30_000 }, () => {
  let tiny: Awaited<ReturnType<typeof writeTinyWhisper>>;
  const out = (name: string): string => path.join(tiny.dir, name);
  beforeAll(async () => {
    tiny = await writeTinyWhisper();
    for (const name of ['a', 'b']) await convertWhisper({ ...tiny, outDir: out(name), signal });
    await convertWhisper({ ...tiny, outDir: out('float'), precision: 'float32', signal });
  });
  afterAll(() => rm(tiny.dir, { recursive: true }));

  it('writes the same bytes every time, with their sums, and leaves nothing half done', async () => {
    expect((await readdir(out('a'))).sort()).toEqual([
      'SHA256SUMS',
      'decoder.onnx',
      'encoder.onnx',
      'whisper.json',
    ]);
    expect(await readFile(path.join(out('a'), 'SHA256SUMS'))).toEqual(
      await readFile(path.join(out('b'), 'SHA256SUMS')),
    );
  });

  it.each(['a', 'float'])('makes graphs that decode alike with and without a draft (%s)', async (name) => {
    const decoder = await WhisperDecoder.load(filesIn(out(name)));
    const request = {
      pcm: noise(16_000, 0.3),
      language: 'auto',
      task: 'transcribe',
      maxTokens: 8,
      align: true,
    } as const;
    const plain = await decoder.decode(request, () => undefined);
    expect(plain.attention).toHaveLength(plain.ids.length + 1);
    expect(['en', 'es']).toContain(plain.language);
    const drafted = await decoder.decode({ ...request, draft: plain.ids.slice(0, 3) }, () => undefined);
    expect(drafted.ids).toEqual(plain.ids);
    expect(drafted.meanLogProb).toBeCloseTo(plain.meanLogProb, 1);
  });

  it('refuses what is not a Whisper model and stops on request', async () => {
    const junk = path.join(tiny.dir, 'junk');
    await writeFile(junk, 'junk');
    const options = { ...tiny, outDir: out('c'), signal };
    for (const bad of [{ modelBin: [junk] }, { modelBin: [tiny.modelBin[0]!] }, { configJson: junk }]) {
      await expect(convertWhisper({ ...options, ...bad })).rejects.toMatchObject({
        code: 'LIVEDUB_E_MODEL_CORRUPT',
      });
    }
    const stopped = convertWhisper({ ...options, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect(existsSync(out('c'))).toBe(false);
  });
});

describe('LogMel', () => {
  it('agrees with the definition computed the long way', () => {
    const pcm = noise(3_200, 0.4);
    const got = new LogMel(80).compute(pcm, 40);
    // One frame well inside, by a plain DFT and Slaney triangles.
    const frame = 10;
    const power = Array.from({ length: 201 }, (_, k) => {
      let [re, im] = [0, 0];
      for (let i = 0; i < 400; i++) {
        const x = pcm[frame * 160 - 200 + i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 400));
        re += x * Math.cos((2 * Math.PI * k * i) / 400);
        im -= x * Math.sin((2 * Math.PI * k * i) / 400);
      }
      return re * re + im * im;
    });
    const toHz = (mel: number): number => (mel < 15 ? (mel * 200) / 3 : 1000 * 6.4 ** ((mel - 15) / 27));
    const top = 15 + (27 * Math.log(8)) / Math.log(6.4);
    const edge = (i: number): number => toHz((top * i) / 81);
    for (const band of [0, 7, 40, 79]) {
      const [low, mid, high] = [edge(band), edge(band + 1), edge(band + 2)];
      const energy = power.reduce((sum, value, k) => {
        const weight = Math.max(0, Math.min((40 * k - low) / (mid - low), (high - 40 * k) / (high - mid)));
        return sum + (value * weight * 2) / (high - low);
      }, 0);
      expect(got[band * 40 + frame]).toBeCloseTo((Math.log10(energy) + 4) / 4, 4);
    }
  });

  it('fills what lies behind the sound with the floor', () => {
    const mel = new LogMel(80).compute(noise(1_600, 0.4), 100);
    expect(mel[99]).toBeCloseTo(Math.max(...mel) - 2, 4);
  });
});

describe('word times', () => {
  it('follow the attention', () => {
    const rows = [0, 1, 2].map((token) =>
      Float32Array.from({ length: 60 }, (_, f) => (Math.floor(f / 20) === token ? 1 : 0)),
    );
    const starts = tokenStarts(rows, 1, 60);
    expect(starts.at(-1)).toBe(60);
    for (const [i, wanted] of [0, 20, 40].entries())
      expect(Math.abs(starts[i]! - wanted)).toBeLessThanOrEqual(3);
  });

  it('leave out the pause before a word', () => {
    const word = (startMs: number, endMs: number) => ({ startMs, endMs });
    expect(withoutPauses([word(0, 200), word(200, 400), word(400, 3_000)])[2]).toEqual(word(2_600, 3_000));
  });
});

describe('TokenText', () => {
  const text = new TokenText(['ĠÂ', '¿', 'Qu', 'Ã©', 'Ġdi', 'ces', '?', 'æĹ', '¥', 'æľ¬']);
  it('joins bytes to characters and tokens to words with their marks', () => {
    expect(text.decode([0, 1, 2, 3, 4, 5, 6])).toBe(' ¿Qué dices?');
    expect(text.words([0, 1, 2, 3, 4, 5, 6], 'es')).toEqual([
      { text: '¿Qué', from: 0, to: 4 },
      { text: 'dices?', from: 4, to: 7 },
    ]);
    expect(text.words([7, 8, 9], 'ja').map((word) => word.text)).toEqual(['日', '本']);
  });
});

const real = process.env.LIVEDUB_TEST_WHISPER_DIR ?? findConverted();
function findConverted(): string | undefined {
  const dir = path.join(modelsDir(), 'whisper-base', '1.0.0', 'converted');
  return existsSync(path.join(dir, 'encoder.onnx')) ? dir : undefined;
}

describe.skipIf(!real || !hasShared('speech/en/jfk_16k.wav'))('Whisper base', { timeout: 60_000 }, () => {
  let host: WhisperHost;
  beforeAll(async () => {
    host = await WhisperHost.load({ ...filesIn(real!), pool: new SessionPool() });
  }, 60_000);
  afterAll(() => host?.close());
  const call = { signal, priority: 'upload' } as const;

  it('hears the language, the words and when they are said', async () => {
    const pcm = readWav('speech/en/jfk_16k.wav');
    const heard = await new WhisperRecogniser({ host }).recognise({
      ...call,
      pcm,
      language: 'auto',
      final: true,
    });
    expect(heard).toMatchObject({ language: 'en' });
    expect(heard.rejected).toBeUndefined();
    expect(heard.text.toLowerCase()).toContain('what you can do for your country');
    expect(heard.words!.map((word) => word.text).join(' ')).toBe(heard.text);
    const country = heard.words!.at(-1)!;
    expect(country.endMs).toBeGreaterThan(9_900);
    expect(country.endMs).toBeLessThanOrEqual(11_000);
    for (const [i, word] of heard.words!.entries()) {
      expect(word.endMs).toBeGreaterThanOrEqual(word.startMs);
      if (i > 0) expect(word.startMs).toBeGreaterThanOrEqual(heard.words![i - 1]!.startMs);
    }
  });

  it('hears no words in silence and noise', async () => {
    const recogniser = new WhisperRecogniser({ host });
    for (const pcm of [new Float32Array(32_000), noise(48_000, 0.05)]) {
      const heard = await recogniser.recognise({ ...call, pcm, language: 'auto', final: true });
      expect(heard.rejected).toBe('noise');
    }
  });

  it('names the pairs it cannot translate and asks for the sound', async () => {
    const translator = new WhisperTranslator({ host });
    const ask = { ...call, text: 'hola', context: [], from: 'es' };
    await expect(translator.translate({ ...ask, to: 'fr' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_PAIR_UNSUPPORTED',
    });
    await expect(translator.translate({ ...ask, to: 'en' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_BAD_REQUEST',
    });
  });
});
