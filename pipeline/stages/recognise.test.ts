import { describe, expect, it } from 'vitest';
import type { ClauseFrame, Frame, HypothesisFrame } from '../frames.ts';
import { fakeRecogniser, fakeVad, framesOf, SCRIPT_WORD_MS, spokenScript } from '../ports/fakes.ts';
import { runThrough } from '../stage-harness.ts';
import { RecogniseStage } from './recognise.ts';
import { SegmentStage } from './segment.ts';

async function recognise(words: readonly string[], recogniser = fakeRecogniser(words)) {
  const segments = await runThrough(new SegmentStage({ vad: fakeVad() }), framesOf(spokenScript(words)));
  const skipped: unknown[] = [];
  const stage = new RecogniseStage({ recogniser, language: 'en', priority: 'upload' });
  const frames: Frame[] = await runThrough(stage, segments, {
    observer: { skippedSpeech: (s) => skipped.push(s) },
  });
  return {
    clauses: frames.filter((f): f is ClauseFrame => f.kind === 'clause'),
    hypotheses: frames.filter((f): f is HypothesisFrame => f.kind === 'hypothesis'),
    frames,
    skipped,
  };
}

const SPEECH = (
  'Today we go up to the old mill. It stands at the river, and the water still turns its wheel every day ' +
  'so that people come from far away to look at it because nobody has seen one like it before in this land'
).split(' ');

describe('RecogniseStage', () => {
  it('commits every word once and in order, although it trims the sound of what it committed', async () => {
    const { clauses } = await recognise([...SPEECH, '~', '~', '~', 'And', 'then', 'we', 'rest.']);
    expect(clauses.map((clause) => clause.text).join(' ')).toBe([...SPEECH, 'And then we rest.'].join(' '));
    expect(clauses.map((clause) => clause.id)).toEqual(clauses.map((_, i) => i));
  });

  it('commits clauses while their segment still goes on', async () => {
    const { clauses } = await recognise(SPEECH);
    expect(clauses[0]!.text).toBe('Today we go up to the old mill.');
    expect(clauses[0]!.endsSegment).toBe(false);
    expect(clauses[0]!.mediaTimeUs - clauses[0]!.endUs).toBeLessThan(2_000_000);
    expect(clauses.at(-1)!.endsSegment).toBe(true);
  });

  it('places clauses where their words are', async () => {
    const { clauses } = await recognise(SPEECH);
    let words = 0;
    for (const clause of clauses) {
      expect(Math.abs(clause.startUs / 1000 - words * SCRIPT_WORD_MS)).toBeLessThan(150);
      words += clause.text.split(' ').length;
    }
  });

  it('never takes back a stable word', async () => {
    const { hypotheses } = await recognise(SPEECH.slice(0, 7));
    for (const [i, hypothesis] of hypotheses.entries()) {
      const stable = hypothesis.words.slice(0, hypothesis.stablePrefix).map((word) => word.text);
      const later = hypotheses[i + 1]?.words.slice(0, stable.length).map((word) => word.text);
      if (later) expect(later).toEqual(stable);
    }
  });

  it('gives a first hypothesis within 500 ms of the onset', async () => {
    const { hypotheses } = await recognise(['~', '~', ...SPEECH]);
    expect(hypotheses[0]!.mediaTimeUs - hypotheses[0]!.speechStartUs).toBeLessThanOrEqual(500_000);
  });

  it('does not say a word twice whose end was left before a cut', async () => {
    const heard = fakeRecogniser(SPEECH);
    let last = '';
    const echoing = {
      ...heard,
      recognise: async (request: Parameters<typeof heard.recognise>[0]) => {
        const recognition = await heard.recognise(request);
        const first = recognition.text.split(' ')[0];
        const before = first === undefined ? -1 : SPEECH.indexOf(first) - 1;
        if (before < 0 || !last) {
          last = recognition.text;
          return recognition;
        }
        // As if the sound began a little before the cut.
        const words = [
          { text: SPEECH[before]!, startMs: 0, endMs: 20, confidence: 1 },
          ...recognition.words!,
        ];
        return { ...recognition, words, text: words.map((word) => word.text).join(' ') };
      },
    };
    const { clauses } = await recognise(SPEECH.slice(0, 20), echoing);
    expect(clauses.map((clause) => clause.text).join(' ')).toBe(SPEECH.slice(0, 20).join(' '));
  });

  it('leaves speech in another language original and says so', async () => {
    const heard = fakeRecogniser(SPEECH);
    const foreign = {
      ...heard,
      recognise: async (request: Parameters<typeof heard.recognise>[0]) => ({
        ...(await heard.recognise(request)),
        rejected: 'language' as const,
      }),
    };
    const { clauses, skipped } = await recognise(SPEECH.slice(0, 8), foreign);
    expect(clauses).toEqual([]);
    expect(skipped).toMatchObject([{ reason: 'language' }]);
  });

  it('goes on after an engine failed, and hands every watermark on after what it covers', async () => {
    let calls = 0;
    const heard = fakeRecogniser(SPEECH);
    const flaky = {
      ...heard,
      recognise: async (request: Parameters<typeof heard.recognise>[0]) => {
        calls += 1;
        if (calls % 3 === 0 && !request.final) throw new Error('engine stumbled');
        return heard.recognise(request);
      },
    };
    const { clauses, frames } = await recognise(SPEECH, flaky);
    expect(clauses.map((clause) => clause.text).join(' ')).toBe(SPEECH.join(' '));
    let watermarkUs = -1;
    for (const frame of frames) {
      expect(frame.mediaTimeUs).toBeGreaterThanOrEqual(watermarkUs);
      if (frame.kind === 'watermark') watermarkUs = frame.mediaTimeUs;
    }
  });
});
