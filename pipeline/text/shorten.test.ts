import { describe, expect, it } from 'vitest';
import { shorten } from './shorten.ts';

describe('shorten', () => {
  it.each([
    ['en', 'Well, you know, it is actually very simple.', 'It is simple.'],
    ['en', 'I think I think we we should go.', 'I think we should go.'],
    ['en', 'The mayor (who was late again) spoke – as he always does – to us.', 'The mayor spoke to us.'],
    ['en', 'Uh, the um committee, of course, agreed.', 'The committee, agreed.'],
    ['es', 'Bueno, la verdad es que es muy bonito.', 'Es bonito.'],
    ['fr', 'Alors, bien sûr, il est vraiment parti.', 'Il est parti.'],
    ['de', 'Also, er ist eigentlich sehr müde.', 'Er ist müde.'],
    ['it', 'Allora, è davvero una bella idea.', 'È una bella idea.'],
    ['pt', 'Bom, na verdade ele não veio.', 'Ele não veio.'],
  ])('drops what a hurried speaker would (%s)', (language, long, short) => {
    expect(shorten(long, language)).toBe(short);
  });

  it('keeps words that carry the sentence', () => {
    expect(shorten('I know you see well.', 'en')).toBe('I know you see well.');
    expect(shorten('You know what I mean to say, right?', 'en')).toContain('You know what');
    expect(shorten('She had had enough.', 'en').length).toBeGreaterThan(10);
  });

  it('never leaves nothing, and lets languages without a list be', () => {
    expect(shorten('Well, you know.', 'en')).not.toBe('');
    expect(shorten('Actually.', 'en')).toBe('Actually.');
    expect(shorten('Zeker, het is goed.', 'nl')).toBe('Zeker, het is goed.');
  });
});
