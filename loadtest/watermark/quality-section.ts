import type { MarkStrength } from '../../pipeline/mark/audio/embedder.ts';
import type { BenchContext } from '../bench/bench.ts';
import { ATTACKS, type AttackTools, SOUND_RATE_HZ } from './attacks.ts';
import { trialKey, trialLayout } from './audio-trials.ts';
import { DNSMOS_SAMPLES, Dnsmos, type Mos } from './dnsmos.ts';
import { markSound } from './marking.ts';
import type { Material, MaterialSet } from './material.ts';
import { markNoise } from './quality.ts';
import { meanOf } from './statistics.ts';

const STRENGTHS: readonly MarkStrength[] = ['discreet', 'firm'];
/** The one that dubs are marked with. */
const DEFAULT: MarkStrength = 'discreet';
const ASPECTS = ['speech', 'background', 'overall'] as const satisfies readonly (keyof Mos)[];

/** How much of the mark might be heard: rated by a model of listeners, and against a model of masking. */
export async function measureQuality(
  context: BenchContext,
  options: { material: Material; tools: AttackTools; seconds: number },
): Promise<void> {
  const { material, tools, seconds } = options;
  const key = await trialKey('quality');
  const layout = await trialLayout(key);
  const dnsmos = await Dnsmos.open();
  if (dnsmos === undefined) context.print('DNSMOS', 'not measured: model absent');
  const sets: readonly MaterialSet[] = ['people', 'dub'];
  const columns = [];
  try {
    const plain = new Map<MaterialSet, Float32Array>();
    for (const set of sets) plain.set(set, partsOf(material, set, seconds / 2));
    const rated = new Map<MaterialSet, Mos[]>();
    for (const strength of STRENGTHS) {
      const deltas: Mos[] = [];
      const noises = [];
      for (const set of sets) {
        const sound = plain.get(set)!;
        if (sound.length === 0) continue;
        context.progress(`quality: ${strength}, ${set}`);
        const [marked] = await markSound([sound], { layout, keyId: key.keyId, rendition: 9, strength });
        noises.push(await markNoise(sound, marked!));
        if (dnsmos === undefined) continue;
        if (!rated.has(set)) rated.set(set, await rate(dnsmos, sound, tools));
        const after = await rate(dnsmos, marked!, tools);
        const before = rated.get(set)!;
        deltas.push(
          ...after.map((mos, i) => ({
            speech: mos.speech - before[i]!.speech,
            background: mos.background - before[i]!.background,
            overall: mos.overall - before[i]!.overall,
          })),
        );
      }
      columns.push({ strength, deltas, noises });
    }
    report(context, columns, [...rated.values()].flat());
  } finally {
    await dnsmos?.close();
  }
}

async function rate(dnsmos: Dnsmos, sound: Float32Array, tools: AttackTools): Promise<Mos[]> {
  const samples = await ATTACKS[0]!.apply(sound, tools);
  const out: Mos[] = [];
  for (let at = 0; at + DNSMOS_SAMPLES <= samples.length; at += DNSMOS_SAMPLES) {
    tools.signal.throwIfAborted();
    out.push(await dnsmos.rate(samples.subarray(at, at + DNSMOS_SAMPLES)));
  }
  return out;
}

interface QualityColumn {
  readonly strength: MarkStrength;
  readonly deltas: readonly Mos[];
  readonly noises: readonly Awaited<ReturnType<typeof markNoise>>[];
}

function report(context: BenchContext, columns: readonly QualityColumn[], rated: readonly Mos[]): void {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const noise = (of: 'segmentalSnrDb' | 'snrDb' | 'noiseToMaskDb' | 'bandsOverMask', times = 1) =>
    columns.map(({ noises }) => ({ value: times * mean(noises.map((one) => one[of])) }));
  const deltas = columns.map(({ deltas: all }) =>
    Object.fromEntries(ASPECTS.map((aspect) => [aspect, meanOf(all.map((mos) => mos[aspect]))])),
  );
  const windows = columns[0]!.deltas.length;
  context.figures(
    `sound: quality of marked against unmarked speech (DNSMOS: ${windows} windows of 9.01 s, unmarked ${mean(rated.map(({ overall }) => overall)).toFixed(2)} overall; people and dubs in equal parts)`,
    columns.map(({ strength }) => (strength === DEFAULT ? `${strength} (default)` : strength)),
    [
      ...(windows > 0
        ? ASPECTS.flatMap((aspect) => [
            {
              name: `DNSMOS ${aspect}, difference`,
              unit: '',
              digits: 3,
              figures: deltas.map((delta, i) => ({
                value: delta[aspect]!.mean,
                ...(aspect === 'overall' && columns[i]!.strength === DEFAULT
                  ? { goal: { atLeast: -0.05 } }
                  : {}),
              })),
            },
            {
              name: '  95 % interval, ±',
              unit: '',
              digits: 3,
              figures: deltas.map((delta) => ({ value: delta[aspect]!.within })),
            },
          ])
        : []),
      { name: 'segmental SNR', unit: 'dB', digits: 1, figures: noise('segmentalSnrDb') },
      { name: 'SNR', unit: 'dB', digits: 1, figures: noise('snrDb') },
      { name: 'noise to mask, mean', unit: 'dB', digits: 1, figures: noise('noiseToMaskDb') },
      { name: 'bands over the mask', unit: '%', digits: 2, figures: noise('bandsOverMask', 100) },
    ],
  );
  context.record('quality', columns);
}

/** Up to so much of one set, pauses included. */
function partsOf({ sound, parts }: Material, set: MaterialSet, seconds: number): Float32Array {
  const own = parts.filter((part) => part.set === set);
  if (own.length === 0) return new Float32Array(0);
  const from = Math.round(own[0]!.startS * SOUND_RATE_HZ);
  const to = Math.round(own.at(-1)!.endS * SOUND_RATE_HZ);
  return sound.slice(from, Math.min(to, from + Math.round(seconds * SOUND_RATE_HZ)));
}
