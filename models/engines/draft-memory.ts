/** Samples, spread evenly over the sound, that tell one segment from another. */
const PROBES = 512;
/** Sound shorter than this has no draft worth keeping. */
const MIN_SAMPLES = 2_400;
const LIMIT = 64;

interface Draft {
  readonly probes: Float32Array;
  readonly lengthSamples: number;
  readonly ids: readonly number[];
}

const probeAt = (i: number, lengthSamples: number): number => Math.floor((i * lengthSamples) / PROBES);

/**
 * The last hypothesis of each segment that is still growing, found by its sound, because recognition is stateless for its
 * callers. Holds the 64 latest; a lost draft costs time, never words.
 */
export class DraftMemory {
  readonly #drafts: Draft[] = [];

  /** Finds and forgets the draft of the segment that `pcm` is a longer piece of. */
  take(pcm: Float32Array): readonly number[] | undefined {
    const at = this.#drafts.findIndex(
      ({ probes, lengthSamples }) =>
        lengthSamples <= pcm.length && probes.every((sample, i) => sample === pcm[probeAt(i, lengthSamples)]),
    );
    return at < 0 ? undefined : this.#drafts.splice(at, 1)[0]!.ids;
  }

  put(pcm: Float32Array, ids: readonly number[]): void {
    if (pcm.length < MIN_SAMPLES) return;
    const probes = Float32Array.from({ length: PROBES }, (_, i) => pcm[probeAt(i, pcm.length)]!);
    this.#drafts.unshift({ probes, lengthSamples: pcm.length, ids });
    this.#drafts.length = Math.min(this.#drafts.length, LIMIT);
  }
}
