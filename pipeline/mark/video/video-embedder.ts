import { MarkCode } from '../code/mark-code.ts';
import type { MarkKey } from '../mark-key.ts';
import { packPayload } from '../payload.ts';
import { LumaMarker, type LumaPlane, markStrength } from './luma-mark.ts';
import { ShotCuts } from './shot-cuts.ts';
import { markTile, SHOT_OFFSETS, type VideoLayout, videoLayout } from './video-layout.ts';
import { buildVideoPattern, isMarkable, type VideoMarkPattern } from './video-pattern.ts';

const MINUTE_US = 60_000_000;

export interface VideoMarkOptions {
  readonly key: MarkKey;
  /** As the registry issued it. */
  readonly rendition: number;
}

/** How one frame is to be marked. */
export interface FrameMark {
  /** The same object until shot, minute or size change. */
  readonly pattern: VideoMarkPattern;
  readonly strength: number;
}

/** Says frame by frame how it is to be marked; who does it to the pixels, CPU or GPU, is another matter. */
export class VideoMarkPlan {
  readonly #options: VideoMarkOptions;
  readonly #layout: VideoLayout;
  readonly #code = new MarkCode();
  readonly #cuts = new ShotCuts();
  #shot = 0;
  #pattern: { shot: number; minute: number; made: VideoMarkPattern } | undefined;

  private constructor(options: VideoMarkOptions, layout: VideoLayout) {
    this.#options = options;
    this.#layout = layout;
  }

  static async create(options: VideoMarkOptions): Promise<VideoMarkPlan> {
    return new VideoMarkPlan(options, await videoLayout(options.key));
  }

  /** Frames in the order they are shown, before they are marked. Undefined: the picture is too small to carry a mark. */
  next(plane: LumaPlane, mediaTimeUs: number): FrameMark | undefined {
    const { width, height } = plane;
    if (!isMarkable(width, height)) return undefined;
    if (this.#cuts.isCut(plane, mediaTimeUs)) this.#shot += 1;
    const minute = Math.max(0, Math.floor(mediaTimeUs / MINUTE_US));
    let pattern = this.#pattern;
    if (
      pattern === undefined ||
      pattern.shot !== this.#shot ||
      pattern.minute !== minute ||
      pattern.made.width !== width ||
      pattern.made.height !== height
    ) {
      const { key, rendition } = this.#options;
      const code = this.#code.encode(packPayload({ keyId: key.keyId, rendition, minute }));
      const tile = markTile(this.#layout, code);
      const offset = this.#layout.offsets[this.#shot % SHOT_OFFSETS]!;
      pattern = { shot: this.#shot, minute, made: buildVideoPattern({ tile, offset, width, height }) };
      this.#pattern = pattern;
    }
    return { pattern: pattern.made, strength: markStrength(plane) };
  }
}

/** Marks pictures on the CPU: 3 ms for one of 640 x 360. */
export class VideoMarkEmbedder {
  readonly #plan: VideoMarkPlan;
  readonly #marker = new LumaMarker();

  private constructor(plan: VideoMarkPlan) {
    this.#plan = plan;
  }

  static async create(options: VideoMarkOptions): Promise<VideoMarkEmbedder> {
    return new VideoMarkEmbedder(await VideoMarkPlan.create(options));
  }

  /**
   * Marks a plane in place; frames in the order they are shown.
   *
   * @returns Whether it is marked: a picture whose cells are below 2 pixels (less than 120 x 120) is left as it is.
   */
  mark(plane: LumaPlane, mediaTimeUs: number): boolean {
    const frame = this.#plan.next(plane, mediaTimeUs);
    if (frame === undefined) return false;
    this.#marker.mark(plane, frame.pattern, frame.strength);
    return true;
  }
}
