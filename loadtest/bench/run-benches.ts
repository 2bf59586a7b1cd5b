import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LivedubError, toLivedubError } from '../../pipeline/errors.ts';
import type { Bench, BenchContext } from './bench.ts';
import { meetsGoal } from './goal.ts';
import { formatFigures } from './table.ts';

/** One bench as it goes into the JSON. */
export interface BenchOutcome {
  readonly name: string;
  readonly seconds: number;
  readonly figures: readonly RecordedFigure[];
  /** What else it recorded: clips, engines, per-file results. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Why it could not measure everything. */
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

export interface RecordedFigure {
  readonly table: string;
  readonly case: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number | null;
  readonly goal?: { readonly atLeast?: number; readonly atMost?: number };
  readonly met?: boolean;
}

export interface RunBenchesOptions {
  readonly benches: readonly Bench[];
  readonly quick: boolean;
  readonly hours: number;
  /** Default: false. */
  readonly gpu?: boolean;
  readonly sheets?: string;
  readonly signal: AbortSignal;
  /** Takes what people read. */
  readonly print: (text: string) => void;
  readonly progress: (text: string) => void;
}

/**
 * Runs benches one after another, each in a temporary folder of its own that is removed whatever happens. A bench that
 * cannot measure is told and the next one runs.
 *
 * @throws LivedubError LIVEDUB_E_ABORTED
 */
export async function runBenches(options: RunBenchesOptions): Promise<BenchOutcome[]> {
  const outcomes: BenchOutcome[] = [];
  for (const bench of options.benches) {
    options.print(`\n━━ ${bench.name}: ${bench.what}\n`);
    outcomes.push(await runOne(bench, options));
  }
  return outcomes;
}

async function runOne(bench: Bench, options: RunBenchesOptions): Promise<BenchOutcome> {
  const { quick, hours, gpu = false, sheets, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), `livedub-bench-${bench.name}-`));
  const figures: RecordedFigure[] = [];
  const details: Record<string, unknown> = {};
  const print: BenchContext['print'] = (title, text) => options.print(`${title}\n${text}\n`);
  const startedMs = performance.now();
  let error: LivedubError | undefined;
  try {
    await bench.run({
      quick,
      hours,
      gpu,
      ...(sheets === undefined ? {} : { sheets }),
      folder,
      signal,
      print,
      progress: (text) => options.progress(`bench ${bench.name}: ${text}`),
      figures: (title, cases, rows) => {
        print(title, formatFigures(cases, rows));
        for (const { name, unit, figures: values } of rows) {
          for (const [i, figure] of values.entries()) {
            const met = meetsGoal(figure);
            figures.push({
              table: title,
              case: cases[i]!,
              name,
              unit,
              ...figure,
              ...(met === undefined ? {} : { met }),
            });
          }
        }
      },
      record: (name, value) => {
        details[name] = value;
      },
    });
  } catch (thrown) {
    if (signal.aborted) throw new LivedubError('LIVEDUB_E_ABORTED', 'Stopped on request.', { cause: thrown });
    error = toLivedubError(thrown);
    options.print(`not measured: ${error.code}: ${error.message}\n  → ${error.remedy}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    name: bench.name,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    figures,
    details,
    ...(error ? { error: { code: error.code, message: error.message, remedy: error.remedy } } : {}),
  };
}
