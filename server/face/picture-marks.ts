import { openPlaneMarker, type PlaneMarker } from '../../gpu/plane-marker.ts';
import type { OutputMark } from '../../pipeline/dub-channel.ts';
import { VideoMarkPlan } from '../../pipeline/mark/video/video-embedder.ts';
import { isMarkable } from '../../pipeline/mark/video/video-pattern.ts';

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Marks the pictures of several renditions, all of one size: each has a mark of its own, and one marker does it for all. */
export class PictureMarks {
  readonly #size: Size;
  readonly #signal: AbortSignal;
  readonly #plans = new Map<string, Promise<VideoMarkPlan>>();
  #marker: Promise<PlaneMarker> | undefined;

  constructor(options: Size & { readonly signal: AbortSignal }) {
    this.#size = { widthPx: options.widthPx, heightPx: options.heightPx };
    this.#signal = options.signal;
  }

  add(id: string, mark: OutputMark): void {
    const plan = VideoMarkPlan.create(mark);
    plan.catch(() => {});
    this.#plans.set(id, plan);
  }

  remove(id: string): void {
    this.#plans.delete(id);
  }

  /**
   * Marks the luma that the bytes begin with, in place; pictures of a rendition in the order in which they are shown.
   * @returns false: so small a picture bears no mark
   * @throws LIVEDUB_E_INTERNAL for a rendition without a mark: nothing goes out without
   */
  async mark(id: string, bytes: Uint8Array, mediaTimeUs: number): Promise<boolean> {
    const { widthPx, heightPx } = this.#size;
    const plan = await this.#plans.get(id)!;
    if (!isMarkable(widthPx, heightPx)) return false;
    const plane = {
      ...{ width: widthPx, height: heightPx, strideBytes: widthPx },
      data: bytes.subarray(0, widthPx * heightPx),
    };
    const frame = plan.next(plane, mediaTimeUs);
    if (frame === undefined) return false;
    this.#marker ??= openPlaneMarker({ width: widthPx, height: heightPx, signal: this.#signal });
    await (await this.#marker).mark(plane, frame.pattern, frame.strength);
    return true;
  }

  /** Idempotent. */
  close(): void {
    void this.#marker?.then(
      (marker) => marker.close(),
      () => {},
    );
    this.#marker = undefined;
  }
}
