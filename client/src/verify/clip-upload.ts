import type { VerifyReport } from '../../../server/verify/contract.ts';
import { LiveProblem, problemOf } from '../sdk/problem.ts';

export interface ClipUploadOptions {
  readonly clip: Blob;
  /** Aborting takes the clip back: the server stops and forgets it. */
  readonly signal: AbortSignal;
  /** Share of the clip that has been sent, 0…1; 1 when the server has it and examines it. */
  readonly onSent: (share: number) => void;
}

/** What the server would not take, and when it may be asked again. */
export class RefusedClip extends LiveProblem {
  /** As the server says; absent where waiting does not help. */
  readonly retryAfterS: number | undefined;

  constructor(problem: ConstructorParameters<typeof LiveProblem>[0], status: number, retryAfterS?: number) {
    super(problem, status);
    this.retryAfterS = retryAfterS;
  }
}

/**
 * Sends a clip to POST /v1/verify. XMLHttpRequest, as fetch does not say how much of a body has been sent.
 * @throws RefusedClip what the server says, or `LIVEDUB_E_UNREACHABLE`; DOMException AbortError
 */
export function checkClip({ clip, signal, onSent }: ClipUploadOptions): Promise<VerifyReport> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    };
    const unreachable = () =>
      fail(
        new RefusedClip(
          {
            code: 'LIVEDUB_E_UNREACHABLE',
            message: navigator.onLine ? 'The server does not answer.' : 'This device is offline.',
            remedy: 'Check the connection and try again.',
          },
          0,
        ),
      );
    request.open('POST', '/v1/verify');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('accept', 'application/json');
    request.upload.addEventListener('progress', ({ loaded, total }) => onSent(total ? loaded / total : 0));
    request.upload.addEventListener('load', () => onSent(1));
    request.addEventListener('error', unreachable);
    request.addEventListener('abort', () => fail(signal.reason));
    request.addEventListener('load', () => {
      const answer = parse(request.responseText);
      if (request.status !== 200 || answer === undefined) {
        const seconds = Number(request.getResponseHeader('retry-after'));
        return fail(
          new RefusedClip(
            problemOf(answer, request.status),
            request.status,
            seconds > 0 ? seconds : undefined,
          ),
        );
      }
      signal.removeEventListener('abort', stop);
      // Same origin, same version: the server checked what it sends.
      resolve(answer as VerifyReport);
    });
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    request.send(clip);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
