import type { MouthJob, Rgb } from '../canvas.ts';
import { smoothstep } from '../smoothstep.ts';
import type { RgbRaster } from './colour-convert.ts';

/** Pixels this near to the colour of the lips stay, others are what was between them. */
const LIKE_LIP = 12;
/** Teeth are paler than lips, wherever they show; what is darker may be an edge of the lips, but near the line it is the mouth. */
const DARK_REACH = [0.35, 0.6] as const;
const SHADOW = 0.2;

/**
 * Closes lips over what an open patch shows between them: along the line where they meet, pixels that are no lip take its colour, and
 * a faint shadow marks the line. The mesh's inner contours lie inside the visible opening, so closing the mesh alone leaves teeth.
 */
export function closeSeam(raster: RgbRaster, touched: Uint8Array, seam: NonNullable<MouthJob['seam']>): void {
  const { line, halfWidthPx: reach, shadowPx, weight, upperLip, lowerLip } = seam;
  const { data, widthPx, heightPx } = raster;
  const bounds = boundsOf(line);
  const left = Math.max(0, Math.floor(bounds.left - raster.x));
  const right = Math.min(widthPx - 1, Math.ceil(bounds.right - raster.x));
  const top = Math.max(0, Math.floor(bounds.top - reach - raster.y));
  const bottom = Math.min(heightPx - 1, Math.ceil(bounds.bottom + reach - raster.y));
  for (let y = top; y <= bottom; y += 1)
    for (let x = left; x <= right; x += 1) {
      const { distance, along, below } = nearest(line, x + raster.x, y + raster.y);
      if (distance > reach) continue;
      const end = 1 - smoothstep(0.8, 1, Math.abs(along));
      const share = weight * (1 - smoothstep(0.5 * reach, reach, distance)) * end;
      if (share <= 0) continue;
      const lower = 0.5 + 0.5 * Math.min(1, distance / (0.25 * reach)) * (below ? 1 : -1);
      const shade = 1 - SHADOW * Math.exp(-((distance / shadowPx) ** 2)) * end;
      const at = (y * widthPx + x) * 3;
      let paler = 0;
      for (let c = 0; c < 3; c += 1) paler += data[at + c]! - mixed(upperLip, lowerLip, lower, c);
      const dark = paler > 0 ? 1 : 1 - smoothstep(DARK_REACH[0] * reach, DARK_REACH[1] * reach, distance);
      for (let c = 0; c < 3; c += 1) {
        const lip = mixed(upperLip, lowerLip, lower, c);
        const value = data[at + c]!;
        const wanted = (Math.abs(value - lip) < LIKE_LIP ? value : lip) * shade;
        data[at + c] = value * (1 - share * dark) + wanted * share * dark;
      }
      touched[y * widthPx + x] = 1;
    }
}

function mixed(upper: Rgb, lower: Rgb, share: number, channel: number): number {
  return upper[channel]! * (1 - share) + lower[channel]! * share;
}

/** Nearest point of a line of 11: how far, where along it (−1 … 1), and on which side. */
function nearest(line: Float32Array, x: number, y: number) {
  let squared = Number.POSITIVE_INFINITY;
  let along = 0;
  let below = false;
  for (let i = 0; i < 10; i += 1) {
    const ax = line[i * 2]!;
    const ay = line[i * 2 + 1]!;
    const dx = line[i * 2 + 2]! - ax;
    const dy = line[i * 2 + 3]! - ay;
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-6)));
    const offX = x - ax - t * dx;
    const offY = y - ay - t * dy;
    const distance = offX * offX + offY * offY;
    if (distance >= squared) continue;
    squared = distance;
    along = (i + t) / 5 - 1;
    below = dx * offY - dy * offX > 0;
  }
  return { distance: Math.sqrt(squared), along, below };
}

function boundsOf(line: Float32Array) {
  const bounds = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  for (let i = 0; i < 22; i += 2) {
    bounds.left = Math.min(bounds.left, line[i]!);
    bounds.right = Math.max(bounds.right, line[i]!);
    bounds.top = Math.min(bounds.top, line[i + 1]!);
    bounds.bottom = Math.max(bounds.bottom, line[i + 1]!);
  }
  return bounds;
}
