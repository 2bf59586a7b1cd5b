import { describe, expect, it } from 'vitest';
import { LocalAgreement, splitWords } from './local-agreement.ts';

const words = (text: string) => splitWords(text);

describe('LocalAgreement', () => {
  it('commits what two successive hypotheses agree on, but not the last word of a growing window', () => {
    const agreement = new LocalAgreement();
    expect(agreement.update(words('the'))).toBe(0);
    expect(agreement.update(words('the quick'))).toBe(1);
    expect(agreement.update(words('the quick brow'))).toBe(2);
    expect(agreement.update(words('the quick brown fox'))).toBe(2);
  });

  it('ignores case and punctuation', () => {
    const agreement = new LocalAgreement();
    agreement.update(words('Hello world'));
    expect(agreement.update(words('hello, World. And'))).toBe(2);
  });

  it('goes on from the rest after a commit', () => {
    const agreement = new LocalAgreement();
    agreement.update(words('one two three four'));
    agreement.update(words('one two three four five'));
    agreement.commit(2);
    expect(agreement.update(words('three four five six'))).toBe(3);
  });
});
