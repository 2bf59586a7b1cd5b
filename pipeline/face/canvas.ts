import type { Picture, PictureFormat } from './picture.ts';

/** The 468 points of the face mesh, then those of the ring around the jaw, which stay where they are: the skin between stretches. */
export const MESH_POINTS = 485;

/** Pixels of a picture, whole numbers. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** A picture that the canvas holds. */
export type PictureSlot = number;
/** Pixels of a lower face that the canvas keeps. */
export type PatchId = number;
/** Red, green, blue, 0…255. */
export type Rgb = readonly [number, number, number];

/** A kept mouth, with where its mesh points were in the picture it was cut from. */
export interface PatchView {
  readonly id: PatchId;
  /** 468 × (x, y), px. */
  readonly points: Float32Array;
}

/** Everything the pixels of one mouth in one picture depend on. */
export interface MouthJob {
  readonly slot: PictureSlot;
  /** Whose colour match is carried on from picture to picture; `fresh` begins anew (a cut). */
  readonly stream: number;
  readonly fresh: boolean;
  /** MESH_POINTS × (x, y), px: as filmed, and where they are to be. */
  readonly source: Float32Array;
  readonly target: Float32Array;
  readonly patch: PatchView;
  /** The patch before a jump, whose skin is averaged with the new one for a picture. */
  readonly former?: PatchView;
  /** 468: how much of the patch is seen at each point, 0…1. */
  readonly alpha: Float32Array;
  /** 0…1 over everything of the patch; shapes are faded by `target`. */
  readonly opacity: number;
  /** Lips that close over an open patch: what lies between them becomes lip. */
  readonly seam?: {
    /** 0…1. */
    readonly weight: number;
    /** 11 × (x, y), px, from corner to corner. */
    readonly line: Float32Array;
    readonly halfWidthPx: number;
    /** Distance over which the shadow between the lips falls off. */
    readonly shadowPx: number;
    readonly upperLip: Rgb;
    readonly lowerLip: Rgb;
  };
  /** A mouth that opens wider than any seen: a dark inside with a hint of teeth. */
  readonly cavity?: {
    readonly weight: number;
    readonly dark: Rgb;
    readonly tongue: Rgb;
    readonly teeth: Rgb;
    /** How far teeth reach down from the upper lip, and how far the lips are apart in the middle, px. */
    readonly teethPx: number;
    readonly gapPx: number;
  };
}

export interface CanvasOptions {
  readonly format: PictureFormat;
  /** Pictures held at a time. Default 32. */
  readonly maxPictures?: number;
  /** Patches kept at a time. Default 512. */
  readonly maxPatches?: number;
}

/**
 * The pixel work of one channel's faces, on the processor or a GPU: pictures go up once, patches stay where the pixels are, and one
 * picture comes back for each rendition.
 */
export interface FaceCanvas {
  /** `cpu`, or the GPU's name. */
  readonly on: string;
  /** Grows when everything held and kept was lost, as with a GPU's memory: slots and patches of before are none any more. */
  readonly epoch: number;
  /** @throws LIVEDUB_E_BAD_REQUEST for another format or when `maxPictures` are held; why the device is gone */
  load(picture: Picture): PictureSlot;
  release(slot: PictureSlot): void;
  /**
   * Keeps the pixels of a part of a picture.
   * @returns undefined when there is no room: drop one first
   */
  keepPatch(slot: PictureSlot, rect: Rect): PatchId | undefined;
  dropPatch(id: PatchId): void;
  /**
   * Makes a rendition's picture. Pixels that no job touches keep their bytes.
   * @returns all planes, for the caller to own
   * @throws why the device is gone
   */
  render(slot: PictureSlot, jobs: readonly MouthJob[]): Promise<Uint8Array>;
  /** Gives pictures and patches back. Idempotent. */
  close(): void;
}
