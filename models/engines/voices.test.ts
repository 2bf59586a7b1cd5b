import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estimatePitchHz } from '../../pipeline/audio/pitch.ts';
import { resample } from '../../pipeline/audio/resample.ts';
import { picoLingwareDir } from '../../pipeline/cache-paths.ts';
import type { Synthesiser } from '../../pipeline/ports/synthesiser.ts';
import { SessionPool } from '../session-pool.ts';
import { GuardedThread } from './engine-thread-guard.ts';
import { EspeakEngine } from './espeak/espeak-engine.ts';
import { EspeakSynthesiser } from './espeak/espeak-synthesiser.ts';
import { PicoSynthesiser } from './pico/pico-synthesiser.ts';
import { planVoiceMatch } from './voice-match.ts';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const lingwareDir = [process.env.LIVEDUB_PICO_LINGWARE, picoLingwareDir(), '/usr/share/pico/lang'].find(
  (folder) => folder && existsSync(join(folder, 'es-ES_ta.bin')),
);
const call = () => ({ signal: new AbortController().signal, priority: 'upload' as const });
const TEXTS: Readonly<Record<string, string>> = {
  es: 'Mañana iremos al mercado para comprar fruta.',
  fr: 'Nous irons au marché demain matin.',
  it: 'Domani andremo al mercato.',
  de: 'Morgen gehen wir auf den Markt.',
  en: 'Tomorrow we will go to the market.',
  pt: 'Amanhã vamos ao mercado.',
  ca: 'Demà anirem al mercat.',
  gl: 'Mañá iremos ao mercado.',
};

function synthesise(
  engine: Synthesiser,
  language: string,
  more: { rate?: number; pitchHz?: number; text?: string } = {},
) {
  const voice = engine.voices.find((voice) => voice.language === language);
  if (voice === undefined) throw new Error(`no ${language} voice`);
  const { rate = 1, pitchHz, text = TEXTS[language] ?? '' } = more;
  return engine.synthesise({
    ...call(),
    text,
    voice,
    rate,
    ...(pitchHz === undefined ? {} : { match: { pitchHz } }),
  });
}

describe('planVoiceMatch', () => {
  it('leaves a voice alone when the pitch is unknown', () => {
    expect(planVoiceMatch(180, 0, 1.1)).toEqual({ pitch: 1, rate: 1.1, tape: 1 });
  });

  it.each([90, 150, 180, 210, 400])('keeps tempo and limits for a speaker of %i Hz', (targetHz) => {
    const { pitch, rate, tape } = planVoiceMatch(180, targetHz, 1);
    expect(pitch * tape).toBeGreaterThanOrEqual(1 / 1.2 - 1e-9);
    expect(pitch * tape).toBeLessThanOrEqual(1.2 + 1e-9);
    expect(rate * tape).toBeCloseTo(1, 9);
  });
});

describe.skipIf(lingwareDir === undefined)('PicoSynthesiser', () => {
  const pool = new SessionPool();
  let pico: PicoSynthesiser;
  beforeAll(() => {
    const files = readdirSync(lingwareDir!).filter((file) => file.endsWith('.bin'));
    pico = new PicoSynthesiser({
      scriptPath: `${modules}@echogarden/svoxpico-wasm/svoxpico.js`,
      lingware: Object.fromEntries(files.map((file) => [file.slice(0, -4), join(lingwareDir!, file)])),
      pool,
    });
  });
  afterAll(() => pico.close());

  it.each(['es', 'fr', 'it', 'de', 'en'])('speaks %s at its own pitch', async (language) => {
    const { pcm, sampleRateHz } = await synthesise(pico, language);
    expect(sampleRateHz).toBe(16_000);
    expect(pcm.length / sampleRateHz).toBeGreaterThan(1);
    const voice = pico.voices.find((voice) => voice.language === language)!;
    expect(Math.abs(estimatePitchHz(pcm) / voice.pitchHz - 1)).toBeLessThan(0.08);
  });

  it('gives the same samples for the same request', async () => {
    const [first, second] = [await synthesise(pico, 'es'), await synthesise(pico, 'es')];
    expect(Buffer.from(first.pcm.buffer).equals(Buffer.from(second.pcm.buffer))).toBe(true);
  });

  it('comes near a speaker’s pitch without changing the tempo', async () => {
    const plain = await synthesise(pico, 'es');
    const lower = await synthesise(pico, 'es', { pitchHz: 170 });
    expect(Math.abs(estimatePitchHz(lower.pcm) / 170 - 1)).toBeLessThan(0.08);
    expect(Math.abs(lower.pcm.length / plain.pcm.length - 1)).toBeLessThan(0.06);
  });

  it('speaks faster and slower within its limits', async () => {
    const seconds = async (rate: number) => (await synthesise(pico, 'es', { rate })).pcm.length / 16_000;
    expect(await seconds(1.2)).toBeLessThan((await seconds(1)) * 0.9);
    expect(Math.abs((await seconds(3)) - (await seconds(1.2)))).toBeLessThan(0.02);
  });

  it('reads markup as text', async () => {
    const plain = await synthesise(pico, 'en', { text: 'one two' });
    const marked = await synthesise(pico, 'en', { text: 'one <speed level="500"> two' });
    expect(marked.pcm.length).toBeGreaterThan(plain.pcm.length);
  });

  it('stops on request and speaks again', async () => {
    const controller = new AbortController();
    const voice = pico.voices[0]!;
    const long = 'Esta frase es muy larga. '.repeat(400);
    const asked = pico.synthesise({
      signal: controller.signal,
      priority: 'live',
      text: long,
      voice,
      rate: 1,
    });
    setTimeout(() => controller.abort(), 50);
    await expect(asked).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect((await synthesise(pico, 'es')).pcm.length).toBeGreaterThan(16_000);
  });
});

describe('EspeakSynthesiser', () => {
  const engine = new EspeakEngine({
    scriptPath: `${modules}@echogarden/espeak-ng-emscripten/espeak-ng.js`,
    pool: new SessionPool(),
  });
  const espeak = new EspeakSynthesiser(engine);
  afterAll(() => engine.close());

  it.each(['pt', 'ca', 'gl', 'es', 'en'])('speaks %s and tells when each phoneme is', async (language) => {
    const { pcm, sampleRateHz, phonemes = [] } = await synthesise(espeak, language);
    const durationMs = (1000 * pcm.length) / sampleRateHz;
    expect(durationMs).toBeGreaterThan(800);
    expect(phonemes.length).toBeGreaterThan(10);
    for (const [at, { startMs }] of phonemes.entries()) {
      expect(startMs).toBeGreaterThanOrEqual(phonemes[at - 1]?.startMs ?? 0);
      expect(startMs).toBeLessThanOrEqual(durationMs + 1);
    }
  });

  it('gives the same samples whatever it spoke before', async () => {
    const first = await synthesise(espeak, 'ca');
    await synthesise(espeak, 'pt', { rate: 1.3, pitchHz: 160 });
    const second = await synthesise(espeak, 'ca');
    expect(Buffer.from(first.pcm.buffer).equals(Buffer.from(second.pcm.buffer))).toBe(true);
  });

  it('comes near a speaker’s pitch', async () => {
    const { pcm, sampleRateHz } = await synthesise(espeak, 'es', { pitchHz: 130 });
    expect(Math.abs(estimatePitchHz(resample(pcm, sampleRateHz, 16_000)) / 130 - 1)).toBeLessThan(0.15);
  });
});

describe('GuardedThread', () => {
  it('ends a thread that does not answer, and starts another for the next request', async () => {
    const thread = new GuardedThread({
      entry: new URL('./espeak/espeak-thread.ts', import.meta.url),
      label: 'eSpeak NG',
      engine: 'espeak-ng',
      pool: new SessionPool(),
      load: { scriptPath: `${modules}@echogarden/espeak-ng-emscripten/espeak-ng.js` },
      timeoutMs: 1_000,
    });
    const reading = { voice: 'en-us', rate: 165, pitch: 50 };
    const endless = thread.request(
      'read',
      { ...reading, text: 'This goes on and on. '.repeat(1_500) },
      call(),
    );
    await expect(endless).rejects.toMatchObject({ code: 'LIVEDUB_E_ENGINE_FAILED' });
    await expect(thread.request('read', { ...reading, text: 'Hello.' }, call())).resolves.toBeDefined();
    await thread.close();
    await expect(thread.request('read', { ...reading, text: 'Hello.' }, call())).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });
});
