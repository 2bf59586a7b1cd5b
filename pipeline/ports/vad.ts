import type { EngineInfo } from './engine.ts';

/** Finds speech in 16 kHz mono sound. */
export interface Vad {
  readonly info: EngineInfo;
  /** Samples per decision at 16 kHz (512 = 32 ms). */
  readonly windowSamples: number;
  /** One recurrent state per channel; sessions may be used side by side. */
  open(): VadSession;
  close(): Promise<void>;
}

export interface VadSession {
  /**
   * @param pcm 16 kHz mono, −1…1, length a multiple of `windowSamples`
   * @returns one speech probability 0…1 per window
   */
  process(pcm: Float32Array, signal: AbortSignal): Promise<Float32Array>;
  close(): void;
}
