import { openPlaneMarker } from '../../gpu/plane-marker.ts';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import { VideoMarkPlan } from '../../pipeline/mark/video/video-embedder.ts';
import { isMarkable } from '../../pipeline/mark/video/video-pattern.ts';
import type { LumaPicture, PictureMarker, PictureMarking } from '../../pipeline/ports/picture-marker.ts';

export interface PictureMarkingOptions {
  /** As `PictureMarking.always`. */
  readonly always: boolean;
  /** Notes for what the picture is marked, before any of it is. */
  readonly issue: () => Promise<OutputMark>;
  /** Called once at the end. `endUs`: media time of the last marked picture, −∞ before the first. */
  readonly onEnd: (mark: OutputMark, endUs: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Marks a recording's picture with a number of its own and the minute of each picture, on GPU or processor. */
export function pictureMarking(options: PictureMarkingOptions): PictureMarking {
  return {
    always: options.always,
    async open({ widthPx, heightPx }): Promise<PictureMarker | undefined> {
      if (!isMarkable(widthPx, heightPx)) return undefined;
      const mark = await options.issue();
      const plan = await VideoMarkPlan.create(mark);
      const marker = await openPlaneMarker({ width: widthPx, height: heightPx, signal: options.signal });
      let endUs = Number.NEGATIVE_INFINITY;
      let closing: Promise<void> | undefined;
      const close = async () => {
        marker.close();
        await options.onEnd(mark, endUs);
      };
      return {
        mark(picture) {
          const plane = planeOf(picture);
          const frame = plan.next(plane, picture.mediaTimeUs);
          endUs = picture.mediaTimeUs;
          return frame && marker.mark(plane, frame.pattern, frame.strength);
        },
        close() {
          closing ??= close();
          return closing;
        },
      };
    },
  };
}

function planeOf({ luma, widthPx, heightPx, strideBytes }: LumaPicture) {
  return { width: widthPx, height: heightPx, strideBytes, data: luma };
}
