import { FACE_LEAD_MS } from '../live-tuning.ts';
import { type PictureFormat, planeLayout } from './picture.ts';

/**
 * Faces are looked at so much earlier than their pictures are made, where there is time, µs: the more of a face was seen, the better its
 * first pictures.
 */
export const FULL_AHEAD_US = 1_500_000;
/** From the camera to the worker a picture may take so long, ms. */
const ON_ITS_WAY_MS = 600;
/** Decoded pictures that wait so that more of a face is seen, bytes a channel. */
const AHEAD_BYTES = 48 * 2 ** 20;
const PICTURE_US = 40_000;
const MAX_FPS = 60;

/**
 * What a live channel's delay leaves for it: 0.6 s of the shortest (2 s), all from 2.9 s on.
 * @param delayMs the operator's
 * @returns µs
 */
export function liveAheadUs(delayMs: number): number {
  return Math.min(FULL_AHEAD_US, Math.max(0, delayMs - FACE_LEAD_MS - ON_ITS_WAY_MS) * 1000);
}

/** How much of a wished-for wait there is memory for, at 25 pictures a second. @returns µs */
export function affordableAheadUs(wishedUs: number, format: PictureFormat): number {
  return Math.min(wishedUs, affordablePictures(format) * PICTURE_US);
}

/** Pictures that may wait for it, however many there are a second. */
export function aheadPictures(aheadUs: number, format: PictureFormat): number {
  return Math.min(Math.ceil((aheadUs * MAX_FPS) / 1_000_000), affordablePictures(format));
}

function affordablePictures(format: PictureFormat): number {
  return Math.floor(AHEAD_BYTES / planeLayout(format).totalBytes);
}
