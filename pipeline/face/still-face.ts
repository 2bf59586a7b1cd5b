/**
 * How far the points of a face have moved on average, in distances between the eyes, before it is one that lives. People are beyond 0.0026
 * within 80 ms (36 beginnings of nine), photographs in H.264 and VP8 stay below 0.0009 for seconds.
 */
const LIVING = 0.0016;
/** One seen for less than this may be either, µs. */
const MIN_SEEN_US = 120_000;

/** Whether a face is a photograph: nothing of it has moved since it was first seen. */
export class StillFace {
  #first: Float32Array | undefined;
  #firstUs = 0;
  #seenUs = 0;
  #hasMoved = false;

  get isStill(): boolean {
    return !this.#hasMoved && this.#seenUs - this.#firstUs >= MIN_SEEN_US;
  }

  /** @param landmarks 468 × (x, y, z), px. @param eyesPx between the eyes */
  add(landmarks: Float32Array, eyesPx: number, atUs: number): void {
    if (this.#hasMoved) return;
    this.#seenUs = atUs;
    if (this.#first === undefined) {
      this.#first = landmarks.slice();
      this.#firstUs = atUs;
      return;
    }
    let sumPx = 0;
    for (let i = 0; i < landmarks.length; i += 3)
      sumPx += Math.hypot(landmarks[i]! - this.#first[i]!, landmarks[i + 1]! - this.#first[i + 1]!);
    this.#hasMoved = sumPx / (landmarks.length / 3) > LIVING * eyesPx;
    if (this.#hasMoved) this.#first = undefined;
  }
}
