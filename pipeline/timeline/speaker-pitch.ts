/** Two voices closer than this are taken for one speaker. */
const SAME_SPEAKER_RATIO = 1.18;
const SMOOTHING = 0.3;
const MAX_SPEAKERS = 16;

/**
 * Steady pitch per speaker from the pitch of single clauses, so that one speaker keeps one dubbed voice although every
 * clause is measured a little differently.
 */
export class SpeakerPitch {
  #centres: number[] = [];
  #last = 0;

  /** @param pitchHz median of one clause, 0 when unvoiced; returns the speaker's pitch, 0 while none is known */
  update(pitchHz: number): number {
    if (pitchHz <= 0) return this.#last;
    const at = this.#centres.findIndex((centre) => ratio(centre, pitchHz) < SAME_SPEAKER_RATIO);
    if (at >= 0) {
      const centre = this.#centres[at]!;
      this.#last = centre + (pitchHz - centre) * SMOOTHING;
      this.#centres[at] = this.#last;
    } else {
      this.#centres = [pitchHz, ...this.#centres].slice(0, MAX_SPEAKERS);
      this.#last = pitchHz;
    }
    return this.#last;
  }
}

function ratio(a: number, b: number): number {
  return Math.max(a, b) / Math.min(a, b);
}
