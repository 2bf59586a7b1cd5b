import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { shutdownSignal } from '../cli/shutdown.ts';
import { LivedubError } from '../pipeline/errors.ts';
import { check } from '../server/problem.ts';
import { chooseBenches, findBenches } from './bench/find-benches.ts';
import { describeMachine, isBusy, type Machine } from './bench/machine.ts';
import { type BenchOutcome, runBenches } from './bench/run-benches.ts';

const OptionsSchema = z.object({
  quick: z.boolean().default(false),
  list: z.boolean().default(false),
  json: z.string().min(1).optional(),
  gpu: z.boolean().default(false),
  sheets: z.string().min(1).optional(),
  hours: z.coerce.number('must be a number').min(0.1).max(24).default(0.5),
});

/** What `--json` writes. */
interface BenchFile {
  readonly format: 'livedub-bench/1';
  readonly date: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly benches: readonly BenchOutcome[];
}

/** `livedub bench [NAME…]`: measures this machine. A missed goal is no failure; a bench that cannot run is. */
export function registerBench(program: Command): void {
  program
    .command('bench')
    .description('measure speed, cost, memory and quality on this machine')
    .argument('[names...]', 'which benches (default: all; see --list)')
    .option('--quick', 'less of everything, for a first impression')
    .option('--json <file>', 'also write the figures to this file')
    .option('--hours <number>', 'length of the long input of `memory`', '0.5')
    .option('--gpu', 'let `face` measure on a GPU, too')
    .option('--sheets <folder>', 'let `face` write contact sheets and clips to this folder')
    .option('--list', 'say which benches there are')
    .action(async (names: string[], raw: Record<string, unknown>) => {
      await bench(names, check(OptionsSchema, raw, 'option'));
    });
}

async function bench(names: readonly string[], options: z.infer<typeof OptionsSchema>): Promise<void> {
  const all = await findBenches();
  if (options.list) {
    print(all.map(({ name, what }) => `${name.padEnd(12)}${what}`).join('\n'));
    return;
  }
  const benches = chooseBenches(all, names);
  const signal = shutdownSignal();
  const machine = await describeMachine(signal);
  print(describe(machine));
  const date = new Date().toISOString();
  const outcomes = await runBenches({
    benches,
    quick: options.quick,
    hours: options.hours,
    gpu: options.gpu,
    ...(options.sheets === undefined ? {} : { sheets: options.sheets }),
    signal,
    print,
    progress: (text) => process.stderr.write(`${text} …\n`),
  });
  const goals = outcomes.flatMap(({ figures }) => figures.filter(({ met }) => met !== undefined));
  print(`goals met: ${goals.filter(({ met }) => met).length} of ${goals.length}`);
  if (options.json !== undefined) {
    const file: BenchFile = {
      format: 'livedub-bench/1',
      date,
      quick: options.quick,
      machine,
      benches: outcomes,
    };
    await writeJson(options.json, file);
  }
  if (outcomes.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

function describe(machine: Machine): string {
  const { cpu, cores, memoryBytes, system, versions, loadBefore } = machine;
  const lines = [
    `${cpu}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB, ${system}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  ];
  if (isBusy(machine))
    lines.push(`note: this machine is busy (load ${loadBefore}): expect lower speeds and longer times`);
  return lines.join('\n');
}

async function writeJson(path: string, file: BenchFile): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_OUTPUT_NOT_WRITABLE', `${path} cannot be written.`, {
      cause,
      remedy: 'Name a file you may write to with --json.',
    });
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
