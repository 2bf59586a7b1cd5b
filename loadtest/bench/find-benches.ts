import { readdir } from 'node:fs/promises';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Bench } from './bench.ts';

const FOLDER = new URL('../benches/', import.meta.url);

/** Every bench in loadtest/benches, in order. */
export async function findBenches(): Promise<Bench[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const benches = await Promise.all(
    files.map(async (name) => ((await import(new URL(name, FOLDER).href)) as { bench: Bench }).bench),
  );
  return benches.sort((a, b) => a.order - b.order);
}

/** @throws LivedubError LIVEDUB_E_USAGE for a name that no bench has */
export function chooseBenches(all: readonly Bench[], names: readonly string[]): Bench[] {
  const wanted = [...new Set(names)].map((name) => {
    const bench = all.find((one) => one.name === name);
    if (bench === undefined) {
      const known = all.map((one) => one.name).join(', ');
      throw new LivedubError('LIVEDUB_E_USAGE', `There is no bench “${name}”.`, {
        remedy: `Benches: ${known}.`,
      });
    }
    return bench;
  });
  return wanted.length > 0 ? wanted : [...all];
}
