import { type ErrorCode, LivedubError } from '../../pipeline/errors.ts';

/** HTTP status of each error code; 500 where there is none. */
const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  LIVEDUB_E_BAD_REQUEST: 400,
  LIVEDUB_E_LANGUAGE_UNKNOWN: 400,
  LIVEDUB_E_SDP_INVALID: 400,
  LIVEDUB_E_UNAUTHORISED: 401,
  LIVEDUB_E_FORBIDDEN: 403,
  LIVEDUB_E_NOT_FOUND: 404,
  LIVEDUB_E_METHOD_NOT_ALLOWED: 405,
  LIVEDUB_E_NOT_ACCEPTABLE: 406,
  LIVEDUB_E_BODY_TIMEOUT: 408,
  LIVEDUB_E_CONFLICT: 409,
  LIVEDUB_E_PRECONDITION_FAILED: 412,
  LIVEDUB_E_BODY_TOO_LARGE: 413,
  LIVEDUB_E_MEDIA_TYPE: 415,
  LIVEDUB_E_INPUT_EMPTY: 422,
  LIVEDUB_E_INPUT_UNREADABLE: 422,
  LIVEDUB_E_PAIR_UNSUPPORTED: 422,
  LIVEDUB_E_LANGUAGE_NOT_RECOGNISED: 422,
  LIVEDUB_E_SDP_UNSUPPORTED: 422,
  LIVEDUB_E_PRECONDITION_REQUIRED: 428,
  LIVEDUB_E_TOO_MANY_REQUESTS: 429,
  LIVEDUB_E_QUEUE_FULL: 503,
  LIVEDUB_E_VERIFY_LIMIT: 503,
  LIVEDUB_E_CLOSED: 503,
  LIVEDUB_E_SFU_FAILED: 503,
  LIVEDUB_E_WORKER_DIED: 503,
};

/** What a client that met a 503 is asked to wait, s: about what a media worker or a dubbing worker takes to come back. */
const RETRY_AFTER_SECONDS = 2;

/** An address asked too often. */
export class TooManyRequestsError extends LivedubError {
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterMs: number) {
    super('LIVEDUB_E_TOO_MANY_REQUESTS', message);
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  }
}

export function statusOf(code: string): number {
  return STATUS_OF[code as ErrorCode] ?? 500;
}

/** Headers that an error's status asks for. */
export function headersOf(thrown: unknown, status: number): [string, string][] {
  if (status === 401) return [['www-authenticate', 'Bearer realm="livedub"']];
  if (thrown instanceof TooManyRequestsError) return [['retry-after', String(thrown.retryAfterSeconds)]];
  if (status === 503) return [['retry-after', String(RETRY_AFTER_SECONDS)]];
  return [];
}
