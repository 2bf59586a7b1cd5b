import { access } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { LivedubError } from '../../pipeline/errors.ts';
import type { Bench } from './bench.ts';
import { chooseBenches, findBenches } from './find-benches.ts';
import { describeGoal, formatFigure, meetsGoal } from './goal.ts';
import { runBenches } from './run-benches.ts';
import { formatFigures, formatTable } from './table.ts';

describe('a goal', () => {
  it('is met at its ends and missed beyond them', () => {
    const goal = { atLeast: -17, atMost: -15 };
    expect(meetsGoal({ value: -17, goal })).toBe(true);
    expect(meetsGoal({ value: -15, goal })).toBe(true);
    expect(meetsGoal({ value: -14.9, goal })).toBe(false);
    expect(meetsGoal({ value: -17.1, goal })).toBe(false);
  });

  it('says nothing where nothing was measured or nothing wanted', () => {
    expect(meetsGoal({ value: null, goal: { atMost: 1 } })).toBeUndefined();
    expect(meetsGoal({ value: 3 })).toBeUndefined();
    expect(formatFigure({ value: null, goal: { atMost: 1 } }, 1)).toBe('–');
    expect(formatFigure({ value: 3 }, 1)).toBe('3.0');
  });

  it('is marked and described', () => {
    expect(formatFigure({ value: 6.42, goal: { atLeast: 6 } }, 1)).toBe('6.4 ✓');
    expect(formatFigure({ value: 16, goal: { atMost: 15 } }, 0)).toBe('16 ✗');
    expect(describeGoal({ atLeast: 6 })).toBe('≥ 6');
    expect(describeGoal({ atMost: 15 })).toBe('≤ 15');
    expect(describeGoal({ atLeast: 1, atMost: 2 })).toBe('1 … 2');
    expect(describeGoal(undefined)).toBe('');
  });
});

describe('a table', () => {
  it('aligns its columns, whatever letters are in them', () => {
    const text = formatTable(
      [{ title: 'name' }, { title: 'ms', align: 'right' }],
      [
        ['español', '7'],
        ['e\u0301te\u0301', '1234'],
      ],
    );
    expect(text).toBe('name       ms\n───────  ────\nespañol     7\ne\u0301te\u0301      1234');
  });

  it('keeps numbers under each other with and without a mark, and names the cases of a goal', () => {
    const text = formatFigures(
      ['es', 'es,fr'],
      [
        {
          name: 'speed',
          unit: '×',
          digits: 1,
          figures: [{ value: 6.5, goal: { atLeast: 6 } }, { value: 5 }],
        },
        {
          name: 'peak',
          unit: 'MB',
          digits: 0,
          figures: [
            { value: 900, goal: { atMost: 1200 } },
            { value: 1300, goal: { atMost: 1200 } },
          ],
        },
      ],
    );
    const [, , speed, peak] = text.split('\n');
    expect(speed).toMatch(/6\.5 ✓ +5\.0 +es: ≥ 6$/);
    expect(peak).toMatch(/900 ✓ +1300 ✗ +≤ 1200$/);
    expect(speed!.indexOf('6.5')).toBe(peak!.indexOf('900'));
  });
});

describe('the benches', () => {
  it('are found in their folder, each with a name of its own', async () => {
    const benches = await findBenches();
    expect(benches.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dub', 'speech', 'translate', 'memory']),
    );
    expect(new Set(benches.map(({ name }) => name)).size).toBe(benches.length);
  });

  it('are chosen by name, all without one, and an unknown name lists them', () => {
    const a = stub('a', async () => undefined);
    const b = stub('b', async () => undefined);
    expect(chooseBenches([a, b], [])).toEqual([a, b]);
    expect(chooseBenches([a, b], ['b', 'b'])).toEqual([b]);
    expect(() => chooseBenches([a, b], ['c'])).toThrowError(
      expect.objectContaining({ code: 'LIVEDUB_E_USAGE', remedy: 'Benches: a, b.' }),
    );
  });

  it('keep their figures for the JSON and leave no folder behind', async () => {
    let folder = '';
    const printed: string[] = [];
    const [outcome] = await run(
      [
        stub('a', async (context) => {
          folder = context.folder;
          await access(folder);
          context.figures(
            't',
            ['es'],
            [{ name: 'speed', unit: '×', figures: [{ value: 7, goal: { atLeast: 6 } }] }],
          );
          context.record('clip', 'made');
        }),
      ],
      printed,
    );
    expect(outcome).toMatchObject({ name: 'a', details: { clip: 'made' } });
    expect(outcome!.figures).toEqual([
      { table: 't', case: 'es', name: 'speed', unit: '×', value: 7, goal: { atLeast: 6 }, met: true },
    ]);
    expect(printed.join('\n')).toContain('7.00 ✓');
    await expect(access(folder)).rejects.toThrow();
  });

  it('go on after one that cannot measure, and say why', async () => {
    const missing = stub('a', async () => {
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'Nothing is installed.');
    });
    const outcomes = await run([missing, stub('b', async () => undefined)]);
    expect(outcomes.map(({ name, error }) => [name, error?.code])).toEqual([
      ['a', 'LIVEDUB_E_MODEL_MISSING'],
      ['b', undefined],
    ]);
  });

  it('stop when they are asked to', async () => {
    const controller = new AbortController();
    const waiting = stub('a', async ({ signal }) => {
      controller.abort();
      signal.throwIfAborted();
    });
    await expect(run([waiting], [], controller.signal)).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
  });
});

function stub(name: string, run: Bench['run']): Bench {
  return { name, what: name, order: 1, run };
}

function run(benches: readonly Bench[], printed: string[] = [], signal = new AbortController().signal) {
  return runBenches({
    benches,
    quick: true,
    hours: 0.5,
    signal,
    print: (text) => void printed.push(text),
    progress: () => undefined,
  });
}
