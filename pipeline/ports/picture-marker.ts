/** The luma of one picture, row by row from the top. */
export interface LumaPicture {
  readonly luma: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
  /** From the start of a row to that of the next. */
  readonly strideBytes: number;
  /** Since media time 0 of what is marked: the minute in its mark. */
  readonly mediaTimeUs: number;
}

/** Marks the pictures of one stream, all of one size, in the order in which they are shown. */
export interface PictureMarker {
  /** Changes the luma in place. One call at a time. */
  mark(picture: LumaPicture): void | Promise<void>;
  /** Idempotent. */
  close(): void | Promise<void>;
}

/** How the picture of a recording gets its mark. */
export interface PictureMarking {
  /** Marks a picture that could be kept as it is, too, for the price of encoding it again. */
  readonly always: boolean;
  /** Called once the size is known. Undefined: such small pictures cannot bear a mark. */
  open(size: { readonly widthPx: number; readonly heightPx: number }): Promise<PictureMarker | undefined>;
}
