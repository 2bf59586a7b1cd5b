import type { FaceGuard } from '../../pipeline/ports/reanimator.ts';
import type { FacePicture, FaceTimings } from '../face/face-messages.ts';

export interface FaceFigures {
  readonly pictures: number;
  /** In which a face speaks the dub, by half at least. */
  readonly spokenPictures: number;
  /** Of the others, why not. Where nothing is said there is no reason. */
  readonly guards: Readonly<Partial<Record<FaceGuard, number>>>;
  /** Made in a second of wall time, waiting for speech and encoder included. */
  readonly fps: number;
  /** Wall time of a picture by step, mean; marking is that of all languages. */
  readonly ms: { readonly track: number; readonly reanimate: number; readonly mark: number };
  /** False for pictures too small to bear a mark. */
  readonly isMarked: boolean;
}

/** A face follows from so much strength on. */
const SPEAKS = 0.5;

/** Counts what became of one rendition's pictures. */
export class FaceTally {
  readonly #guards: Partial<Record<FaceGuard, number>> = {};
  readonly #ms = { track: 0, reanimate: 0, mark: 0 };
  #pictures = 0;
  #spoken = 0;
  #isMarked = true;
  #startMs: number | undefined;
  #endMs = 0;

  add({ verdict, isMarked }: FacePicture, { trackMs, reanimateMs, markMs }: FaceTimings): void {
    this.#startMs ??= performance.now();
    this.#endMs = performance.now();
    this.#pictures += 1;
    this.#isMarked &&= isMarked;
    const { strength, guard } = verdict;
    if (strength >= SPEAKS) this.#spoken += 1;
    else if (guard !== undefined) this.#guards[guard] = (this.#guards[guard] ?? 0) + 1;
    this.#ms.track += trackMs;
    this.#ms.reanimate += reanimateMs;
    this.#ms.mark += markMs;
  }

  read(): FaceFigures {
    const seconds = (this.#endMs - (this.#startMs ?? 0)) / 1000;
    const mean = (sum: number) => round(sum / Math.max(1, this.#pictures), 2);
    const { track, reanimate, mark } = this.#ms;
    return {
      pictures: this.#pictures,
      spokenPictures: this.#spoken,
      guards: { ...this.#guards },
      fps: seconds > 0 ? round((this.#pictures - 1) / seconds, 1) : 0,
      ms: { track: mean(track), reanimate: mean(reanimate), mark: mean(mark) },
      isMarked: this.#isMarked && this.#pictures > 0,
    };
  }
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
