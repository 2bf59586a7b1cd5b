import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { EspeakEngine } from '../../models/engines/espeak/espeak-engine.ts';
import { EspeakSynthesiser } from '../../models/engines/espeak/espeak-synthesiser.ts';
import { PhonemeAligner } from '../../models/engines/phoneme-aligner/phoneme-aligner.ts';
import { PicoSynthesiser } from '../../models/engines/pico/pico-synthesiser.ts';
import { SessionPool } from '../../models/session-pool.ts';
import { AudioRing } from '../audio/ring.ts';
import { picoLingwareDir } from '../cache-paths.ts';
import { demandFor } from '../demand.ts';
import type { SpeechUpdate } from '../face/dubbed-speech.ts';
import type { PlayoutFrame, TranslationFrame, UtteranceFrame } from '../frames.ts';
import { FAKE_ENGINE, memoryClauseLog } from '../ports/fakes.ts';
import type { Synthesiser } from '../ports/synthesiser.ts';
import { RenditionState } from '../rendition-state.ts';
import { runThrough } from '../stage-harness.ts';
import { FitStage } from './fit.ts';
import { SynthesiseStage } from './synthesise.ts';

type Spoken = Extract<SpeechUpdate, { kind: 'utterance' }>;

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
const lingwareDir = [process.env.LIVEDUB_PICO_LINGWARE, picoLingwareDir(), '/usr/share/pico/lang'].find(
  (folder) => folder && existsSync(join(folder, 'es-ES_ta.bin')),
);
const pool = new SessionPool();
const espeak = new EspeakEngine({
  scriptPath: `${modules}@echogarden/espeak-ng-emscripten/espeak-ng.js`,
  pool,
});
afterAll(() => espeak.close());

const TEXT = 'Papá compró un pan, y después de comer, tomó café con pepinos. Además, pidió otro postre.';

function listening(face = true): RenditionState {
  const state = new RenditionState('es');
  state.demand = { ...demandFor([{ mode: 'synced', kind: 'mix' }]), face };
  return state;
}

function translation(endUs: number): TranslationFrame {
  const clause = {
    ...({
      kind: 'clause',
      id: 0,
      segmentId: 0,
      language: 'en',
      text: TEXT,
      startUs: 500_000,
      endUs,
    } as const),
    ...{ confidence: 1, endsSegment: true, mediaTimeUs: endUs, recogniser: FAKE_ENGINE, pitchHz: 0 },
    pcm: new Float32Array(1),
  };
  return {
    ...({ kind: 'translation', clause, language: 'es', text: TEXT, unknownWords: [] } as const),
    ...{ translator: FAKE_ENGINE, mediaTimeUs: endUs },
  };
}

function fitStage(options: { pacedBy: 'watermark' | 'playout'; onSpeech: (update: SpeechUpdate) => void }) {
  const ring = new AudioRing({ channels: 1, capacityMs: 30_000 });
  const planes = [new Float32Array(48_000 * 12)];
  ring.write({ kind: 'audio', mediaTimeUs: 0, sampleRateHz: 48_000, planes });
  return new FitStage({
    ...options,
    ...{ mode: 'synced', state: listening(), ring, delayMs: 6000, leadMs: 800 },
    ...{ clauseLog: memoryClauseLog(), voice: { synthesiser: FAKE_ENGINE, voiceId: 'v' } },
  });
}

/** The text as it will sound in a clause of so many seconds. */
async function speak(synthesiser: Synthesiser, clauseSeconds: number): Promise<Spoken> {
  const frame = translation(500_000 + clauseSeconds * 1e6);
  const voice = synthesiser.voices.find(({ language }) => language === 'es')!;
  const stage = new SynthesiseStage({
    ...{ state: listening(), synthesiser, voice, priority: 'upload' },
    aligner: new PhonemeAligner(espeak),
  });
  const [utterance] = await runThrough(stage, [frame]);
  const updates: SpeechUpdate[] = [];
  const fit = fitStage({ pacedBy: 'watermark', onSpeech: (update) => updates.push(update) });
  const next = {
    ...(utterance as UtteranceFrame),
    clauseId: 1,
    clauseStartUs: frame.clause.endUs,
    phonemes: [],
  };
  await runThrough(fit, [utterance as UtteranceFrame, next]);
  return updates.find((update) => update.kind === 'utterance') as Spoken;
}

/** Level from one moment to another, dB. */
function levelDb({ pcm, startUs }: Spoken, fromUs: number, toUs: number): number {
  const [from, to] = [fromUs, toUs].map((us) => Math.round(((us - startUs) * 48) / 1000));
  const part = pcm.subarray(Math.max(0, from!), Math.max(0, to!));
  return 10 * Math.log10(part.reduce((sum, x) => sum + x * x, 1e-9) / Math.max(1, part.length));
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Where phonemes say that there are vowels it is louder than where they say that lips or tongue shut the breath off. */
function contrastDb(spoken: Spoken): number {
  const vowels: number[] = [];
  const closures: number[] = [];
  for (const [i, { phoneme, startUs }] of spoken.phonemes.entries()) {
    const endUs = spoken.phonemes[i + 1]?.startUs ?? spoken.endUs;
    if (endUs - startUs < 20_000) continue;
    if (/[aeiou]/u.test(phoneme)) vowels.push(levelDb(spoken, startUs, endUs));
    if (/[ptk]/u.test(phoneme)) closures.push(levelDb(spoken, startUs, startUs + (endUs - startUs) / 2));
  }
  expect(vowels.length).toBeGreaterThan(20);
  expect(closures.length).toBeGreaterThan(8);
  return median(vowels) - median(closures);
}

function expectPhonemesOnTheSound(spoken: Spoken): void {
  const times = spoken.phonemes.map(({ startUs }) => startUs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]! - spoken.startUs).toBeGreaterThanOrEqual(0);
  expect(times[0]! - spoken.startUs).toBeLessThan(90_000);
  expect(spoken.endUs - times.at(-1)!).toBeLessThan(300_000);
  expect(contrastDb(spoken)).toBeGreaterThan(6);
}

describe('What a rendition says, as lips need it', () => {
  const engines: [string, () => Synthesiser, boolean][] = [
    ['eSpeak, which tells its phonemes', () => new EspeakSynthesiser(espeak), false],
    ['Pico, whose phonemes are found', pico, lingwareDir === undefined],
  ];

  describe.each(engines)('spoken by %s', (_what, open, isAbsent) => {
    it.skipIf(isAbsent)('has its phonemes where they sound, hurried and with its pauses cut', async () => {
      const synthesiser = open();
      const slow = await speak(synthesiser, 9);
      const fast = await speak(synthesiser, 3);
      await synthesiser.close();
      expect(slow.endUs - slow.startUs).toBeGreaterThan((fast.endUs - fast.startUs) * 1.15);
      expectPhonemesOnTheSound(slow);
      expectPhonemesOnTheSound(fast);
      // The same phonemes, were they left where they were: worse.
      const unmoved = { ...fast, phonemes: slow.phonemes.map((one) => ({ ...one })) };
      expect(contrastDb(fast)).toBeGreaterThan(contrastDb(unmoved) + 3);
    });
  });

  it('is told span first, then the utterance, and known only once it was told', async () => {
    const updates: SpeechUpdate[] = [];
    const stage = fitStage({ pacedBy: 'playout', onSpeech: (update) => updates.push(update) });
    const utterance: UtteranceFrame = {
      ...({
        kind: 'utterance',
        clauseId: 0,
        language: 'es',
        sourceText: 'x',
        text: 'x',
        voiceId: 'v',
      } as const),
      ...{ clauseStartUs: 2_000_000, clauseEndUs: 3_000_000, mediaTimeUs: 3_500_000 },
      ...{ pcm: new Float32Array(48_000).fill(0.1), phonemes: [{ phoneme: 'a', startMs: 250 }] },
      synthesiser: FAKE_ENGINE,
    };
    const playout = Array.from(
      { length: 100 },
      (_, i): PlayoutFrame => ({
        ...{ kind: 'playout', untilUs: 500_000 + i * 20_000, mediaTimeUs: 4_000_000 + i * 20_000 },
      }),
    );
    const out = await runThrough(stage, [utterance, ...playout]);
    expect(out.map(({ kind }) => kind).filter((kind) => kind !== 'playout')).toEqual([
      'dubbed-span',
      'placed',
    ]);
    const kinds = updates.map(({ kind }) => kind);
    expect(kinds[0]).toBe('dubbed-span');
    const at = kinds.indexOf('utterance');
    expect(updates[at]).toMatchObject({
      startUs: 2_000_000,
      phonemes: [{ phoneme: 'a', startUs: 2_250_000 }],
    });
    const known = (until: number) =>
      updates.slice(0, until).flatMap((update) => (update.kind === 'known' ? [update.untilUs] : []));
    expect(Math.max(...known(at))).toBeLessThanOrEqual(2_000_000);
    // Placed 800 ms before playout comes to it.
    expect(Math.max(...known(at))).toBeGreaterThan(2_000_000 - 20_001);
    expect(known(at).length * 20_000 + 500_000).toBeCloseTo(1_180_000, -5);
    expect(Math.max(...known(updates.length))).toBe(500_000 + 99 * 20_000 + 820_000);
  });
});

function pico(): PicoSynthesiser {
  const files = readdirSync(lingwareDir!).filter((file) => file.endsWith('.bin'));
  return new PicoSynthesiser({
    scriptPath: `${modules}@echogarden/svoxpico-wasm/svoxpico.js`,
    lingware: Object.fromEntries(files.map((file) => [file.slice(0, -4), join(lingwareDir!, file)])),
    pool,
  });
}
