import { describe, expect, it } from 'vitest';
import { withDeadline } from './deadline.ts';

const signal = new AbortController().signal;

describe('withDeadline', () => {
  it('gives the answer, and errors as they come', async () => {
    expect(await withDeadline('It', 1000, signal, async () => 7)).toBe(7);
    await expect(
      withDeadline('It', 1000, signal, async () => {
        throw new Error('broke');
      }),
    ).rejects.toThrow('broke');
  });

  it('gives up an engine that never answers and tells it', async () => {
    let told = false;
    const call = (own: AbortSignal) => {
      own.addEventListener('abort', () => (told = true));
      return new Promise<never>(() => undefined);
    };
    await expect(withDeadline('The voice', 20, signal, call)).rejects.toMatchObject({
      code: 'LIVEDUB_E_ENGINE_FAILED',
      message: 'The voice gave no answer within 20 ms.',
    });
    expect(told).toBe(true);
  });

  it('ends at once when the channel is closed, although the engine does not', async () => {
    const abort = new AbortController();
    const waiting = withDeadline('It', 60_000, abort.signal, () => new Promise<never>(() => undefined));
    abort.abort(new Error('closed'));
    await expect(waiting).rejects.toThrow('closed');
    await expect(
      withDeadline('It', 60_000, abort.signal, () => new Promise<never>(() => undefined)),
    ).rejects.toThrow('closed');
  });
});
