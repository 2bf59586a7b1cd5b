import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS, LivedubError, toLivedubError } from './errors.ts';

describe('the error registry', () => {
  it('is what docs/errors.md says, code by code', () => {
    const doc = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...doc.matchAll(/^\| `(LIVEDUB_E_\w+)` \| (yes|no) \| (.+) \|$/gm)].map(
      ([, code, retry, remedy]) => ({ code, retry, remedy }),
    );
    const expected = Object.entries(ERRORS).map(([code, { retryable, remedy }]) => ({
      code,
      retry: retryable ? 'yes' : 'no',
      remedy,
    }));
    expect(rows).toEqual(expected);
  });

  it('keeps an error that has a code and names an abort as one', () => {
    const known = new LivedubError('LIVEDUB_E_CLOSED', 'closed');
    expect(toLivedubError(known)).toBe(known);
    expect(toLivedubError(new DOMException('stop', 'AbortError')).code).toBe('LIVEDUB_E_ABORTED');
    expect(toLivedubError('what', 'LIVEDUB_E_ENGINE_FAILED')).toMatchObject({
      code: 'LIVEDUB_E_ENGINE_FAILED',
      message: 'what',
    });
  });
});
