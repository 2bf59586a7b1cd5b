import { MESH_POINTS } from './canvas.ts';
import type { FaceView } from './face-view.ts';
import type { MouthRegion } from './mouth-region.ts';
import type { LipTarget } from './patch-path.ts';
import { inPicture } from './pose.ts';
import { smoothstep } from './smoothstep.ts';
import type { SpeakerModel } from './speaker-model.ts';
import { JAW, LOWER_INNER_LIP, LOWER_OUTER_LIP, UPPER_INNER_LIP, UPPER_OUTER_LIP } from './topology.ts';

export interface MouthMeshOptions {
  readonly view: FaceView;
  readonly model: SpeakerModel;
  readonly region: MouthRegion;
  readonly target: LipTarget;
  /** 1404, canonical units: what is added to the shape of the target, of the speaker's expression and of the patch. */
  readonly detail: Float32Array;
  /** Opening of the speaker's closed lips, canonical units. */
  readonly openingMin: number;
}

/** Displacements below the first are none, from the second on they are whole, px: an unmoved cheek keeps its pixels. */
const DEAD_ZONE_PX = [0.15, 0.6] as const;
/** The ring lies so far out, in distances of the jaw from the mouth. */
const RING = 1.4;

/** Where the mesh is, and where it is to be. @returns twice MESH_POINTS × (x, y), px */
export function mouthMesh(options: MouthMeshOptions): { source: Float32Array; target: Float32Array } {
  const { view, model, region, detail } = options;
  const { landmarks, canonical, pose } = view;
  const source = new Float32Array(MESH_POINTS * 2);
  const target = new Float32Array(MESH_POINTS * 2);
  const opening = options.target.opening - model.meanLips.opening;
  const width = options.target.width - model.meanLips.width;
  const moved = (k: number) =>
    model.mean[k]! + model.perOpening[k]! * opening + model.perWidth[k]! * width + detail[k]! - canonical[k]!;
  for (let i = 0; i < 468; i += 1) {
    const x = landmarks[i * 3]!;
    const y = landmarks[i * 3 + 1]!;
    source[i * 2] = x;
    source[i * 2 + 1] = y;
    const movable = region.movable[i]!;
    let [dx, dy] = [0, 0];
    if (movable > 0) {
      [dx, dy] = inPicture(pose, moved(i * 3), moved(i * 3 + 1), moved(i * 3 + 2));
      const share = movable * smoothstep(...DEAD_ZONE_PX, Math.hypot(dx, dy) * movable);
      dx *= share;
      dy *= share;
    }
    target[i * 2] = x + dx;
    target[i * 2 + 1] = y + dy;
  }
  meetLips(target, options);
  layRing(source, target);
  return { source, target };
}

/** Opens the inner lips to exactly what is asked for, along the whole line, so that they never cross and closed is closed. */
function meetLips(mesh: Float32Array, { view, target, openingMin }: MouthMeshOptions): void {
  const [downX, downY] = inPicture(view.pose, 0, 1, 0);
  const unit = Math.hypot(downX, downY) || 1;
  const wanted = Math.max(0, target.opening - 0.6 * openingMin);
  for (let i = 1; i < 10; i += 1) {
    const upper = UPPER_INNER_LIP[i]! * 2;
    const lower = LOWER_INNER_LIP[i]! * 2;
    const gap = wanted * (1 - Math.abs((i - 5) / 5) ** 2.2) * unit;
    const now =
      ((mesh[lower]! - mesh[upper]!) * downX + (mesh[lower + 1]! - mesh[upper + 1]!) * downY) / unit;
    const dx = (downX / unit) * (gap - now);
    const dy = (downY / unit) * (gap - now);
    // The lower lip does most of it, and the body of each lip goes along with its edge.
    move(mesh, upper, -0.3, dx, dy);
    move(mesh, lower, 0.7, dx, dy);
    move(mesh, UPPER_OUTER_LIP[i]! * 2, -0.175, dx, dy);
    move(mesh, LOWER_OUTER_LIP[i]! * 2, 0.5, dx, dy);
  }
}

function move(mesh: Float32Array, at: number, share: number, dx: number, dy: number): void {
  mesh[at]! += share * dx;
  mesh[at + 1]! += share * dy;
}

function layRing(source: Float32Array, target: Float32Array): void {
  const x = (source[61 * 2]! + source[291 * 2]!) / 2;
  const y = (source[61 * 2 + 1]! + source[291 * 2 + 1]!) / 2;
  for (const [i, point] of JAW.entries()) {
    const at = (468 + i) * 2;
    source[at] = target[at] = x + RING * (source[point * 2]! - x);
    source[at + 1] = target[at + 1] = y + RING * (source[point * 2 + 1]! - y);
  }
}
