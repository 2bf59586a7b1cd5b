import { describe, expect, it } from 'vitest';
import type { LumaPlane } from './luma-mark.ts';
import { flatPlane, noisePlane, scenePlane } from './pictures-for-tests.ts';
import { ShotCuts } from './shot-cuts.ts';

const SIZE = { width: 160, height: 90 };

/** Numbers of the frames at which a shot begins. */
function cutsOf(frames: readonly LumaPlane[]): number[] {
  const cuts = new ShotCuts();
  return frames.flatMap((frame, i) => (cuts.isCut(frame, i * 40_000) ? [i] : []));
}

const scene = (number: number, frames: number) =>
  Array.from({ length: frames }, (_, frame) => scenePlane({ ...SIZE, scene: number, frame }));

describe('shot cuts', () => {
  it('are told at the first frame of each shot', () => {
    expect(cutsOf([...scene(1, 20), ...scene(2, 15), ...scene(5, 20)])).toEqual([20, 35]);
  });

  it('are not seen in movement, fades, grain and still pictures', () => {
    expect(cutsOf(scene(3, 40))).toEqual([]);
    expect(cutsOf(Array.from({ length: 60 }, (_, i) => flatPlane(160, 90, 4 * i)))).toEqual([]);
    expect(cutsOf(Array.from({ length: 20 }, (_, i) => noisePlane(160, 90, i)))).toEqual([]);
    expect(cutsOf(Array.from({ length: 20 }, () => flatPlane(160, 90, 0)))).toEqual([]);
  });

  it('come no sooner than 0.3 s after each other, so that a flash is not two', () => {
    const frames = [...scene(1, 12), flatPlane(160, 90, 250), ...scene(1, 12)];
    expect(cutsOf(frames)).toEqual([12]);
  });
});
