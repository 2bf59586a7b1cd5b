/** Samples that tell one segment from another: silence differs in its noise. */
const HEAD_SAMPLES = 2_400;
const LIMIT = 64;

interface Draft {
  readonly head: Float32Array;
  readonly lengthSamples: number;
  readonly ids: readonly number[];
}

/**
 * The last hypothesis of each segment that is still growing, found by the beginning of its sound, because recognition is
 * stateless for its callers. Holds the 64 latest; a lost draft costs time, never words.
 */
export class DraftMemory {
  readonly #drafts: Draft[] = [];

  /** Finds and forgets the draft of the segment that `pcm` is a longer piece of. */
  take(pcm: Float32Array): readonly number[] | undefined {
    const at = this.#drafts.findIndex(
      ({ head, lengthSamples }) =>
        lengthSamples <= pcm.length && head.every((sample, i) => sample === pcm[i]),
    );
    return at < 0 ? undefined : this.#drafts.splice(at, 1)[0]!.ids;
  }

  put(pcm: Float32Array, ids: readonly number[]): void {
    if (pcm.length < HEAD_SAMPLES) return;
    this.#drafts.unshift({ head: pcm.slice(0, HEAD_SAMPLES), lengthSamples: pcm.length, ids });
    this.#drafts.length = Math.min(this.#drafts.length, LIMIT);
  }
}
