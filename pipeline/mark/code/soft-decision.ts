import { type MarkPayload, PAYLOAD_BITS, unpackPayload } from '../payload.ts';
import { CODE_BITS, type DecodedPayload, MarkCode } from './mark-code.ts';

/**
 * What a detector has gathered, by code bit, for one hypothesis of where the mark lies.
 *
 * The signs of a mark's cells are drawn from the key, so in a clip without that mark they are independent coin tosses, whatever the
 * clip is. A sum of cells with random signs over the root of the sum of their squares is above t with probability of at most
 * exp(-t²/2) (Hoeffding 1963). This holds for each payload and each hypothesis, so by the union bound for all that were
 * tried together. Cells that share a sign (repeats of a block) have to be added up before they are squared.
 */
export interface SoftBits {
  /** 512 sums of cells with their signs taken off, positive for a code bit 0. */
  readonly sums: Float32Array;
  /** Sum of the squares of the cells (repeats folded) that went into `sums`. */
  readonly energy: number;
  /**
   * The cells of the same hypothesis whose sign does not depend on the payload: their sum with signs taken off, and their sum of
   * squares. They make the test sharper; `hypotheses` then has to count every one that the best was chosen from. They tell one
   * payload of a key from another in nothing, so what carries the payload has to be convincing without them as well.
   */
  readonly sync?: { readonly sum: number; readonly energy: number };
}

/** How sure a finding is. */
export interface Judgement {
  /** Standard deviations of an unmarked clip. */
  readonly score: number;
  /** What the score has to reach. */
  readonly threshold: number;
  /** Natural logarithm of the bound on the probability that an unmarked clip gives such a score anywhere; 0 at most. */
  readonly logFalseAlarm: number;
  readonly accepted: boolean;
}

export interface ReadPayload extends Judgement {
  readonly payload: MarkPayload;
  readonly code: Int8Array;
}

/** One false alarm in a million clips. */
export const LOG_FALSE_ALARM = Math.log(1e-6);

/** Trials of reading a payload out of one hypothesis: it could have been any. */
export const LOG_PAYLOADS = PAYLOAD_BITS * Math.LN2;

/** The least score that is believed after `exp(logTrials)` trials. */
export function scoreThreshold(logTrials: number): number {
  return Math.sqrt(2 * (logTrials - LOG_FALSE_ALARM));
}

/** Judges a score that is the best of `exp(logTrials)` trials. */
export function judge(score: number, logTrials: number): Judgement {
  const threshold = scoreThreshold(logTrials);
  const logFalseAlarm = score > 0 ? Math.min(0, logTrials - (score * score) / 2) : 0;
  return { score, threshold, logFalseAlarm, accepted: score >= threshold };
}

/** Correlation of soft bits with a code word, in standard deviations of an unmarked clip. */
export function codeScore(soft: SoftBits, code: Int8Array): number {
  const energy = soft.energy + (soft.sync?.energy ?? 0);
  if (!(energy > 0)) return 0;
  let sum = soft.sync?.sum ?? 0;
  for (let i = 0; i < CODE_BITS; i += 1) sum += soft.sums[i]! * code[i]!;
  return sum / Math.sqrt(energy);
}

/**
 * Whether the cells that carry the payload speak for it by themselves, once it is known that there is a mark of the key:
 * else a clip whose payload is lost, but whose synchronisation is strong, could be given any name.
 *
 * @param logPayloads Natural logarithm of how many payloads it was chosen from.
 */
export function speaksForPayload(dataScore: number, logPayloads: number): boolean {
  return dataScore >= scoreThreshold(logPayloads);
}

const CODE = new MarkCode();

/**
 * Reads the payload by itself: the decoded word with the best score, if any passes its CRC. Not believed unless `accepted`.
 *
 * @param hypotheses How many places, speeds, weightings … were tried with this clip and key, in all.
 */
export function readPayload(
  soft: SoftBits,
  options: { hypotheses: number; list?: number },
): ReadPayload | undefined {
  const { hypotheses, list = 32 } = options;
  let best: { decoded: DecodedPayload; score: number } | undefined;
  for (const decoded of CODE.decode(soft.sums, { list })) {
    const score = codeScore(soft, decoded.code);
    if (best === undefined || score > best.score) best = { decoded, score };
  }
  if (best === undefined) return undefined;
  const { bits, code } = best.decoded;
  const judgement = judge(best.score, LOG_PAYLOADS + Math.log(hypotheses));
  const dataScore = codeScore({ sums: soft.sums, energy: soft.energy }, code);
  const accepted = judgement.accepted && speaksForPayload(dataScore, LOG_PAYLOADS);
  return { payload: unpackPayload(bits), code, ...judgement, accepted };
}
