import { describe, expect, it } from 'vitest';
import { type RecordedFace, type RecordingState, withFace } from './recording-state.ts';

describe('the state of a recording', () => {
  it('keeps languages in the order in which their lips began to move, whichever file is made first', () => {
    const [es, fr] = ['es', 'fr'].map((language): RecordedFace => ({ language, state: 'pending' }));
    const empty: RecordingState = {
      ...{ id: 'talk', title: 'A talk', from: 'en', startedAt: '2026-01-02T03:04:05.000Z', dubNotice: true },
      ...{ state: 'done', durationMs: 1000, parts: [], captions: [], faces: [] },
    };
    const both = withFace(withFace(empty, es!), fr!);
    expect(both.faces).toEqual([es, fr]);
    const made = { ...es!, state: 'done' } as const;
    expect(withFace(both, made).faces).toEqual([made, fr]);
    expect(both.faces).toEqual([es, fr]);
  });
});
