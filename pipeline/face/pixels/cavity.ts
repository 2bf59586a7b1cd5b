import type { MouthJob } from '../canvas.ts';
import { smoothstep } from '../smoothstep.ts';
import { LOWER_INNER_LIP, UPPER_INNER_LIP } from '../topology.ts';
import type { RgbRaster } from './colour-convert.ts';

/** Teeth are hinted at: opaque ones look like a gum shield. */
const TEETH_OPACITY = 0.42;
const COLUMNS = 10;

/**
 * Draws the inside of a mouth that opens wider than any that was seen: dark, a tongue below, a hint of upper teeth.
 * @param target MESH_POINTS × (x, y), px of the picture
 */
export function drawCavity(
  raster: RgbRaster,
  touched: Uint8Array,
  target: Float32Array,
  cavity: NonNullable<MouthJob['cavity']>,
): void {
  const { data, widthPx, heightPx } = raster;
  const { weight, dark, tongue, teeth, teethPx, gapPx } = cavity;
  for (let i = 0; i < COLUMNS; i += 1) {
    const corners = [
      UPPER_INNER_LIP[i]!,
      UPPER_INNER_LIP[i + 1]!,
      LOWER_INNER_LIP[i]!,
      LOWER_INNER_LIP[i + 1]!,
    ];
    const [ux, uy, vx, vy, lx, ly, mx, my] = corners.flatMap((point) => [
      target[point * 2]! - raster.x,
      target[point * 2 + 1]! - raster.y,
    ]) as [number, number, number, number, number, number, number, number];
    const left = Math.max(0, Math.ceil(Math.min(ux, vx, lx, mx)));
    const right = Math.min(widthPx - 1, Math.floor(Math.max(ux, vx, lx, mx)));
    for (let x = left; x <= right; x += 1) {
      const upper = between(x, ux, uy, vx, vy);
      const lower = between(x, lx, ly, mx, my);
      if (lower - upper < 0.5) continue;
      const t = Math.max(0, Math.min(1, (x - ux) / (vx - ux || 1)));
      const along = (i + t) / 5 - 1;
      const top = Math.max(0, Math.ceil(upper));
      for (let y = top; y <= Math.min(heightPx - 1, Math.floor(lower)); y += 1) {
        const down = (y - upper) / (lower - upper);
        const depthPx = down * gapPx * (1 - along * along * 0.8);
        const side = Math.abs(along);
        const tongueShare =
          smoothstep(0.62, 0.95, down) * (1 - smoothstep(0.4, 0.75, side)) * 0.7 * smoothstep(5, 10, gapPx);
        const teethShare =
          (1 - smoothstep(teethPx * 0.75, teethPx * 1.1, depthPx)) *
          smoothstep(-0.05, 0.12, down) *
          (1 - smoothstep(0.45, 0.8, side)) *
          smoothstep(2, 5, gapPx) *
          TEETH_OPACITY *
          (0.82 + 0.18 * Math.abs(Math.cos(along * 8)));
        const edge = smoothstep(0, 0.18, down) * smoothstep(0, 0.15, 1 - down);
        const at = (y * widthPx + x) * 3;
        for (let c = 0; c < 3; c += 1) {
          const soft = dark[c]! * (1 - tongueShare) + tongue[c]! * tongueShare;
          const tooth = teeth[c]! * (0.75 + 0.15 * edge) * (1 - 0.35 * side);
          const inside = soft * (1 - teethShare) + tooth * teethShare;
          data[at + c] = data[at + c]! * (1 - weight) + inside * weight;
        }
        touched[y * widthPx + x] = 1;
      }
    }
  }
}

function between(x: number, ax: number, ay: number, bx: number, by: number): number {
  const t = Math.max(0, Math.min(1, (x - ax) / (bx - ax || 1)));
  return ay + t * (by - ay);
}
