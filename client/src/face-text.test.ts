import { describe, expect, it } from 'vitest';
import { areLipsMoved, faceText, hasFaces } from './face-text.ts';

describe('what is said of faces', () => {
  it('gives the reason where lips stay as filmed, or do at times', () => {
    expect(faceText({ state: 'original', guard: 'profile' })).toBe(
      'As filmed at this moment: the head is turned too far.',
    );
    expect(faceText({ state: 'active', guard: 'occluded' })).toBe(
      'Lips follow the dub, not always: something is in front of the mouth.',
    );
    expect(faceText({ state: 'original' })).toBe('As filmed at this moment.');
    expect(faceText({ state: 'idle', guard: 'profile' })).not.toContain('head');
  });

  it('says that lips are moved also while they happen to be as filmed, and not before they can be', () => {
    expect(areLipsMoved({ state: 'original', guard: 'cut' })).toBe(true);
    for (const state of ['off', 'idle', 'starting', 'overloaded'] as const)
      expect(areLipsMoved({ state })).toBe(false);
  });

  it('offers the choice only where there is one', () => {
    expect(hasFaces({ state: 'idle' })).toBe(true);
    expect(hasFaces({ state: 'no-consent' })).toBe(false);
  });
});
