import type { BenchContext } from '../bench/bench.ts';
import type { Goal } from '../bench/goal.ts';
import { formatTable } from '../bench/table.ts';
import { ATTACKS, type Attack, type AttackTools, transcode } from './attacks.ts';
import {
  bookOf,
  type ClipOutcome,
  runClips,
  summarise,
  type TrialSummary,
  trialKey,
  trialLayout,
} from './audio-trials.ts';
import { markSound } from './marking.ts';
import type { Material } from './material.ts';
import { shareText } from './statistics.ts';
import type { TrialPool } from './trial-pool.ts';

/** How many clips of which length, s. */
export type ClipPlan = readonly { readonly lengthS: number; readonly count: number }[];

/** What clips of 5 s should reach, in per cent. */
interface AttackGoals {
  readonly read?: Goal;
  readonly named?: Goal;
}

const CODEC: AttackGoals = { read: { atLeast: 99 }, named: { atLeast: 99 } };
const GOALS: Readonly<Record<string, AttackGoals>> = {
  none: CODEC,
  'opus-64': CODEC,
  'opus-32': CODEC,
  'aac-128': CODEC,
  'aac-64': CODEC,
  'mp3-64': CODEC,
  'opus-aac': CODEC,
  '16-khz': CODEC,
  louder: CODEC,
  softer: CODEC,
  faster: CODEC,
  slower: CODEC,
  tempo: CODEC,
  noise: { named: { atLeast: 99 } },
  music: { named: { atLeast: 95 } },
  'music-opus-32': { named: { atLeast: 84 } },
};
/** The length that goals are set for, s. */
const GOAL_LENGTH_S = 5;
const RENDITION = 0x5_1234_5678;

interface AttackResult {
  readonly attack: Attack;
  readonly summaries: readonly TrialSummary[];
  readonly outcomes: readonly (readonly ClipOutcome[])[];
}

/** Marks the material once, attacks it, and looks at clips of what comes out. */
export async function measureRobustness(
  context: BenchContext,
  options: { material: Material; pool: TrialPool; tools: AttackTools; plan: ClipPlan },
): Promise<void> {
  const { material, pool, tools, plan } = options;
  const key = await trialKey('robustness');
  const layout = await trialLayout(key);
  pool.prepare({ name: 'robustness', keys: [key], candidates: bookOf(key.keyId, [RENDITION]) });
  const marking = { layout, keyId: key.keyId, rendition: RENDITION };
  const [mono] = await markSound([material.sound], marking);
  const stereo = await markSound(asStereo(material.sound), marking);
  const cases: { attack: Attack; apply: () => Promise<Float32Array> }[] = [
    ...ATTACKS.map((attack) => ({ attack, apply: () => attack.apply(mono!, tools) })),
    {
      attack: { id: 'stereo', title: 'stereo, Opus 64 kb/s, as mono', apply: () => Promise.reject() },
      apply: () =>
        transcode(stereo, tools, {
          through: [{ extension: 'ogg', args: ['-c:a', 'libopus', '-b:a', '64k'] }],
        }),
    },
  ];
  const results: AttackResult[] = [];
  for (const [i, { attack, apply }] of cases.entries()) {
    context.progress(`sound: ${attack.title}`);
    const sound = await apply();
    const outcomes: ClipOutcome[][] = [];
    for (const [j, { lengthS, count }] of plan.entries()) {
      const truth = {
        keyId: key.keyId,
        renditions: [RENDITION],
        originalS: attack.originalS ?? ((s: number) => s),
      };
      outcomes.push(
        await runClips(pool, sound, {
          setup: 'robustness',
          truth,
          lengthS,
          count,
          seed: 100 * i + j + 1,
        }),
      );
    }
    results.push({
      attack,
      outcomes,
      summaries: plan.map(({ lengthS }, j) => summarise(lengthS, outcomes[j]!)),
    });
  }
  report(context, results);
}

function report(context: BenchContext, results: readonly AttackResult[]): void {
  const of = ({ summaries }: AttackResult) => summaries.find(({ lengthS }) => lengthS === GOAL_LENGTH_S)!;
  context.figures(
    `sound: clips of ${GOAL_LENGTH_S} s that are named rightly (${of(results[0]!).read.of} each)`,
    ['read', 'with look-up', 'known to be marked', 'wrong name'],
    results.map((result) => {
      const { read, named, present, wrong } = of(result);
      const goals = GOALS[result.attack.id] ?? {};
      return {
        name: result.attack.title,
        unit: '%',
        digits: 1,
        figures: [
          { value: read.share * 100, ...(goals.read ? { goal: goals.read } : {}) },
          { value: named.share * 100, ...(goals.named ? { goal: goals.named } : {}) },
          { value: present.share * 100 },
          { value: (wrong / read.of) * 100, goal: { atMost: 0 } },
        ],
      };
    }),
  );
  for (const which of ['read', 'named'] as const) {
    context.print(
      `sound, ${which === 'read' ? 'all 64 bits read by themselves' : `read, or recognised among 10⁶ issued payloads`}: % of clips [95 %]`,
      formatTable(
        [
          { title: 'attack' },
          ...results[0]!.summaries.map(({ lengthS, read }) => ({
            title: `${lengthS} s (${read.of})`,
            align: 'right' as const,
          })),
          { title: 'score, 5 s: mean', align: 'right' },
          { title: '5th pct', align: 'right' },
          { title: 'ms', align: 'right' },
        ],
        results.map((result) => [
          result.attack.title,
          ...result.summaries.map((summary) => shareText(summary[which])),
          of(result).meanScore.toFixed(1),
          of(result).lowScore.toFixed(1),
          of(result).msMean.toFixed(0),
        ]),
      ),
    );
  }
  context.record(
    'robustness',
    results.map(({ attack: { id, title }, summaries, outcomes }) => ({ id, title, summaries, outcomes })),
  );
}

/** The speaker a little to the left, with a room on the right. */
function asStereo(sound: Float32Array): [Float32Array, Float32Array] {
  const delaySamples = 384;
  const right = sound.map(
    (sample, i) => 0.5 * sample + 0.3 * (sound[i - delaySamples] ?? 0) + 0.15 * (sound[i - 1711] ?? 0),
  );
  return [sound, right];
}
