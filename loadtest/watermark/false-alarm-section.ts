import { LOG_FALSE_ALARM } from '../../pipeline/mark/code/soft-decision.ts';
import type { BenchContext } from '../bench/bench.ts';
import { formatTable } from '../bench/table.ts';
import { ATTACKS, type AttackTools, DETECTOR_RATE_HZ, SOUND_RATE_HZ } from './attacks.ts';
import { bookOf, trialKey, trialLayout } from './audio-trials.ts';
import { markSound } from './marking.ts';
import { join, type Material, spokenSentences } from './material.ts';
import { quantile } from './statistics.ts';
import type { TrialPool } from './trial-pool.ts';

const CLIP_S = 5;
/** Keys that are looked for in every clip: none of them marked it. */
const KEYS = 4;
/** Payloads that each clip is compared with, of each key. */
const BOOK_PAYLOADS = 10_000;
/** Sentences beyond those of the other material. */
const FIRST_SENTENCE = 300;

/** What unmarked sound goes through, so that the clips are not all alike. */
const WAYS = ['none', 'opus-32', 'mp3-64', 'music', 'noise', 'faster', 'telephone'];

interface SourceResult {
  readonly source: string;
  readonly clips: number;
  readonly findings: number;
  readonly presences: number;
  /** Best synchronisation of each clip and key. */
  readonly scores: readonly number[];
}

/**
 * Looks with wrong keys at sound that is not marked, and at sound that another key marked. Every clip is searched as a whole (all speeds and
 * places), and compared with issued payloads; what is counted is clips, and clips times keys.
 */
export async function measureFalseAlarms(
  context: BenchContext,
  options: { material: Material; pool: TrialPool; tools: AttackTools; seconds: number },
): Promise<void> {
  const { material, pool, tools, seconds } = options;
  const { signal } = context;
  const keys = await Promise.all(Array.from({ length: KEYS }, (_, i) => trialKey(`false alarms ${i}`)));
  pool.prepare({
    name: 'false alarms',
    keys,
    candidates: keys.flatMap(({ keyId }) => bookOf(keyId, [], BOOK_PAYLOADS)),
  });
  context.progress('sound that is not marked by the keys that are looked for: having our voices speak');
  const basisS = seconds / (2 * WAYS.length);
  const sentences = await spokenSentences({
    seconds: Math.max(0, basisS - material.seconds),
    from: FIRST_SENTENCE,
    signal,
  });
  const more = join(sentences, '', 2).sound;
  const basis = new Float32Array(Math.round(basisS * SOUND_RATE_HZ));
  basis.set(material.sound.subarray(0, basis.length));
  if (material.sound.length < basis.length)
    basis.set(more.subarray(0, basis.length - material.sound.length), material.sound.length);
  const other = await trialKey('another issuer');
  const [marked] = await markSound([basis], {
    layout: await trialLayout(other),
    keyId: other.keyId,
    rendition: 77,
  });
  const results: SourceResult[] = [];
  let syncThreshold = Number.NaN;
  for (const [what, sound] of [
    ['unmarked', basis],
    ['marked by another', marked!],
  ] as const) {
    for (const id of WAYS) {
      const attack = ATTACKS.find((one) => one.id === id)!;
      context.progress(`false alarms: ${what}, ${attack.title}`);
      const attacked = await attack.apply(sound, tools);
      const samples = CLIP_S * DETECTOR_RATE_HZ;
      const clips = Array.from({ length: Math.floor(attacked.length / samples) }, (_, i) =>
        attacked.slice(i * samples, (i + 1) * samples),
      );
      const found = await pool.run(clips, { setup: 'false alarms', withScores: true });
      syncThreshold = found[0]?.syncThreshold ?? syncThreshold;
      results.push({
        source: `${what}, ${attack.title}`,
        clips: clips.length,
        findings: found.reduce((sum, { detection }) => sum + detection.findings.length, 0),
        presences: found.filter(({ detection }) => detection.presence !== undefined).length,
        scores: found.flatMap(({ syncScores }) => syncScores),
      });
    }
  }
  report(context, results, syncThreshold);
}

function report(context: BenchContext, results: readonly SourceResult[], syncThreshold: number): void {
  const sum = (of: (result: SourceResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const clips = sum((one) => one.clips);
  const hours = (clips * CLIP_S) / 3600;
  context.figures(
    `sound: false alarms in ${hours.toFixed(2)} h of ${CLIP_S} s clips, each looked at with ${KEYS} wrong keys (${(hours * KEYS).toFixed(1)} h times keys)`,
    ['count'],
    [
      {
        name: 'marks named',
        unit: '',
        digits: 0,
        figures: [{ value: sum((one) => one.findings), goal: { atMost: 0 } }],
      },
      {
        name: 'clips said to be marked',
        unit: '',
        digits: 0,
        figures: [{ value: sum((one) => one.presences), goal: { atMost: 0 } }],
      },
    ],
  );
  const all: SourceResult = {
    source: 'all',
    clips,
    findings: sum((one) => one.findings),
    presences: sum((one) => one.presences),
    scores: results.flatMap(({ scores }) => scores),
  };
  context.print(
    `sound: best synchronisation of each clip and key (to be believed in a clip of one window: ${syncThreshold.toFixed(2)}, the union bound for ${Math.exp(LOG_FALSE_ALARM).toExponential(0)} a clip)`,
    formatTable(
      [
        { title: 'clips' },
        ...['clips', 'trials', 'mean', '95 %', '99 %', '99.9 %', 'highest'].map((title) => ({
          title,
          align: 'right' as const,
        })),
      ],
      [...results, all].map(({ source, clips: count, scores }) => [
        source,
        String(count),
        String(scores.length),
        ...[
          scores.reduce((total, score) => total + score, 0) / scores.length,
          ...[0.95, 0.99, 0.999, 1].map((share) => quantile(scores, share)),
        ].map((value) => value.toFixed(2)),
      ]),
    ),
  );
  context.record('falseAlarms', { hours, keys: KEYS, syncThreshold, sources: results });
}
