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

  it('lets one doubtful word hold nothing up when it must not wait', () => {
    const update = (patient: boolean) => {
      const agreement = new LocalAgreement();
      agreement.update(words('the juice changed its color depending on how a steddle'));
      return agreement.update(words('the juice changes color depending on how acidic the'), patient);
    };
    expect(update(true)).toBe(2);
    expect(update(false)).toBe(7);
  });

  it('goes on from the rest after a commit', () => {
    const agreement = new LocalAgreement();
    agreement.update(words('one two three four'));
    agreement.update(words('one two three four five'));
    agreement.commit(2);
    expect(agreement.update(words('three four five six'))).toBe(3);
  });
});
