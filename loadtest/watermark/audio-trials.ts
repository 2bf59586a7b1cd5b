import { AudioMarkLayout, blockOf, minuteOfBlock } from '../../pipeline/mark/audio/layout.ts';
import type { MarkCandidate, MarkDetection } from '../../pipeline/mark/finding.ts';
import { deriveMarkKey, type MarkKey } from '../../pipeline/mark/mark-key.ts';
import { mulberry32 } from '../clips/clip-plan.ts';
import { DETECTOR_RATE_HZ, SOUND_RATE_HZ } from './attacks.ts';
import { quantile, type Share, wilson } from './statistics.ts';
import type { TrialPool } from './trial-pool.ts';

/** Payloads among which a mark is recognised. */
export const BOOK_PAYLOADS = 1_000_000;
const MINUTES_EACH = 50;

/** A key for trials; secrets are made of its name. */
export async function trialKey(name: string): Promise<MarkKey> {
  const master = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(name)));
  return await deriveMarkKey({ master, issuer: name });
}

export async function trialLayout(key: MarkKey): Promise<AudioMarkLayout> {
  return await AudioMarkLayout.create(key);
}

/** So many payloads as a busy issuer may have given out, the given renditions among them. */
export function bookOf(
  keyId: number,
  renditions: readonly number[],
  payloads = BOOK_PAYLOADS,
): MarkCandidate[] {
  const random = mulberry32(keyId + 1);
  const others = payloads / MINUTES_EACH - renditions.length;
  const drawn = Array.from({ length: others }, () => Math.floor(random() * 2 ** 36));
  return [...drawn, ...renditions].map((rendition) => ({ keyId, rendition, minutes: MINUTES_EACH }));
}

export interface ClipTrial {
  readonly startS: number;
  readonly lengthS: number;
  readonly samples: Float32Array;
}

/** Clips at random places, pauses left in. The same seed gives the same places. */
export function cutClips(
  sound: Float32Array,
  options: { lengthS: number; count: number; seed: number },
): ClipTrial[] {
  const { lengthS, count, seed } = options;
  const random = mulberry32(seed);
  const samples = Math.round(lengthS * DETECTOR_RATE_HZ);
  return Array.from({ length: count }, () => {
    const at = Math.floor(random() * Math.max(0, sound.length - samples));
    return { startS: at / DETECTOR_RATE_HZ, lengthS, samples: sound.slice(at, at + samples) };
  });
}

/** What one clip gave. */
export interface ClipOutcome {
  readonly startS: number;
  readonly read: boolean;
  /** Read, or recognised among the issued. */
  readonly named: boolean;
  /** Named, or known to be marked. */
  readonly present: boolean;
  /** Something was named that is not in the clip. */
  readonly wrong: boolean;
  /** Of the finding; 0 without one. */
  readonly score: number;
  readonly ms: number;
}

/** What is in a clip. */
export interface Truth {
  readonly keyId: number;
  readonly renditions: readonly number[];
  /** Place in the marked sound of a place in the attacked one. */
  readonly originalS: (s: number) => number;
}

export function judgeClip(
  { startS, lengthS }: Omit<ClipTrial, 'samples'>,
  detection: MarkDetection,
  ms: number,
  truth: Truth,
): ClipOutcome {
  const minuteAt = (s: number) =>
    minuteOfBlock(blockOf(Math.max(0, Math.floor(truth.originalS(s) * SOUND_RATE_HZ))));
  // Codecs move sound by some hundredths of a second.
  const [first, last] = [minuteAt(startS - 0.1), minuteAt(startS + lengthS + 0.1)];
  const isRight = ({ payload }: MarkDetection['findings'][number]) =>
    payload.keyId === truth.keyId &&
    truth.renditions.includes(payload.rendition) &&
    payload.minute >= first &&
    payload.minute <= last;
  const right = detection.findings.filter(isRight);
  return {
    startS,
    read: right.some(({ how }) => how === 'read'),
    named: right.length > 0,
    present:
      right.length > 0 || (detection.presence !== undefined && detection.presence.keyId === truth.keyId),
    wrong: right.length < detection.findings.length,
    score: Math.max(0, ...right.map(({ score }) => score)),
    ms,
  };
}

/** Many clips of one length after one attack. */
export interface TrialSummary {
  readonly lengthS: number;
  readonly read: Share;
  readonly named: Share;
  readonly present: Share;
  readonly wrong: number;
  readonly meanScore: number;
  /** 5th percentile; clips without a finding count 0. */
  readonly lowScore: number;
  readonly msMean: number;
}

export function summarise(lengthS: number, outcomes: readonly ClipOutcome[]): TrialSummary {
  const share = (is: (outcome: ClipOutcome) => boolean) =>
    wilson(outcomes.filter(is).length, outcomes.length);
  const scores = outcomes.map(({ score }) => score);
  const found = scores.filter((score) => score > 0);
  return {
    lengthS,
    read: share(({ read }) => read),
    named: share(({ named }) => named),
    present: share(({ present }) => present),
    wrong: outcomes.filter(({ wrong }) => wrong).length,
    meanScore: found.reduce((sum, score) => sum + score, 0) / found.length,
    lowScore: quantile(scores, 0.05),
    msMean: outcomes.reduce((sum, { ms }) => sum + ms, 0) / outcomes.length,
  };
}

/** Cuts clips out of attacked sound, looks at them, and judges what comes out. */
export async function runClips(
  pool: TrialPool,
  sound: Float32Array,
  options: { setup: string; truth: Truth; lengthS: number; count: number; seed: number },
): Promise<ClipOutcome[]> {
  const { setup, truth } = options;
  const clips = cutClips(sound, options);
  const results = await pool.run(
    clips.map(({ samples }) => samples),
    { setup },
  );
  return results.map(({ detection, ms }, i) => judgeClip(clips[i]!, detection, ms, truth));
}
