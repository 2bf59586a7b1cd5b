import { seeded } from '../code/random-for-tests.ts';
import type { LumaPlane } from './luma-mark.ts';

const scenes = new Map<string, Float32Array>();

/** A picture of soft shapes, an edged disc that moves with time, and a little grain; another `scene` shows other shapes. */
export function scenePlane(options: {
  width: number;
  height: number;
  scene: number;
  frame: number;
}): LumaPlane {
  const { width, height, scene, frame } = options;
  const name = `${scene} ${width} x ${height}`;
  const shapes = scenes.get(name) ?? softShapes(width, height, seeded(1000 + scene));
  scenes.set(name, shapes);
  const random = seeded(scene * 7919 + frame);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let value = shapes[y * width + x]! + 4 * (random() - 0.5);
      if (Math.hypot(x / width - 0.3 - 0.004 * frame, y / height - 0.5) < 0.15) value += scene % 2 ? 50 : -50;
      data[y * width + x] = Math.max(0, Math.min(255, value));
    }
  }
  return { width, height, strideBytes: width, data };
}

function softShapes(width: number, height: number, random: () => number): Float32Array {
  const waves = Array.from({ length: 12 }, () => ({
    across: (random() - 0.5) * 40,
    down: (random() - 0.5) * 40,
    phase: random() * 6.28,
    size: 1 + random() * 4,
  }));
  const mean = 90 + 70 * random();
  return Float32Array.from({ length: width * height }, (_, i) => {
    const u = (i % width) / width;
    const v = Math.floor(i / width) / height;
    return waves.reduce(
      (sum, { across, down, phase, size }) => sum + size * Math.sin(across * u + down * v + phase),
      mean,
    );
  });
}

export function flatPlane(width: number, height: number, value: number): LumaPlane {
  return { width, height, strideBytes: width, data: new Uint8Array(width * height).fill(value) };
}

export function noisePlane(width: number, height: number, seed: number): LumaPlane {
  const random = seeded(seed);
  const data = Uint8Array.from({ length: width * height }, () => random() * 256);
  return { width, height, strideBytes: width, data };
}

export function copyOf(plane: LumaPlane): LumaPlane {
  return { ...plane, data: plane.data.slice() };
}

/** Peak signal to noise ratio of two planes without stride, dB. */
export function psnrDb(a: LumaPlane, b: LumaPlane): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i += 1) sum += (a.data[i]! - b.data[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}
