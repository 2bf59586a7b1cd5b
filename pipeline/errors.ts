/**
 * Every error a person or a program can meet has one stable code. The registry below is the only place where codes,
 * their retry advice and their remedy live; docs/errors.md is printed from it.
 */
export const ERRORS = {
  LIVEDUB_E_INPUT_NOT_FOUND: { retryable: false, remedy: 'Check the path or URL of the input.' },
  LIVEDUB_E_INPUT_IS_DIRECTORY: { retryable: false, remedy: 'Name one media file, not a folder.' },
  LIVEDUB_E_INPUT_EMPTY: { retryable: false, remedy: 'The file has no bytes: copy or upload it again.' },
  LIVEDUB_E_INPUT_UNREADABLE: {
    retryable: false,
    remedy: 'FFmpeg cannot read this file: check it with `ffprobe FILE`, or re-export it as MP4, MKV or WAV.',
  },
  LIVEDUB_E_INPUT_NO_AUDIO: {
    retryable: false,
    remedy: 'The input has no audio track, so there is no speech to dub.',
  },
  LIVEDUB_E_INPUT_NO_SPEECH: {
    retryable: false,
    remedy: 'No speech was found. Check that the right audio track is first in the file.',
  },
  LIVEDUB_E_LANGUAGE_UNKNOWN: { retryable: false, remedy: 'Use an ISO 639-1 code such as en, es or fr.' },
  LIVEDUB_E_LANGUAGE_NOT_RECOGNISED: {
    retryable: false,
    remedy:
      'No installed engine recognises this spoken language: see `livedub models list`, then `livedub models pull`.',
  },
  LIVEDUB_E_PAIR_UNSUPPORTED: {
    retryable: false,
    remedy: 'Choose a supported pair, or install an engine for it: `livedub models list`.',
  },
  LIVEDUB_E_OUTPUT_NOT_WRITABLE: { retryable: false, remedy: 'Choose a folder you may write to with --out.' },
  LIVEDUB_E_OUTPUT_DISK_FULL: {
    retryable: true,
    remedy: 'Free some space, or choose another folder with --out.',
  },
  LIVEDUB_E_MARK_KEY: {
    retryable: false,
    remedy: 'Set LIVEDUB_MARK_KEY to base64 of 32 random bytes: `openssl rand -base64 32` makes it.',
  },
  LIVEDUB_E_MODEL_MISSING: { retryable: false, remedy: 'Run `livedub models pull`.' },
  LIVEDUB_E_MODEL_CORRUPT: { retryable: true, remedy: 'Run `livedub models pull` to fetch it again.' },
  LIVEDUB_E_MODEL_LICENCE: {
    retryable: false,
    remedy: 'The licence of this model forbids commercial use: allow it with LIVEDUB_ALLOW_NONCOMMERCIAL=1.',
  },
  LIVEDUB_E_MODEL_FETCH: {
    retryable: true,
    remedy:
      'No source of this model answered: check the network, or name a mirror with LIVEDUB_MODEL_MIRROR.',
  },
  LIVEDUB_E_ENGINE_FAILED: {
    retryable: true,
    remedy: 'An engine stopped: see the cause, and run `livedub doctor`.',
  },
  LIVEDUB_E_DEPENDENCY_MISSING: {
    retryable: false,
    remedy: 'Run `livedub doctor`; it names what is missing and how to get it.',
  },
  LIVEDUB_E_SFU_FAILED: {
    retryable: true,
    remedy: 'The media worker stopped: it is restarted by itself; try again.',
  },
  LIVEDUB_E_CHANNEL_OVERFLOW: {
    retryable: true,
    remedy: 'A queue was full and its policy is to fail: the machine is too slow for this load.',
  },
  LIVEDUB_E_RING_LAPPED: {
    retryable: false,
    remedy: 'A reader fell behind its ring buffer: give the ring more room, or the reader more time.',
  },
  LIVEDUB_E_GPU_MEMORY: {
    retryable: true,
    remedy: 'The GPU has too little memory for this: make fewer or smaller pictures at a time.',
  },
  LIVEDUB_E_CLOSED: { retryable: false, remedy: 'This object is closed.' },
  LIVEDUB_E_ABORTED: { retryable: true, remedy: 'Stopped on request.' },
  LIVEDUB_E_BAD_REQUEST: { retryable: false, remedy: 'Correct the named field.' },
  LIVEDUB_E_PORT_IN_USE: {
    retryable: true,
    remedy: 'Choose another port with LIVEDUB_PORT, or end the program that has it.',
  },
  LIVEDUB_E_USAGE: { retryable: false, remedy: 'Run `livedub --help` to see commands and options.' },
  LIVEDUB_E_NOT_FOUND: {
    retryable: false,
    remedy: 'Check the address: GET /v1/dubs and GET /v1/channels list what is there.',
  },
  LIVEDUB_E_FORBIDDEN: {
    retryable: false,
    remedy: 'Open the page by the address that `livedub serve` printed.',
  },
  LIVEDUB_E_UNAUTHORISED: {
    retryable: false,
    remedy: 'Send a valid token: `livedub token` makes one, and so does the desk.',
  },
  LIVEDUB_E_METHOD_NOT_ALLOWED: {
    retryable: false,
    remedy: 'Use a method that the Allow header names.',
  },
  LIVEDUB_E_NOT_ACCEPTABLE: {
    retryable: false,
    remedy: 'Accept the content type that the message names.',
  },
  LIVEDUB_E_CONFLICT: {
    retryable: true,
    remedy: 'Something else is there or going on: end it first, or choose another id.',
  },
  LIVEDUB_E_PRECONDITION_FAILED: {
    retryable: false,
    remedy: 'The session changed meanwhile: send If-Match with its latest ETag.',
  },
  LIVEDUB_E_PRECONDITION_REQUIRED: {
    retryable: false,
    remedy: 'Send If-Match with the ETag of the last answer, or * for an ICE restart.',
  },
  LIVEDUB_E_BODY_TOO_LARGE: { retryable: false, remedy: 'Send less in one request.' },
  LIVEDUB_E_BODY_TIMEOUT: { retryable: true, remedy: 'The body came too slowly: send it again.' },
  LIVEDUB_E_MEDIA_TYPE: {
    retryable: false,
    remedy: 'Send the content type that the message names.',
  },
  LIVEDUB_E_TOO_MANY_REQUESTS: {
    retryable: true,
    remedy: 'Wait as long as the Retry-After header says.',
  },
  LIVEDUB_E_SDP_INVALID: { retryable: false, remedy: 'Send an SDP offer as a WebRTC client makes it.' },
  LIVEDUB_E_SDP_UNSUPPORTED: {
    retryable: false,
    remedy: 'Offer Opus, and VP8 or H.264, one sound and one picture at most.',
  },
  LIVEDUB_E_QUEUE_FULL: {
    retryable: true,
    remedy: 'Sixteen jobs are waiting already: try again when one is done.',
  },
  LIVEDUB_E_VERIFY_LIMIT: {
    retryable: true,
    remedy: 'Send a shorter clip: ten seconds of speech are enough.',
  },
  LIVEDUB_E_WORKER_DIED: {
    retryable: true,
    remedy: 'The worker process ended; it is restarted by itself: try again, and look at the log above.',
  },
  LIVEDUB_E_INTERNAL: {
    retryable: false,
    remedy: 'This is a defect: please report it with the cause below.',
  },
} as const satisfies Record<`LIVEDUB_E_${string}`, { retryable: boolean; remedy: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface LivedubErrorOptions {
  /** What went wrong underneath. */
  cause?: unknown;
  /** Says more than the registry's general remedy, e.g. the list of supported pairs. */
  remedy?: string;
}

/** An error with a stable code; `message` says what happened, `remedy` what to do about it. */
export class LivedubError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: LivedubErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LivedubError';
    this.code = code;
    this.retryable = ERRORS[code].retryable;
    this.remedy = options.remedy ?? ERRORS[code].remedy;
  }
}

/** Wraps anything thrown into a LivedubError, keeping one that already is. */
export function toLivedubError(thrown: unknown, fallback: ErrorCode = 'LIVEDUB_E_INTERNAL'): LivedubError {
  if (thrown instanceof LivedubError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: thrown });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LivedubError(fallback, message, { cause: thrown });
}
