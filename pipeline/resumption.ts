import type { Mode } from './demand.ts';
import type { ClauseFrame } from './frames.ts';
import type { ClauseLogEntry } from './ports/clause-log.ts';
import type { LanguageCode } from './ports/engine.ts';

/** A clause that ended longer before the last one could not be spoken within the lag cap any more, µs. */
const WORTH_SPEAKING_US = 30_000_000;

/** What a clause log says of an earlier run: where to go on, what was committed and not spoken, what must not be said again. */
export class Resumption {
  /** End of the last committed clause, µs; undefined where there is none. */
  readonly resumeFromUs: number | undefined;
  readonly nextClauseId: number;
  readonly #clauses: ClauseFrame[] = [];
  readonly #settled = new Map<string, Set<number>>();

  constructor(entries: readonly ClauseLogEntry[]) {
    let endUs = Number.NEGATIVE_INFINITY;
    let lastId = -1;
    const lastSpoken = new Map<string, { language: LanguageCode; mode: Mode; clauseId: number }>();
    for (const entry of entries) {
      if (entry.kind === 'clause') {
        const { clause } = entry;
        endUs = Math.max(endUs, clause.endUs);
        lastId = Math.max(lastId, clause.id);
        this.#clauses.push({ ...clause, pcm: new Float32Array(0) });
      } else if (entry.kind === 'utterance') {
        const { language, clauseId } = entry.utterance;
        this.#settle(language, entry.mode, clauseId);
        lastSpoken.set(`${language}:${entry.mode}`, { language, mode: entry.mode, clauseId });
      } else {
        this.#settle(entry.language, entry.mode, entry.clauseId);
      }
    }
    // Clauses are said in order: one before that has no entry was not wanted by anybody at its time.
    for (const { language, mode, clauseId } of lastSpoken.values())
      for (const { id } of this.#clauses) if (id < clauseId) this.#settle(language, mode, id);
    this.nextClauseId = lastId + 1;
    this.resumeFromUs = lastId < 0 ? undefined : endUs;
  }

  /** Clauses whose fate in a language and mode was written: they are never spoken again there. */
  settled(language: LanguageCode, mode: Mode): ReadonlySet<number> {
    return this.#settled.get(`${language}:${mode}`) ?? new Set();
  }

  /** Clauses, oldest first, that some mode of a language still has to speak. Their sound is gone: `pcm` is empty. */
  unspoken(language: LanguageCode, outputs: readonly { readonly mode: Mode }[]): readonly ClauseFrame[] {
    const modes = [...new Set(outputs.map(({ mode }) => mode))].map((mode) => this.settled(language, mode));
    return this.#clauses.filter(
      ({ id, endUs }) =>
        endUs >= this.resumeFromUs! - WORTH_SPEAKING_US && modes.some((settled) => !settled.has(id)),
    );
  }

  #settle(language: LanguageCode, mode: Mode, clauseId: number): void {
    const key = `${language}:${mode}`;
    const ids = this.#settled.get(key) ?? new Set();
    ids.add(clauseId);
    this.#settled.set(key, ids);
  }
}
