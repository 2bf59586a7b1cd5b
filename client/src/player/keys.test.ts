import { describe, expect, it } from 'vitest';
import { actionOf } from './keys.ts';

const press = (key: string, more = {}) => ({
  key,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  ...more,
});

describe('keys of the player', () => {
  it('do what the list says', () => {
    expect(actionOf(press(' '), 'video')).toBe('play');
    expect(actionOf(press('K'), 'video')).toBe('play');
    expect(actionOf(press('ArrowUp'), 'button')).toBe('louder');
    expect(actionOf(press('?'), 'video')).toBe('help');
    expect(actionOf(press('x'), 'video')).toBeUndefined();
  });

  it('are left to the control that has the focus, and to the browser', () => {
    expect(actionOf(press(' '), 'button')).toBeUndefined();
    expect(actionOf(press('ArrowDown'), 'input')).toBeUndefined();
    expect(actionOf(press('c'), 'select')).toBeUndefined();
    expect(actionOf(press('m'), 'text')).toBeUndefined();
    expect(actionOf(press('c', { ctrlKey: true }), 'video')).toBeUndefined();
    expect(actionOf(press('Escape'), 'text')).toBe('close');
  });
});
