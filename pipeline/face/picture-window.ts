import type { TrackedPicture } from '../ports/face-tracker.ts';
import { FADE_US } from './guard-fade.ts';
import type { Picture } from './picture.ts';

/** A picture that waits for what follows it, and its place among shots. */
export interface ShotPicture {
  readonly picture: Picture;
  readonly tracked: TrackedPicture;
  /** Counts the pictures of the stream. */
  readonly index: number;
  readonly shot: number;
  /** −∞ for the first shot: nothing was cut there. */
  readonly shotStartUs: number;
}

/** The pictures of a stream that are waiting, and the last few that went: smoothing and fading look both ways, within a shot. */
export class PictureWindow<Notes extends object> {
  readonly #maxHeld: number;
  #held: (ShotPicture & Notes)[] = [];
  #past: (ShotPicture & Notes)[] = [];
  #pictures = 0;
  #shot = 0;
  #shotStartUs = Number.NEGATIVE_INFINITY;

  /** @param maxHeld pictures that may wait, whatever their times say */
  constructor(maxHeld: number) {
    this.#maxHeld = maxHeld;
  }

  /** Waiting, in order. */
  get held(): readonly (ShotPicture & Notes)[] {
    return this.#held;
  }

  /** Pictures so far. */
  get count(): number {
    return this.#pictures;
  }

  /** The oldest has to go, whether or not what follows it is there. */
  get isFull(): boolean {
    return this.#held.length > this.#maxHeld;
  }

  add(picture: Picture, tracked: TrackedPicture, notes: Notes): void {
    if (tracked.isCut || this.#pictures === 0) {
      this.#shot += 1;
      this.#shotStartUs = this.#pictures === 0 ? Number.NEGATIVE_INFINITY : picture.mediaTimeUs;
    }
    const place = { index: this.#pictures, shot: this.#shot, shotStartUs: this.#shotStartUs };
    this.#held.push({ picture, tracked, ...place, ...notes });
    this.#pictures += 1;
  }

  /** Pictures of one shot around one, itself included, in order. */
  around({ picture: { mediaTimeUs }, shot }: ShotPicture, withinUs: number): (ShotPicture & Notes)[] {
    const near = (other: ShotPicture): boolean =>
      other.shot === shot && Math.abs(other.picture.mediaTimeUs - mediaTimeUs) <= withinUs;
    return [...this.#past.filter(near), ...this.#held.filter(near)];
  }

  /** The oldest has gone. */
  letGo(): void {
    const gone = this.#held.shift();
    if (gone === undefined) return;
    const fromUs = gone.picture.mediaTimeUs - FADE_US;
    // Bounded, too, where times stand still.
    this.#past = [...this.#past, gone]
      .filter((past) => past.picture.mediaTimeUs >= fromUs)
      .slice(-this.#maxHeld);
  }

  clear(): void {
    this.#held = [];
    this.#past = [];
  }
}
