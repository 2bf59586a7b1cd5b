import { RIGID_POINTS } from './topology.ts';

/** Where a head is and which way it looks: landmark = translation + scale · rotationᵀ · canonical. */
export interface FacePose {
  /** px of the picture per canonical unit, which is the distance between the outer corners of the eyes. */
  readonly scale: number;
  /** 3 × 3, row by row: the face's own axes, right, down and away, in the picture's. */
  readonly rotation: Float64Array;
  readonly translation: readonly [number, number, number];
  /** 0: looks into the camera. */
  readonly yawDeg: number;
  readonly pitchDeg: number;
  readonly rollDeg: number;
}

const DEGREES = 180 / Math.PI;
const POWER_STEPS = 60;

/**
 * Finds the pose in which a template's rigid points come nearest to a face's, by weak perspective.
 * Horn, "Closed-form solution of absolute orientation using unit quaternions", 1987; the eigenvector by power iteration.
 *
 * @param landmarks at least 468 × (x, y, z), px
 * @param template the same points in canonical units
 */
export function fitPose(landmarks: Float32Array, template: Float32Array): FacePose {
  const centre = centroid(landmarks);
  const templateCentre = centroid(template);
  const cross = new Float64Array(9);
  let spread = 0;
  let templateSpread = 0;
  for (const point of RIGID_POINTS) {
    for (let i = 0; i < 3; i += 1) {
      const p = landmarks[point * 3 + i]! - centre[i]!;
      const q = template[point * 3 + i]! - templateCentre[i]!;
      spread += p * p;
      templateSpread += q * q;
      for (let j = 0; j < 3; j += 1) cross[i * 3 + j]! += p * (template[point * 3 + j]! - templateCentre[j]!);
    }
  }
  const rotation = rotationOf(cross);
  const scale = Math.sqrt(spread / Math.max(1e-12, templateSpread));
  const origin = turnBack(rotation, templateCentre[0], templateCentre[1], templateCentre[2]);
  return {
    scale,
    rotation,
    translation: [
      centre[0] - scale * origin[0],
      centre[1] - scale * origin[1],
      centre[2] - scale * origin[2],
    ],
    yawDeg: Math.atan2(rotation[2]!, rotation[0]!) * DEGREES,
    pitchDeg: Math.atan2(rotation[5]!, rotation[4]!) * DEGREES,
    rollDeg: Math.atan2(rotation[1]!, rotation[0]!) * DEGREES,
  };
}

/** The face as it would be seen from straight ahead, in canonical units. @returns 468 × (x, y, z) */
export function canonicalShape(landmarks: Float32Array, pose: FacePose): Float32Array {
  const { rotation: r, scale, translation: t } = pose;
  const out = new Float32Array(1404);
  for (let i = 0; i < 1404; i += 3) {
    const x = (landmarks[i]! - t[0]) / scale;
    const y = (landmarks[i + 1]! - t[1]) / scale;
    const z = (landmarks[i + 2]! - t[2]) / scale;
    out[i] = r[0]! * x + r[1]! * y + r[2]! * z;
    out[i + 1] = r[3]! * x + r[4]! * y + r[5]! * z;
    out[i + 2] = r[6]! * x + r[7]! * y + r[8]! * z;
  }
  return out;
}

/** A canonical vector (not a place) as it is seen in the picture, px. */
export function inPicture(
  { rotation: r, scale }: FacePose,
  x: number,
  y: number,
  z: number,
): [number, number] {
  return [scale * (r[0]! * x + r[3]! * y + r[6]! * z), scale * (r[1]! * x + r[4]! * y + r[7]! * z)];
}

function centroid(points: Float32Array): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (const point of RIGID_POINTS)
    for (let i = 0; i < 3; i += 1) sum[i]! += points[point * 3 + i]! / RIGID_POINTS.length;
  return sum;
}

function turnBack(r: Float64Array, x: number, y: number, z: number): [number, number, number] {
  return [
    r[0]! * x + r[3]! * y + r[6]! * z,
    r[1]! * x + r[4]! * y + r[7]! * z,
    r[2]! * x + r[5]! * y + r[8]! * z,
  ];
}

function rotationOf(cross: Float64Array): Float64Array {
  const [a, b, c, d, e, f, g, h, k] = cross as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const matrix = [
    [a + e + k, f - h, g - c, b - d],
    [f - h, a - e - k, b + d, c + g],
    [g - c, b + d, -a + e - k, f + h],
    [b - d, c + g, f + h, -a - e + k],
  ] as const;
  // Shifted so that the largest eigenvalue is also the one of largest size.
  const shift = cross.reduce((sum, value) => sum + Math.abs(value), 0);
  let q: [number, number, number, number] = [1, 0.01, 0.01, 0.01];
  for (let step = 0; step < POWER_STEPS; step += 1) {
    const [q0, q1, q2, q3] = q;
    const next = matrix.map(
      (row, i) => row[0] * q0 + row[1] * q1 + row[2] * q2 + row[3] * q3 + shift * q[i]!,
    );
    const length = Math.hypot(...next) || 1;
    q = [next[0]! / length, next[1]! / length, next[2]! / length, next[3]! / length];
  }
  const [w, x, y, z] = q;
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}
