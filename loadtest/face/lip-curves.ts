import { FACE_PRIOR } from '../../pipeline/face/face-prior.ts';
import { lipShape } from '../../pipeline/face/lip-shape.ts';
import { canonicalShape, type FacePose, fitPose } from '../../pipeline/face/pose.ts';
import type { TrackedFace, TrackedPicture } from '../../pipeline/ports/face-tracker.ts';

/** What a clip's largest face does, picture by picture; NaN and undefined where there is none. */
export interface FaceCurves {
  /** Canonical units: distances between the outer corners of the eyes. */
  readonly opening: readonly number[];
  readonly width: readonly number[];
  readonly faces: readonly (TrackedFace | undefined)[];
  readonly poses: readonly (FacePose | undefined)[];
}

/** How a person's face is shaped on average over a clip, from straight ahead: what poses are measured against. @returns 468 × (x, y, z) */
export function meanShape(tracked: readonly TrackedPicture[]): Float32Array {
  const sum = new Float64Array(1404);
  let count = 0;
  for (const { faces } of tracked) {
    const face = faces[0];
    if (face === undefined) continue;
    const shape = canonicalShape(face.landmarks, fitPose(face.landmarks, FACE_PRIOR.template));
    for (let i = 0; i < 1404; i += 1) sum[i]! += shape[i]!;
    count += 1;
  }
  return count === 0 ? FACE_PRIOR.template : Float32Array.from(sum, (value) => value / count);
}

export function faceCurves(tracked: readonly TrackedPicture[], template: Float32Array): FaceCurves {
  const faces = tracked.map(({ faces: all }) => all[0]);
  const poses = faces.map((face) => face && fitPose(face.landmarks, template));
  const shapes = faces.map((face, i) => face && lipShape(canonicalShape(face.landmarks, poses[i]!)));
  return {
    opening: shapes.map((shape) => shape?.opening ?? Number.NaN),
    width: shapes.map((shape) => shape?.width ?? Number.NaN),
    faces,
    poses,
  };
}

/** Coordinates of some points over the pictures: what trembles. */
export function pointCurves({ faces }: FaceCurves, points: readonly number[]): number[][] {
  return points.flatMap((point) =>
    [0, 1].map((axis) => faces.map((face) => face?.landmarks[point * 3 + axis] ?? Number.NaN)),
  );
}
