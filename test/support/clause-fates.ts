import type { Mode } from '../../pipeline/demand.ts';
import type { ClauseLogEntry } from '../../pipeline/ports/clause-log.ts';

/** What a clause log says became of each clause in one language and mode. */
export interface ClauseFates {
  /** Ids in the order in which they were committed. */
  readonly committed: readonly number[];
  /** Ids in the order in which they were spoken or skipped. */
  readonly settled: readonly number[];
  readonly spoken: readonly number[];
  /** Committed after the first that was settled and before the last, and never settled. */
  readonly lost: readonly number[];
  readonly repeated: readonly number[];
  /** Longest time between two clauses of which one follows the other, and the most they overlap, ms. */
  readonly longestPauseMs: number;
  readonly mostOverlapMs: number;
}

export function clauseFates(log: readonly ClauseLogEntry[], language: string, mode: Mode): ClauseFates {
  const clauses = log.flatMap((entry) => (entry.kind === 'clause' ? [entry.clause] : []));
  const committed = clauses.map(({ id }) => id);
  const settled: number[] = [];
  const spoken: number[] = [];
  for (const entry of log) {
    if (entry.kind === 'clause' || entry.mode !== mode) continue;
    if ((entry.kind === 'utterance' ? entry.utterance.language : entry.language) !== language) continue;
    const id = entry.kind === 'utterance' ? entry.utterance.clauseId : entry.clauseId;
    settled.push(id);
    if (entry.kind === 'utterance') spoken.push(id);
  }
  const pausesMs = clauses.slice(1).map(({ startUs }, i) => (startUs - clauses[i]!.endUs) / 1000);
  const [first, last] = [Math.min(...settled), Math.max(...settled)];
  return {
    committed,
    settled,
    spoken,
    lost: committed.filter((id) => id > first && id < last && !settled.includes(id)),
    repeated: settled.filter((id, i) => settled.indexOf(id) !== i),
    longestPauseMs: Math.max(0, ...pausesMs),
    mostOverlapMs: Math.max(0, ...pausesMs.map((pause) => -pause)),
  };
}
