/** What a simultaneous translation of one stretch of speech did. */
export interface EmittedWords {
  /**
   * For each word of the output, in order, ms since the start of the source. Computation-unaware: how much of the source had
   * been taken in when the word came out. Computation-aware: when it really came out, with the time that computing took.
   */
  readonly delaysMs: readonly number[];
  /** Length of the source. */
  readonly sourceMs: number;
  /** Words of the reference translation. Default: those of the output. */
  readonly referenceWords?: number;
}

/**
 * Average Lagging: how far, on average, the output is behind an ideal one that keeps pace with the speaker, ms. Counted up to
 * the first word that came out when the whole source had been heard. Undefined without words.
 *
 * Source: Ma et al., "STACL: Simultaneous Translation with Implicit Anticipation and Controllable Latency using
 * Prefix-to-Prefix Framework" (ACL 2019); for speech, and with computation time, Ma, Pino, Koehn, "SimulMT to SimulST:
 * Adapting Simultaneous Text Translation to End-to-End Simultaneous Speech Translation" (AACL 2020), as in SimulEval (Ma et
 * al., EMNLP 2020).
 */
export function averageLaggingMs(emitted: EmittedWords): number | undefined {
  return lagging(emitted, emitted.referenceWords ?? emitted.delaysMs.length);
}

/**
 * Length-Adaptive Average Lagging: as Average Lagging, but an output longer than the reference is not rewarded for it, ms.
 *
 * Source: Papi et al., "Over-Generation Cannot Be Rewarded: Length-Adaptive Average Lagging for Simultaneous Speech
 * Translation" (AutoSimTrans 2022).
 */
export function lengthAdaptiveAverageLaggingMs(emitted: EmittedWords): number | undefined {
  const spoken = emitted.delaysMs.length;
  return lagging(emitted, Math.max(spoken, emitted.referenceWords ?? spoken));
}

function lagging({ delaysMs, sourceMs }: EmittedWords, words: number): number | undefined {
  if (delaysMs.length === 0 || words === 0) return undefined;
  const idealMs = sourceMs / words;
  let sum = 0;
  let counted = 0;
  for (const delayMs of delaysMs) {
    sum += delayMs - counted * idealMs;
    counted += 1;
    if (delayMs >= sourceMs) break;
  }
  return sum / counted;
}
