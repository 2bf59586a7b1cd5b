import type { Command } from 'commander';
import { engineRows } from '../setup/doctor/engines.ts';
import { gpuRows } from '../setup/doctor/gpu.ts';
import { mediaRows } from '../setup/doctor/media.ts';
import { modelRows } from '../setup/doctor/models.ts';
import { type DoctorProbe, type DoctorRow, formatRows } from '../setup/doctor/row.ts';
import { systemRows } from '../setup/doctor/system.ts';

export interface DoctorOptions {
  /** Print one JSON object `{ ok, rows }` instead of a table. */
  json: boolean;
  /** What else to look at. Default: nothing. */
  more?: readonly DoctorProbe[];
  /** Where the result goes. Default: standard output. */
  write?: (text: string) => void;
}

/**
 * Prints what was found, what is missing, and the remedy. Changes nothing.
 * @returns 0 when a file can be dubbed, 1 when something required is missing.
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  const write = options.write ?? ((text) => process.stdout.write(text));
  const probes: readonly DoctorProbe[] = [
    systemRows,
    mediaRows,
    gpuRows,
    engineRows,
    () => modelRows(),
    ...(options.more ?? []),
  ];
  const rows: DoctorRow[] = [];
  for (const probe of probes) rows.push(...(await probe()));
  const blockers = rows.filter((row) => row.required && row.status === 'missing');
  if (options.json) {
    write(`${JSON.stringify({ ok: blockers.length === 0, rows }, null, 2)}\n`);
  } else {
    const verdict =
      blockers.length === 0
        ? 'livedub can dub with what is here.'
        : `livedub cannot dub yet: ${blockers.map((row) => row.name).join(', ')}.`;
    write(`${formatRows(rows)}\n\n${verdict}\n`);
  }
  return blockers.length === 0 ? 0 : 1;
}

/** Adds `livedub doctor [--json]`. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Say what is installed, what is missing, and how to get it.')
    .option('--json', 'print JSON instead of a table', false)
    .action(async (options: { json: boolean }) => {
      process.exitCode = await doctor(options);
    });
}
