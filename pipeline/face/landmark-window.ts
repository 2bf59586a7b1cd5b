import type { TrackedPicture } from '../ports/face-tracker.ts';

/** Pictures further away than this have no say, µs. */
export const SMOOTHING_US = 90_000;
const SIGMA_US = 39_000;
/** Differences of this size are motion, not noise, in distances between the outer corners of the eyes. */
const SIGMA_EYES = 0.012;
const MIN_SIGMA_PX = 0.8;

/**
 * Landmarks of a face freed of the tracker's tremor without lag: a bilateral mean over the pictures just before and after, in which
 * whatever moves counts for itself.
 * @param window pictures of one shot around the one at `centre`, in order
 * @returns 468 × (x, y, z), px; undefined when the face is not in the picture
 */
export function smoothedLandmarks(
  window: readonly TrackedPicture[],
  centre: TrackedPicture,
  faceId: number,
): Float32Array | undefined {
  const of = (picture: TrackedPicture) => picture.faces.find(({ id }) => id === faceId)?.landmarks;
  const own = of(centre);
  if (own === undefined) return undefined;
  const near = window.flatMap((picture) => {
    const passedUs = Math.abs(picture.mediaTimeUs - centre.mediaTimeUs);
    const landmarks = picture === centre || passedUs > SMOOTHING_US ? undefined : of(picture);
    return landmarks ? [{ landmarks, weight: Math.exp(-(passedUs ** 2) / (2 * SIGMA_US ** 2)) }] : [];
  });
  const eyesPx = Math.hypot(own[33 * 3]! - own[263 * 3]!, own[33 * 3 + 1]! - own[263 * 3 + 1]!);
  const sigmaPx = Math.max(MIN_SIGMA_PX, SIGMA_EYES * eyesPx);
  const out = new Float32Array(1404);
  for (let i = 0; i < 1404; i += 3) {
    let sum = 1;
    let x = own[i]!;
    let y = own[i + 1]!;
    let z = own[i + 2]!;
    for (const { landmarks, weight } of near) {
      const dx = landmarks[i]! - own[i]!;
      const dy = landmarks[i + 1]! - own[i + 1]!;
      const share = weight * Math.exp(-(dx * dx + dy * dy) / (2 * sigmaPx * sigmaPx));
      sum += share;
      x += share * landmarks[i]!;
      y += share * landmarks[i + 1]!;
      z += share * landmarks[i + 2]!;
    }
    out[i] = x / sum;
    out[i + 1] = y / sum;
    out[i + 2] = z / sum;
  }
  return out;
}
