import { describe, expect, it } from 'vitest';
import { parseMode } from './modes.ts';
import { findRoutes } from './routes.ts';
import { decodeReply, encodeRequest } from './stream-format.ts';
import { prepareSource, tidyTarget } from './tidy.ts';

describe('parseMode', () => {
  it('makes a program and its arguments of each part, with null flush and marked unknown words', () => {
    const stages = parseMode(`lt-proc -w '/a b/en.bin' | tagger -g $2 '/x.prob' | lt-proc $1 '/gen.bin'\n`);
    expect(stages).toEqual([
      { command: 'lt-proc', args: ['-z', '-w', '/a b/en.bin'] },
      { command: 'tagger', args: ['-z', '-g', '/x.prob'] },
      { command: 'lt-proc', args: ['-z', '-g', '/gen.bin'] },
    ]);
  });

  it('keeps a bar inside quotes', () => {
    expect(parseMode(`lt-proc 'a|b'`)).toEqual([{ command: 'lt-proc', args: ['-z', 'a|b'] }]);
  });
});

describe('findRoutes', () => {
  const mode = (from: string, to: string) => ({ name: `${from}-${to}`, from, to, stages: [] });

  it('goes directly where it can, else through the better pivot', () => {
    const modes = [mode('en', 'es'), mode('en', 'ca'), mode('es', 'fr'), mode('ca', 'fr')];
    const pairs = findRoutes(modes).map(({ pair }) => pair);
    expect(pairs).toContainEqual({ from: 'en', to: 'es', tier: 'gist', via: [] });
    expect(pairs).toContainEqual({ from: 'en', to: 'fr', tier: 'gist', via: ['es'] });
    expect(pairs).toContainEqual({ from: 'es', to: 'fr', tier: 'fair', via: [] });
  });

  it('offers nothing that needs more than one language between', () => {
    const pairs = findRoutes([mode('en', 'es'), mode('es', 'pt'), mode('pt', 'gl')]).map(({ pair }) => pair);
    expect(pairs.some(({ from, to }) => from === 'en' && to === 'gl')).toBe(false);
  });
});

describe('stream format', () => {
  it('escapes whatever Apertium would read as markup, and ends in NUL', () => {
    expect(encodeRequest('a^b$ [c] {d} <e> f/g \\ @h')).toBe(
      'a\\^b\\$ \\[c\\] \\{d\\} \\<e\\> f\\/g \\\\ \\@h[][\n]\0',
    );
    expect(encodeRequest('one\0two\nthree')).toBe('one two three[][\n]\0');
  });

  it('takes marks out and reports the words', () => {
    expect(decodeReply('El *kinda @what #ir \\[sic\\][][\n]')).toEqual({
      text: 'El kinda what ir [sic]',
      unknownWords: ['kinda', 'what'],
    });
  });
});

describe('prepareSource', () => {
  it.each([
    ["I don’t know, it's fine.", 'I do not know, it is fine.'],
    ["She's been here and he'd gone.", 'She has been here and he had gone.'],
    ["Can't you see? We're gonna win.", 'Cannot you see? We are going to win.'],
    ["That's John's car; let's go.", "That is John's car; we go."],
  ])('writes %s in full', (spoken, written) => {
    expect(prepareSource(spoken, 'en')).toBe(written);
  });

  it('leaves other languages alone, but for the apostrophe', () => {
    expect(prepareSource('L’home d’aquí', 'ca')).toBe("L'home d'aquí");
  });
});

describe('tidyTarget', () => {
  it('follows the source in first letter and closing mark', () => {
    expect(tidyTarget('hola  mundo', 'Hello world.', 'pt')).toBe('Hola mundo.');
    expect(tidyTarget('y entonces', 'and then', 'es')).toBe('y entonces');
  });

  it('opens Spanish questions and exclamations', () => {
    expect(tidyTarget('Qué es esto ? Bien !', 'What is this? Fine!', 'es')).toBe('¿Qué es esto? ¡Bien!');
  });

  it('keeps the space before French punctuation', () => {
    expect(tidyTarget('vraiment ?', 'Really?', 'fr')).toBe('Vraiment ?');
  });
});
