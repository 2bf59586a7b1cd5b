import type { Reanimation, ReanimationOptions, Reanimator } from '../ports/reanimator.ts';
import type { CanvasOptions, FaceCanvas } from './canvas.ts';
import { aheadPictures } from './look-ahead.ts';
import { MouthBankReanimation } from './mouth-bank-reanimation.ts';
import type { DescribeFace } from './people.ts';

export interface PackagedReanimatorOptions {
  readonly openCanvas: (options: CanvasOptions) => Promise<FaceCanvas>;
  /** Tells whether a face after a cut is one that was seen before. Default: each shot begins anew. */
  readonly describe?: DescribeFace;
}

/** Memory for kept mouths, and most of them. */
const PATCH_MEMORY_BYTES = 96 * 2 ** 20;
const MAX_PATCHES = 400;
/** Patches that were dropped and may still be shown. */
const SPARE_PATCHES = 96;
/** Pictures that are waited for: more than half a second of look-ahead holds at 60 fps. */
const MAX_PICTURES = 40;

/**
 * Reanimation without a network: the mouth of a picture is replaced by one of the speaker's own, chosen among those seen lately for
 * its shape, pose and light, warped to exactly the shape the dub asks for, with the skin around it warped along.
 */
export class PackagedReanimator implements Reanimator {
  readonly info = { id: 'mouth-bank', version: '1', licence: 'Apache-2.0' };
  readonly #o: PackagedReanimatorOptions;

  constructor(options: PackagedReanimatorOptions) {
    this.#o = options;
  }

  async open({ format, aheadUs = 0 }: ReanimationOptions): Promise<Reanimation> {
    // A lower face that fills the picture takes about a sixth of it.
    const patchBytes = Math.max(10_000, (format.widthPx * format.heightPx) / 6) * 3;
    const maxPatches = Math.max(48, Math.min(MAX_PATCHES, Math.floor(PATCH_MEMORY_BYTES / patchBytes)));
    const maxPictures = MAX_PICTURES + aheadPictures(aheadUs, format);
    const canvas = await this.#o.openCanvas({
      format,
      maxPictures,
      maxPatches: maxPatches + SPARE_PATCHES,
    });
    return new MouthBankReanimation({
      ...{ format, aheadUs, canvas, maxPatches, maxPictures },
      describe: this.#o.describe,
    });
  }

  async close(): Promise<void> {}
}
