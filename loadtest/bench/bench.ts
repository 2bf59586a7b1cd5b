import type { FigureRow } from './table.ts';

/** What a bench is run with. */
export interface BenchContext {
  /** Less of everything: for a first impression and for CI. */
  readonly quick: boolean;
  /** Length of the long input of `memory`. */
  readonly hours: number;
  /** Whether the bench `face` measures on a GPU, too. */
  readonly gpu: boolean;
  /** Folder to which `face` writes contact sheets. */
  readonly sheets?: string;
  /** A folder of this bench alone; it is removed afterwards. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Tells what is being measured now. */
  progress(text: string): void;
  /** Prints a heading and a text (usually a table) at once, so that long benches show what they have. */
  print(title: string, text: string): void;
  /** Prints figures as a table with their goals, and keeps them for the JSON. */
  figures(title: string, cases: readonly string[], rows: readonly FigureRow[]): void;
  /** Keeps anything else for the JSON. */
  record(name: string, value: unknown): void;
}

/**
 * One benchmark. A file in loadtest/benches that exports one as `bench` is found by itself.
 *
 * `run` throws a LivedubError when it cannot measure, e.g. because an engine is not installed; figures that miss their goal
 * are no error.
 */
export interface Bench {
  /** As on the command line. */
  readonly name: string;
  /** One line for the list. */
  readonly what: string;
  /** Benches without a name on the command line run in this order. */
  readonly order: number;
  run(context: BenchContext): Promise<void>;
}
