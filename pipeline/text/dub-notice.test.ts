import { describe, expect, it } from 'vitest';
import { formatCaptions } from './captions.ts';
import { dubNotice, withDubNotice } from './dub-notice.ts';

const clause = (startMs: number, endMs: number, text: string) => ({
  startUs: startMs * 1000,
  endUs: endMs * 1000,
  text,
});

describe('the notice of a dub', () => {
  it('is in the language of the dub, and in English where nobody has written it', () => {
    expect(dubNotice('es')).toBe('Doblado con IA');
    expect(dubNotice('pt-BR')).toBe(dubNotice('pt'));
    expect(dubNotice('xx')).toBe('Dubbed by AI');
  });

  it('is shown for 4 s before the first caption', () => {
    const cues = withDubNotice([clause(9000, 11_000, 'Hola.')], 'es');
    expect(cues[0]).toEqual(clause(0, 4000, '[Doblado con IA]'));
    expect(cues[1]).toEqual(clause(9000, 11_000, 'Hola.'));
  });

  it('gives way to speech that comes sooner', () => {
    expect(withDubNotice([clause(2000, 4000, 'Hola.')], 'es')[0]).toEqual(
      clause(0, 2000, '[Doblado con IA]'),
    );
  });

  it('goes into the first caption where speech begins at once, so that nothing is covered', () => {
    const cues = withDubNotice([clause(300, 2300, 'Hola a todos.'), clause(2300, 3000, 'Sí.')], 'es');
    expect(cues).toEqual([clause(300, 2300, '[Doblado con IA] Hola a todos.'), clause(2300, 3000, 'Sí.')]);
  });

  it('stands alone where nothing is said', () => {
    expect(formatCaptions('srt', withDubNotice([], 'fr'))).toContain('[Doublé par IA]');
  });
});
