import { smoothstep } from './smoothstep.ts';
import {
  FACE_TRIANGLES,
  LOWER_INNER_LIP,
  LOWER_OUTER_LIP,
  MOUTH_TRIANGLES,
  RING_TRIANGLES,
  UPPER_INNER_LIP,
  UPPER_OUTER_LIP,
} from './topology.ts';

/** Which part of a face speech moves. */
export interface MouthRegion {
  /** Middle of the mouth and half its width in the template, canonical units. */
  readonly mouth: { readonly x: number; readonly y: number; readonly halfWidth: number };
  /** 468: how far a point may be moved, 0…1. */
  readonly movable: Float32Array;
  /** 468: how much of a patch is seen at a point, 0…1. */
  readonly alpha: Float32Array;
  /** Triangles that can move, without the inside of the mouth. */
  readonly skin: Uint16Array;
  /** Those and the ring. */
  readonly base: Uint16Array;
  /** Those of `skin` that a patch covers, and the inside of the mouth. */
  readonly patch: Uint16Array;
  /** The same without the inside. */
  readonly patchSkin: Uint16Array;
}

/** @param template canonical shape of a face */
export function mouthRegion(template: Float32Array): MouthRegion {
  const t = template;
  const x = (t[61 * 3]! + t[291 * 3]!) / 2;
  const y = (t[61 * 3 + 1]! + t[291 * 3 + 1]!) / 2;
  const halfWidth = Math.abs(t[291 * 3]! - t[61 * 3]!) / 2;
  const nose = t[2 * 3 + 1]!;
  const chin = t[152 * 3 + 1]!;
  const movable = new Float32Array(468);
  const alpha = new Float32Array(468);
  for (let i = 0; i < 468; i += 1) {
    const dx = t[i * 3]! - x;
    const dy = t[i * 3 + 1]! - y;
    const reach = dy < 0 ? (y - nose) * 0.97 : (chin - y) * 0.88;
    alpha[i] = 1 - smoothstep(0.6, 1, Math.hypot(dx / (halfWidth * 1.75), dy / reach));
    const down = smoothstep(nose + 0.01, nose + (y - nose) * 0.6, t[i * 3 + 1]!);
    movable[i] = down * (1 - smoothstep(halfWidth * 1.5, halfWidth * 2.5, Math.abs(dx)));
  }
  for (const contour of [UPPER_OUTER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, LOWER_INNER_LIP])
    for (const point of contour) {
      alpha[point] = 1;
      movable[point] = 1;
    }
  const skin = trianglesWith(FACE_TRIANGLES, movable);
  const patchSkin = trianglesWith(skin, alpha);
  return {
    mouth: { x, y, halfWidth },
    movable,
    alpha,
    skin,
    base: Uint16Array.of(...skin, ...RING_TRIANGLES),
    patch: Uint16Array.of(...patchSkin, ...MOUTH_TRIANGLES),
    patchSkin,
  };
}

function trianglesWith(triangles: Uint16Array, weight: Float32Array): Uint16Array {
  const out: number[] = [];
  for (let k = 0; k < triangles.length; k += 3) {
    const [a, b, c] = [triangles[k]!, triangles[k + 1]!, triangles[k + 2]!];
    if (weight[a]! > 0 || weight[b]! > 0 || weight[c]! > 0) out.push(a, b, c);
  }
  return new Uint16Array(out);
}
