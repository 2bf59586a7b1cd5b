import { describe, expect, it } from 'vitest';
import { integratedLoudness } from '../audio/loudness.ts';
import { demandFor } from '../demand.ts';
import type { ClauseFrame, Frame, TranslationFrame, UtteranceFrame, WatermarkFrame } from '../frames.ts';
import { FAKE_ENGINE, FAKE_VOICE, fakeSynthesiser, fakeTranslator, memoryClauseLog } from '../ports/fakes.ts';
import { RenditionState } from '../rendition-state.ts';
import { runThrough } from '../stage-harness.ts';
import { CommitStage } from './commit.ts';
import { SynthesiseStage } from './synthesise.ts';
import { TranslateStage } from './translate.ts';

function clause(id: number, text: string): ClauseFrame {
  return {
    kind: 'clause',
    id,
    segmentId: id,
    language: 'en',
    text,
    startUs: id * 1e6,
    endUs: id * 1e6 + 900_000,
    confidence: 1,
    endsSegment: true,
    mediaTimeUs: id * 1e6 + 1_000_000,
    recogniser: FAKE_ENGINE,
    pitchHz: 120,
    pcm: new Float32Array(100),
  };
}

/** Somebody listens. */
function listening(): RenditionState {
  const state = new RenditionState('es');
  state.demand = demandFor([{ mode: 'synced', kind: 'mix' }]);
  return state;
}

const watermark = (mediaTimeUs: number): WatermarkFrame => ({ kind: 'watermark', mediaTimeUs });
const kinds = (frames: readonly Frame[]) => frames.map((frame) => frame.kind);

describe('CommitStage', () => {
  it('hands a clause on only once the log has it', async () => {
    const clauseLog = memoryClauseLog();
    const order: string[] = [];
    const slow = {
      ...clauseLog,
      append: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push('logged');
      },
    };
    const observer = { clause: () => void order.push('told') };
    const out = await runThrough(new CommitStage({ clauseLog: slow }), [clause(0, 'one'), watermark(1)], {
      observer,
    });
    expect(order).toEqual(['logged', 'told']);
    expect(kinds(out)).toEqual(['clause', 'watermark']);
  });

  it('stops the channel when the log cannot be written', async () => {
    const broken = { ...memoryClauseLog(), append: () => Promise.reject(new Error('disk full')) };
    await expect(runThrough(new CommitStage({ clauseLog: broken }), [clause(0, 'one')])).rejects.toThrow(
      'disk full',
    );
  });
});

describe('TranslateStage', () => {
  it('gives the clauses before as context, and the sound to engines that want it', async () => {
    const requests: { context: readonly string[]; pcm?: Float32Array }[] = [];
    const good = fakeTranslator();
    const translator = {
      ...good,
      needsAudio: true,
      translate: async (request: Parameters<typeof good.translate>[0]) => {
        requests.push(request);
        return good.translate(request);
      },
    };
    const stage = new TranslateStage({ translator, state: listening(), priority: 'upload' });
    await runThrough(
      stage,
      ['a', 'b', 'c', 'd', 'e'].map((text, id) => clause(id, text)),
    );
    expect(requests.at(-1)!.context).toEqual(['b', 'c', 'd']);
    expect(requests.at(-1)!.pcm).toBeDefined();
  });

  it('leaves a clause original when its translation fails, and goes on with the next', async () => {
    const good = fakeTranslator();
    const translator = {
      ...good,
      translate: async (request: Parameters<typeof good.translate>[0]) => {
        if (request.text === 'bad') throw new Error('no translation');
        return good.translate(request);
      },
    };
    const degraded: string[] = [];
    const stage = new TranslateStage({ translator, state: listening(), priority: 'upload' });
    const frames = [clause(0, 'bad'), watermark(1), clause(1, 'good'), watermark(2)];
    const out = await runThrough(stage, frames, { observer: { degraded: (name) => degraded.push(name) } });
    expect(kinds(out)).toEqual(['skipped', 'watermark', 'translation', 'watermark']);
    expect(degraded).toEqual(['translate:es']);
  });
});

describe('SynthesiseStage', () => {
  const translation = (id: number): TranslationFrame => ({
    kind: 'translation',
    clause: clause(id, 'x'),
    language: 'es',
    text: 'una frase de ejemplo',
    unknownWords: [],
    translator: FAKE_ENGINE,
    mediaTimeUs: id * 1e6,
  });
  const utterances = (frames: readonly Frame[]) =>
    frames.filter((f): f is UtteranceFrame => f.kind === 'utterance');

  it('speaks at −16 LUFS as heard on both channels', async () => {
    const stage = new SynthesiseStage({
      state: listening(),
      synthesiser: fakeSynthesiser(),
      voice: FAKE_VOICE,
      priority: 'upload',
    });
    const [utterance] = utterances(await runThrough(stage, [translation(0)]));
    expect(integratedLoudness([utterance!.pcm, utterance!.pcm])).toBeCloseTo(-16, 1);
  });

  it('asks for the pitch of the speaker', async () => {
    const asked: (number | undefined)[] = [];
    const good = fakeSynthesiser();
    const synthesiser = {
      ...good,
      synthesise: async (request: Parameters<typeof good.synthesise>[0]) => {
        asked.push(request.match?.pitchHz);
        return good.synthesise(request);
      },
    };
    await runThrough(
      new SynthesiseStage({ state: listening(), synthesiser, voice: FAKE_VOICE, priority: 'upload' }),
      [translation(0)],
    );
    expect(asked).toEqual([120]);
  });

  it('takes the fallback voice when the first one fails', async () => {
    const broken = { ...fakeSynthesiser(), synthesise: () => Promise.reject(new Error('stopped')) };
    const fallbackVoice = { ...FAKE_VOICE, id: 'plain' };
    const stage = new SynthesiseStage({
      state: listening(),
      synthesiser: broken,
      voice: FAKE_VOICE,
      priority: 'upload',
      fallback: { synthesiser: fakeSynthesiser(), voice: fallbackVoice },
    });
    const [utterance] = utterances(await runThrough(stage, [translation(0)]));
    expect(utterance!.voiceId).toBe('plain');
  });
});
