import type { EngineCall, EngineInfo } from './engine.ts';

/** Turns a stretch of speech into a vector in which the same speaker lies close (cosine). */
export interface SpeakerId {
  readonly info: EngineInfo;
  readonly dimensions: number;
  /** @param pcm 16 kHz mono, at least 1.6 s; returns a unit vector of `dimensions` numbers */
  embed(pcm: Float32Array, call: EngineCall): Promise<Float32Array>;
  close(): Promise<void>;
}
