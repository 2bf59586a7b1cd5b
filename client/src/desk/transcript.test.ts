import { describe, expect, it } from 'vitest';
import type { TextEvent } from '../../../server/live/contract.ts';
import { addToTranscript, type TranscriptView } from './transcript.ts';

function viewOf(...events: TextEvent[]): TranscriptView {
  return events.reduce<TranscriptView | undefined>(
    (view, event) => addToTranscript(view, event),
    undefined,
  ) as TranscriptView;
}

const times = { startUs: 0, endUs: 1 };
const clause = (clauseId: number): TextEvent => ({
  kind: 'clause',
  clauseId,
  text: `clause ${clauseId}`,
  confidence: 1,
  ...times,
});

describe('the transcript of the desk', () => {
  it('puts translations and outcomes beside their clause', () => {
    const view = viewOf(
      clause(1),
      { kind: 'translation', clauseId: 1, language: 'es', text: 'uno', ...times },
      {
        kind: 'utterance',
        clauseId: 1,
        language: 'es',
        mode: 'interpret',
        outcome: 'skipped-lag',
        rate: 1,
        afterClauseMs: 0,
        ...times,
      },
    );
    expect(view.lines[0]?.translations.get('es')).toBe('uno');
    expect(view.lines[0]?.outcomes.get('es')).toBe('skipped-lag');
  });

  it('shows what is not committed until it is', () => {
    const guess: TextEvent = {
      kind: 'hypothesis',
      segmentId: 1,
      revision: 1,
      stable: 'a',
      unstable: 'b',
      ...times,
    };
    expect(viewOf(guess).partial).toEqual({ stable: 'a', unstable: 'b' });
    expect(viewOf(guess, clause(1)).partial).toBeUndefined();
  });

  it('keeps the newest clauses only, and passes over what belongs to a forgotten one', () => {
    const view = viewOf(...Array.from({ length: 100 }, (_, id) => clause(id)), {
      kind: 'translation',
      clauseId: 3,
      language: 'es',
      text: 'tres',
      ...times,
    });
    expect(view.lines).toHaveLength(60);
    expect(view.lines.at(-1)?.clauseId).toBe(99);
  });
});
