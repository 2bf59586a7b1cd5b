import { LivedubError } from '../../pipeline/errors.ts';
import type { TranslationPair, Translator } from '../../pipeline/ports/translator.ts';
import { Distribution } from '../../server/dub/distribution.ts';
import type { Bench, BenchContext } from '../bench/bench.ts';
import { type Column, formatTable } from '../bench/table.ts';
import { type FloresPair, floresPair, publishedBleu, publishedOutput } from '../clips/flores.ts';
import { EngineShelf } from '../measure/engine-shelf.ts';
import { corpusBleu } from '../metrics/bleu.ts';
import { corpusChrf } from '../metrics/chrf.ts';

const QUICK_LINES = 100;
/** Systems whose output is scored here too, as a check of the scorers and to compare with. */
const OTHER_OUTPUTS = ['apertium', 'bergamot-tiny', 'opusmt'];
/** Systems whose published BLEU is shown beside. */
const PUBLISHED = ['opusmt', 'bergamot-tiny', 'nllb', 'google'];

export const bench: Bench = {
  name: 'translate',
  what: 'BLEU and chrF of every installed translator on the FLORES test lines',
  order: 3,
  run: async (context) => {
    const shelf = await EngineShelf.open(context.signal);
    try {
      const rows: Row[] = [];
      for (const { adapter, pairs } of shelf.engines.installed.translators) {
        const measurable = await pairsWithLines(pairs, context.quick);
        if (measurable.length === 0) continue;
        await shelf.using(adapter, async (translator) => {
          if (translator.needsAudio) return;
          for (const { pair, lines } of measurable)
            rows.push(await measurePair(context, translator, pair, lines));
        });
      }
      if (rows.length === 0)
        throw new LivedubError(
          'LIVEDUB_E_MODEL_MISSING',
          'No installed translator has a pair with FLORES lines.',
          {
            remedy:
              'Install one (`livedub doctor`), and put the shared test data beside the repository, as ../shared/testdata.',
          },
        );
      const others = await otherSystems(context, rows);
      context.print(
        'translation (BLEU and chrF: higher is better)',
        formatTable(
          COLUMNS,
          [...rows, ...others].sort(byPair).map(({ cells }) => cells),
        ),
      );
      context.record(
        'pairs',
        [...rows, ...others].map(({ record }) => record),
      );
    } finally {
      await shelf.close();
    }
  },
};

interface Row {
  readonly pair: string;
  readonly from: string;
  readonly to: string;
  readonly cells: readonly string[];
  readonly record: Readonly<Record<string, unknown>>;
}

/** With `quick`, only pairs with English: what most dubs need. */
async function pairsWithLines(
  pairs: readonly TranslationPair[],
  quick: boolean,
): Promise<{ pair: TranslationPair; lines: FloresPair }[]> {
  const found = [];
  for (const pair of pairs) {
    if (quick && pair.from !== 'en' && pair.to !== 'en') continue;
    const lines = await floresPair(pair.from, pair.to);
    if (lines !== undefined) found.push({ pair, lines });
  }
  return found;
}

async function measurePair(
  context: BenchContext,
  translator: Translator,
  pair: TranslationPair,
  all: FloresPair,
): Promise<Row> {
  const { from, to, via, tier } = pair;
  const { source, reference } = firstLines(all, context.quick);
  context.progress(`${translator.info.id}: ${from} → ${to}, ${source.length} lines`);
  const call = { from, to, context: [], signal: context.signal, priority: 'upload' } as const;
  // Dictionaries and models load with the first line.
  await translator.translate({ ...call, text: source[0]! });
  const times = new Distribution();
  const hypotheses: string[] = [];
  let unknown = 0;
  for (const text of source) {
    const before = performance.now();
    const translation = await translator.translate({ ...call, text });
    times.add(performance.now() - before);
    hypotheses.push(translation.text);
    unknown += translation.unknownWords.length;
  }
  const { mean, p95 } = times.percentiles()!;
  const scores = score(hypotheses, reference);
  const published = await publishedBleu(from, to);
  const name = via.length > 0 ? `${translator.info.id} via ${via.join(', ')}` : translator.info.id;
  return {
    pair: `${from}-${to}`,
    from,
    to,
    cells: [
      `${from} → ${to}`,
      name,
      tier,
      String(source.length),
      scores.bleu.toFixed(1),
      scores.chrf.toFixed(1),
      mean.toFixed(1),
      p95.toFixed(1),
      (unknown / source.length).toFixed(2),
      PUBLISHED.flatMap((system) => (published[system] ? [`${system} ${published[system]}`] : [])).join(', '),
    ],
    record: {
      engine: translator.info,
      ...{ from, to, via, tier, lines: source.length, ...scores },
      ...{ msMean: mean, msP95: p95, unknownWords: unknown, publishedBleu: published },
    },
  };
}

/** What other systems made of the same lines, scored here, where their output is at hand. */
async function otherSystems(context: BenchContext, measured: readonly Row[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { pair, from, to } of new Map(measured.map((row) => [row.pair, row])).values()) {
    const all = await floresPair(from, to);
    for (const system of OTHER_OUTPUTS) {
      const output = await publishedOutput(system, from, to);
      if (all === undefined || output?.length !== all.source.length) continue;
      const { reference } = firstLines(all, context.quick);
      const { bleu, chrf } = score(output.slice(0, reference.length), reference);
      const cells = [
        ...[`${from} → ${to}`, `  ${system} (their output)`, '', String(reference.length)],
        ...[bleu.toFixed(1), chrf.toFixed(1)],
      ];
      rows.push({ pair, from, to, cells, record: { from, to, system, lines: reference.length, bleu, chrf } });
    }
  }
  return rows;
}

function firstLines({ source, reference }: FloresPair, quick: boolean): FloresPair {
  const count = quick ? QUICK_LINES : source.length;
  return { source: source.slice(0, count), reference: reference.slice(0, count) };
}

function score(hypotheses: readonly string[], reference: readonly string[]): { bleu: number; chrf: number } {
  const references = reference.map((line) => [line]);
  return {
    bleu: corpusBleu(hypotheses, references).score,
    chrf: corpusChrf(hypotheses, references),
  };
}

function byPair(a: Row, b: Row): number {
  return a.pair.localeCompare(b.pair);
}

const COLUMNS: readonly Column[] = [
  { title: 'pair' },
  { title: 'translator' },
  { title: 'tier' },
  { title: 'lines', align: 'right' },
  { title: 'BLEU', align: 'right' },
  { title: 'chrF', align: 'right' },
  { title: 'ms/sentence', align: 'right' },
  { title: 'P95', align: 'right' },
  { title: 'unknown words/line', align: 'right' },
  { title: 'published BLEU of others (all lines)' },
];
