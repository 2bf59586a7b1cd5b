import { AudioMarkDetector } from '../../pipeline/mark/audio/detector.ts';
import type { BenchContext } from '../bench/bench.ts';
import { ATTACKS, type AttackTools, DETECTOR_RATE_HZ, SOUND_RATE_HZ } from './attacks.ts';
import { trialKey, trialLayout } from './audio-trials.ts';
import { markSound } from './marking.ts';
import type { Material } from './material.ts';

const ATTEMPTS = 3;
const EMBED_S = 60;
const CLIPS = 8;
const CLIP_S = 10;

/** What the mark of sound costs on one core: the best of three attempts each, while nothing else of this bench runs. */
export async function measureCost(
  context: BenchContext,
  { material, tools }: { material: Material; tools: AttackTools },
): Promise<void> {
  context.progress('cost of the mark of sound');
  const key = await trialKey('cost');
  const layout = await trialLayout(key);
  const sound = material.sound.subarray(0, EMBED_S * SOUND_RATE_HZ);
  const marking = { layout, keyId: key.keyId, rendition: 5 };
  const embed = (planes: readonly Float32Array[]) =>
    best(sound.length / SOUND_RATE_HZ, () => markSound(planes, marking));
  const mono = await embed([sound]);
  const stereo = await embed([sound, sound]);
  const [marked] = await markSound([sound], marking);
  const plain = await ATTACKS[0]!.apply(sound, tools);
  const opus = await ATTACKS.find(({ id }) => id === 'opus-64')!.apply(marked!, tools);
  const detector = await AudioMarkDetector.create({ keys: [key] });
  const detect = (samples: Float32Array) => {
    const clips = Array.from({ length: CLIPS }, (_, i) => {
      const at = Math.floor((i * (samples.length - CLIP_S * DETECTOR_RATE_HZ)) / CLIPS);
      return samples.slice(at, at + CLIP_S * DETECTOR_RATE_HZ);
    });
    return best(CLIPS * CLIP_S, async () => {
      for (const clip of clips) await detector.detect(clip);
    });
  };
  const fast = await detect(opus);
  const full = await detect(plain);
  context.figures(
    'sound: cost on one core, media time per time',
    ['1 key'],
    [
      { name: 'marking, mono', unit: '×', digits: 0, figures: [{ value: mono, goal: { atLeast: 100 } }] },
      { name: 'marking, stereo', unit: '×', digits: 0, figures: [{ value: stereo }] },
      {
        name: `finding, clips of ${CLIP_S} s that are marked (Opus 64)`,
        unit: '×',
        digits: 0,
        figures: [{ value: fast, goal: { atLeast: 300 } }],
      },
      {
        name: `finding nothing, clips of ${CLIP_S} s (every speed)`,
        unit: '×',
        digits: 0,
        figures: [{ value: full, goal: { atLeast: 30 } }],
      },
    ],
  );
}

async function best(seconds: number, work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = performance.now();
    await work();
    most = Math.max(most, seconds / ((performance.now() - before) / 1000));
  }
  return most;
}
