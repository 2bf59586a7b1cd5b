export interface SoundPiece {
  /** 16 kHz mono. */
  readonly pcm: Float32Array;
  readonly mediaTimeUs: number;
}

/** As far ahead of a picture as the delay allows, and some more, µs. */
const KEPT_US = 20_000_000;
/** Who speaks is seen a little after it is heard, and the other way round, µs. */
const AHEAD_US = 300_000;

/** Sound of the original, heard long before its picture is worked on: kept until then. The oldest goes first. */
export class SourceSound {
  #pieces: SoundPiece[] = [];

  add(pcm: Float32Array, mediaTimeUs: number): void {
    this.#pieces.push({ pcm, mediaTimeUs });
    while (mediaTimeUs - this.#pieces[0]!.mediaTimeUs > KEPT_US) this.#pieces.shift();
  }

  /** Takes out what belongs to pictures up to this one. */
  until(pictureUs: number): readonly SoundPiece[] {
    const from = this.#pieces.findIndex(({ mediaTimeUs }) => mediaTimeUs > pictureUs + AHEAD_US);
    return this.#pieces.splice(0, from < 0 ? this.#pieces.length : from);
  }
}
