/** ISO 639-1 code, lower case: `en`, `es`, `fr`. */
export type LanguageCode = string;

/** How good the result of an engine is, worst first; shown to people wherever a dub is offered. */
export type QualityTier = 'gist' | 'fair' | 'good';

/** What every engine says of itself; copied into reports. */
export interface EngineInfo {
  /** Manifest id, e.g. `moonshine-tiny-en`. */
  readonly id: string;
  readonly version: string;
  /** SPDX expression or a short name where SPDX has none. */
  readonly licence: string;
}

/** Which work goes first when engines are shared: a live channel before an upload. */
export type Priority = 'live' | 'upload';

/** Given with every call to an engine. */
export interface EngineCall {
  readonly signal: AbortSignal;
  readonly priority: Priority;
  /** Monotonic time (ms, `performance.now()` scale) by which a live caller wants the answer; orders the queue. */
  readonly deadlineMs?: number;
}
