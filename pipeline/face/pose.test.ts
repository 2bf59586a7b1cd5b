import { describe, expect, it } from 'vitest';
import { FACE_PRIOR } from './face-prior.ts';
import { lipShape } from './lip-shape.ts';
import { canonicalShape, fitPose, inPicture } from './pose.ts';
import { SpeakerModel } from './speaker-model.ts';

const { template } = FACE_PRIOR;

/** The template turned, scaled and moved. */
function posed(yawDeg: number, rollDeg: number, scale: number, x: number, y: number): Float32Array {
  const [yaw, roll] = [(yawDeg * Math.PI) / 180, (rollDeg * Math.PI) / 180];
  const out = new Float32Array(1404);
  for (let i = 0; i < 1404; i += 3) {
    const [a, b, c] = [template[i]!, template[i + 1]!, template[i + 2]!];
    const turned = [Math.cos(yaw) * a - Math.sin(yaw) * c, b, Math.sin(yaw) * a + Math.cos(yaw) * c] as const;
    out[i] = x + scale * (Math.cos(roll) * turned[0] - Math.sin(roll) * turned[1]);
    out[i + 1] = y + scale * (Math.sin(roll) * turned[0] + Math.cos(roll) * turned[1]);
    out[i + 2] = scale * turned[2];
  }
  return out;
}

describe('the pose of a face', () => {
  it.each([
    [0, 0],
    [20, 0],
    [-25, 10],
    [5, -30],
  ])('is found for yaw %d and roll %d', (yawDeg, rollDeg) => {
    const pose = fitPose(posed(yawDeg, rollDeg, 120, 300, 200), template);
    expect(pose.scale).toBeCloseTo(120, 1);
    // The angles are taken one after the other, so each is a little off where both are large.
    expect(Math.abs(Math.abs(pose.yawDeg) - Math.abs(yawDeg))).toBeLessThan(2);
    expect(Math.abs(Math.abs(pose.rollDeg) - Math.abs(rollDeg))).toBeLessThan(2);
  });

  it('taken away leaves the template, and put on again the picture', () => {
    const landmarks = posed(15, -12, 90, 160, 120);
    const pose = fitPose(landmarks, template);
    const canonical = canonicalShape(landmarks, pose);
    for (let i = 0; i < 1404; i += 1) expect(canonical[i]).toBeCloseTo(template[i]!, 3);
    const [dx, dy] = inPicture(pose, canonical[30]!, canonical[31]!, canonical[32]!);
    expect(pose.translation[0] + dx).toBeCloseTo(landmarks[30]!, 1);
    expect(pose.translation[1] + dy).toBeCloseTo(landmarks[31]!, 1);
  });
});

describe('a speaker model', () => {
  it("learns a speaker's own range and shape, from the prior on", () => {
    const model = new SpeakerModel(FACE_PRIOR);
    const shape = (opening: number) =>
      template.map(
        (value, i) => value + FACE_PRIOR.perOpening[i]! * 1.3 * (opening - 0.05) + (i === 457 ? 0.02 : 0),
      );
    for (let i = 0; i < 400; i += 1) {
      const canonical = shape(0.06 + 0.05 * Math.sin(i * 0.7));
      model.learn(canonical, lipShape(canonical), 0.01);
    }
    const lips = lipShape(shape(0.06));
    expect(model.range!.openingMin).toBeLessThan(lips.opening);
    expect(model.range!.openingMax).toBeGreaterThan(lips.opening);
    expect(model.range!.openingMax).toBeLessThan(0.25);
    const residual = model.residual(shape(0.09), lipShape(shape(0.09)), new Float32Array(1404));
    expect(Math.max(...residual.map(Math.abs))).toBeLessThan(0.01);
    expect(model.mean[457]! - template[457]!).toBeGreaterThan(0.01);
  });
});
