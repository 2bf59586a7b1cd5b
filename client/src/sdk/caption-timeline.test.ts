import { describe, expect, it } from 'vitest';
import type { TextEvent } from '../../../server/live/contract.ts';
import { CaptionTimeline } from './caption-timeline.ts';

const LIVE = { language: 'en', source: 'en', delayMs: 0 };

function clause(text: string, startMs: number): TextEvent {
  return {
    kind: 'clause',
    clauseId: startMs,
    text,
    startUs: startMs * 1000,
    endUs: startMs * 1000 + 1e6,
    confidence: 1,
  };
}

function guess(stable: string, unstable: string): TextEvent {
  return { kind: 'hypothesis', segmentId: 1, revision: 1, stable, unstable, startUs: 0, endUs: 0 };
}

describe('captions', () => {
  it('show what is committed and, apart, what may still change', () => {
    const captions = new CaptionTimeline();
    captions.push(clause('Good evening.', 0), 'en', 0);
    captions.push(guess('and', 'well come'), 'en', 100);
    expect(captions.at(LIVE, 100)).toEqual({
      committed: 'Good evening.',
      stable: 'and',
      unstable: 'well come',
      notice: '',
    });
  });

  it('show no word twice when a guess is committed', () => {
    const captions = new CaptionTimeline();
    captions.push(guess('good evening', 'and we'), 'en', 0);
    captions.push(clause('Good evening,', 0), 'en', 100);
    expect(captions.at(LIVE, 100)).toEqual({
      committed: 'Good evening,',
      stable: '',
      unstable: 'and we',
      notice: '',
    });
    captions.push(clause('something else', 500), 'en', 200);
    expect(captions.at(LIVE, 200)).toMatchObject({ stable: '', unstable: '' });
  });

  it('say for 4 s that a machine dubs, apart from what it says, when the picture is there', () => {
    const captions = new CaptionTimeline();
    const synced = { language: 'es', source: 'en', delayMs: 6000 };
    captions.tick(10_000_000, 0);
    const times = { startUs: 9_000_000, endUs: 13_000_000 };
    captions.push({ kind: 'dub-notice', language: 'es', text: 'Doblado con IA', ...times }, 'en', 0);
    captions.push({ kind: 'translation', clauseId: 1, language: 'es', text: 'Hola.', ...times }, 'en', 0);
    expect(captions.at(synced, 4900)).toMatchObject({ committed: '', notice: '' });
    expect(captions.at(synced, 5100)).toMatchObject({ committed: 'Hola.', notice: 'Doblado con IA' });
    expect(captions.at({ ...synced, language: 'fr' }, 5100).notice).toBe('');
    expect(captions.at(synced, 9100).notice).toBe('');
  });

  it('go away when nobody has spoken for a while', () => {
    const captions = new CaptionTimeline();
    captions.push(clause('Good evening.', 0), 'en', 0);
    expect(captions.at(LIVE, 3900).committed).toBe('Good evening.');
    expect(captions.at(LIVE, 4100).committed).toBe('');
  });

  it('are held back by the delay, each until the picture reaches it', () => {
    const captions = new CaptionTimeline();
    const synced = { language: 'es', source: 'en', delayMs: 6000 };
    captions.tick(10_000_000, 0);
    captions.push(
      {
        kind: 'translation',
        clauseId: 1,
        language: 'es',
        text: 'Hola.',
        startUs: 9_000_000,
        endUs: 9_500_000,
      },
      'en',
      0,
    );
    expect(captions.at(synced, 4900).committed).toBe('');
    expect(captions.at(synced, 5100).committed).toBe('Hola.');
    expect(captions.at({ ...synced, delayMs: 0 }, 100).committed).toBe('Hola.');
  });

  it('have no guesses behind the live edge or in another language', () => {
    const captions = new CaptionTimeline();
    captions.push(guess('good', 'evening'), 'en', 0);
    expect(captions.at({ ...LIVE, delayMs: 6000 }, 10).unstable).toBe('');
    expect(captions.at({ ...LIVE, language: 'es' }, 10).unstable).toBe('');
  });

  it('roll: long talk keeps its newest words', () => {
    const captions = new CaptionTimeline();
    for (let at = 0; at < 20; at += 1)
      captions.push(clause(`Sentence number ${at} is said.`, at * 1000), 'en', at * 100);
    const { committed } = captions.at(LIVE, 2000);
    expect(committed.length).toBeLessThan(180);
    expect(committed.endsWith('Sentence number 19 is said.')).toBe(true);
  });
});
