import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClauseCutter } from './clause-cutter.ts';

/** Words of 400 ms each. */
const timed = (text: string) =>
  text.split(' ').map((word, i) => ({ text: word, startMs: i * 400, endMs: i * 400 + 400 }));

describe('ClauseCutter', () => {
  it('cuts at the end of a committed sentence', () => {
    const sentence = timed('This is one sentence. And here comes');
    expect(new ClauseCutter().next(sentence, 3)).toBe(0);
    expect(new ClauseCutter().next(sentence, 5)).toBe(4);
  });

  it('takes no abbreviation for the end of a sentence', () => {
    expect(new ClauseCutter().next(timed('We had met old Mr. Smith before then'), 8)).toBe(0);
  });

  it('cuts at a comma only when the clause is long enough', () => {
    expect(new ClauseCutter().next(timed('Well, this goes on'), 4)).toBe(0);
    expect(new ClauseCutter().next(timed('This is quite a long phrase already, which goes on'), 10)).toBe(7);
  });

  it('cuts a clause that never ends before a joining word', () => {
    const long = timed(
      'one two three four five six seven eight nine ten eleven and twelve thirteen fourteen fifteen sixteen',
    );
    expect(new ClauseCutter().next(long, 16)).toBe(11);
  });

  it('cuts what is stable when too much has gathered behind it', () => {
    const words = timed('one two three four and five six seven');
    const cutter = new ClauseCutter({ minPhraseMs: 1000, maxClauseMs: 2600, maxWaitMs: 3000 });
    expect(cutter.next(words.slice(0, 6), 5)).toBe(0);
    expect(cutter.next(words, 4)).toBe(4);
    expect(cutter.next(words, 6)).toBe(4);
    expect(cutter.next(words, 2)).toBe(0);
  });

  it('loses no word of a closed segment', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('one', 'two,', 'three.', 'and', 'Mr.', 'go!'), {
          minLength: 1,
          maxLength: 60,
        }),
        (texts) => {
          const words = timed(texts.join(' '));
          const clauses = new ClauseCutter().all(words);
          expect(clauses.flat()).toEqual(words);
          expect(clauses.every((clause) => clause.length > 0)).toBe(true);
        },
      ),
    );
  });
});
