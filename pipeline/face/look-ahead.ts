import { type PictureFormat, planeLayout } from './picture.ts';

/** Decoded pictures that wait so that more of a face is seen, bytes a channel. */
const AHEAD_BYTES = 48 * 2 ** 20;
const PICTURE_US = 40_000;
const MAX_FPS = 60;

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
