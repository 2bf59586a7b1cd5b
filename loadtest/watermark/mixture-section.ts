import type { MarkDetection } from '../../pipeline/mark/finding.ts';
import type { BenchContext } from '../bench/bench.ts';
import { ATTACKS, type AttackTools, DETECTOR_RATE_HZ } from './attacks.ts';
import { bookOf, cutClips, trialKey, trialLayout } from './audio-trials.ts';
import { markSound } from './marking.ts';
import type { Material } from './material.ts';
import type { TrialPool } from './trial-pool.ts';

const FIRST = 0x1_0000_0001;
const SECOND = 0x2_0000_0002;
const CLIP_S = 10;
/** How far a range that is told may be off at either end, s. */
const RANGE_TOLERANCE_S = 1.5;

/** What people do with several marks at once: mixes of two renditions. Both, one, or nothing may be found, but nothing else. */
export async function measureMixtures(
  context: BenchContext,
  options: { material: Material; pool: TrialPool; tools: AttackTools; count: number },
): Promise<void> {
  const { material, pool, tools, count } = options;
  const [ours, theirs] = await Promise.all([trialKey('first issuer'), trialKey('second issuer')]);
  const keys = [ours, theirs];
  pool.prepare({
    name: 'mixtures',
    keys,
    candidates: [...bookOf(ours.keyId, [FIRST, SECOND]), ...bookOf(theirs.keyId, [SECOND])],
  });
  const mark = async (sound: Float32Array, key: typeof ours, rendition: number) =>
    (await markSound([sound], { layout: await trialLayout(key), keyId: key.keyId, rendition }))[0]!;
  context.progress('sound: several marks');
  const first = await mark(material.sound, ours, FIRST);
  const second = await mark(material.sound, ours, SECOND);
  const both = await mark(first, theirs, SECOND);
  const plain = (sound: Float32Array) => ATTACKS[0]!.apply(sound, tools);
  const mean = first.map((sample, i) => (sample + second[i]!) / 2);
  const [overlaid, averaged, a, b] = [
    await plain(both),
    await plain(mean),
    await plain(first),
    await plain(second),
  ];

  const half = (CLIP_S / 2) * DETECTOR_RATE_HZ;
  const seams = cutClips(a, { lengthS: CLIP_S, count, seed: 9 }).map(({ startS, samples }) => {
    const from = Math.round(startS * DETECTOR_RATE_HZ);
    samples.set(b.subarray(from + half, from + 2 * half), half);
    return samples;
  });
  const clipsOf = (sound: Float32Array, seed: number) =>
    cutClips(sound, { lengthS: CLIP_S, count, seed }).map(({ samples }) => samples);
  const rows = [];
  for (const { name, clips, expected, ranges } of [
    {
      name: 'two issuers, one mark over the other',
      clips: clipsOf(overlaid, 7),
      expected: [`${ours.keyId} ${FIRST}`, `${theirs.keyId} ${SECOND}`],
      ranges: false,
    },
    {
      name: 'cut together from two renditions, 5 s each',
      clips: seams,
      expected: [`${ours.keyId} ${FIRST}`, `${ours.keyId} ${SECOND}`],
      ranges: true,
    },
    {
      name: 'mean of two renditions of one sound',
      clips: clipsOf(averaged, 8),
      expected: [`${ours.keyId} ${FIRST}`, `${ours.keyId} ${SECOND}`],
      ranges: false,
    },
  ]) {
    const results = await pool.run(clips, { setup: 'mixtures' });
    const told = results.map(({ detection }) => namesIn(detection));
    const share = (is: (names: ReadonlySet<string>, i: number) => boolean) =>
      (told.filter(is).length / told.length) * 100;
    rows.push({
      name,
      figures: [
        share((names) => expected.every((one) => names.has(one))),
        share((names) => expected.some((one) => names.has(one))),
        ranges ? share((_, i) => isCutAtSeam(results[i]!.detection)) : null,
        share((_, i) => results[i]!.detection.presence !== undefined || told[i]!.size > 0),
        share((names) => [...names].some((one) => !expected.includes(one))),
      ],
    });
  }
  context.figures(
    `sound: several marks in clips of ${CLIP_S} s (${count} each)`,
    ['both named', 'at least one', 'both, with their ranges', 'known to be marked', 'wrong name'],
    rows.map(({ name, figures }) => ({
      name,
      unit: '%',
      digits: 0,
      figures: figures.map((value, i) => (i === 4 ? { value, goal: { atMost: 0 } } : { value })),
    })),
  );
}

function namesIn({ findings }: MarkDetection): Set<string> {
  return new Set(findings.map(({ payload }) => `${payload.keyId} ${payload.rendition}`));
}

function isCutAtSeam({ findings }: MarkDetection): boolean {
  const seamS = CLIP_S / 2;
  const near = (a: number, b: number) => Math.abs(a - b) <= RANGE_TOLERANCE_S;
  const of = (rendition: number) => findings.find(({ payload }) => payload.rendition === rendition);
  const [before, after] = [of(FIRST), of(SECOND)];
  return (
    before !== undefined &&
    after !== undefined &&
    near(before.startS, 0) &&
    near(before.endS, seamS) &&
    near(after.startS, seamS) &&
    near(after.endS, CLIP_S)
  );
}
