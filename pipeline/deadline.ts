import { LivedubError } from './errors.ts';

/**
 * Calls an engine and gives it up after `timeoutMs`, even if it ignores its signal: the stage goes on without an answer.
 * @param timeoutMs undefined: as long as it takes
 * @throws LIVEDUB_E_ENGINE_FAILED when it took too long
 */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number | undefined,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return call(signal);
  const own = new AbortController();
  let giveUp: ((reason: unknown) => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  late.catch(() => undefined);
  const timer = setTimeout(() => {
    const error = new LivedubError(
      'LIVEDUB_E_ENGINE_FAILED',
      `${what} gave no answer within ${timeoutMs} ms.`,
    );
    giveUp?.(error);
    own.abort(error);
  }, timeoutMs);
  const onAbort = () => {
    giveUp?.(signal.reason);
    own.abort(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const answer = call(own.signal);
    answer.catch(() => undefined);
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
