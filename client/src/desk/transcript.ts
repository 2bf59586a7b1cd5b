import type { TextEvent } from '../../../server/live/contract.ts';

/** One clause as the desk shows it, with what became of it in each language. */
export interface TranscriptLine {
  readonly clauseId: number;
  readonly text: string;
  readonly startUs: number;
  readonly translations: ReadonlyMap<string, string>;
  readonly outcomes: ReadonlyMap<string, string>;
}

export interface TranscriptView {
  /** Newest last. */
  readonly lines: readonly TranscriptLine[];
  readonly partial: { readonly stable: string; readonly unstable: string } | undefined;
}

const KEPT_LINES = 60;
const EMPTY: TranscriptView = { lines: [], partial: undefined };

/** What was said lately; each event gives a new view. */
export function addToTranscript(view: TranscriptView = EMPTY, event: TextEvent): TranscriptView {
  switch (event.kind) {
    case 'hypothesis':
      return { ...view, partial: { stable: event.stable, unstable: event.unstable } };
    case 'clause': {
      const line: TranscriptLine = {
        clauseId: event.clauseId,
        text: event.text,
        startUs: event.startUs,
        translations: new Map(),
        outcomes: new Map(),
      };
      const others = view.lines.filter((one) => one.clauseId !== event.clauseId);
      return { lines: [...others, line].slice(-KEPT_LINES), partial: undefined };
    }
    case 'translation':
      return change(view, event.clauseId, (line) => ({
        ...line,
        translations: new Map(line.translations).set(event.language, event.text),
      }));
    case 'utterance':
      return change(view, event.clauseId, (line) => ({
        ...line,
        outcomes: new Map(line.outcomes).set(event.language, event.outcome),
      }));
    // For viewers only.
    case 'dub-notice':
      return view;
  }
}

function change(
  view: TranscriptView,
  clauseId: number,
  to: (line: TranscriptLine) => TranscriptLine,
): TranscriptView {
  return { ...view, lines: view.lines.map((line) => (line.clauseId === clauseId ? to(line) : line)) };
}
