import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { corpusBleu, sentenceBleu, tokenise13a } from './bleu.ts';
import { corpusChrf, sentenceChrf } from './chrf.ts';
import { corpusWordErrors, normaliseForWer, wordErrors } from './wer.ts';

/** Golden values were printed by sacreBLEU 2.5.1 (https://github.com/mjpost/sacrebleu). */
const SHARED = path.resolve(import.meta.dirname, '../../../shared/testdata/text');
const hasShared = existsSync(path.join(SHARED, 'sacrebleu/reference_scores.json'));
const json = (file: string) => JSON.parse(readFileSync(path.join(SHARED, file), 'utf8'));
const lines = (file: string): string[] => {
  const bytes = readFileSync(path.join(SHARED, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text.replace(/\n$/u, '').split('\n');
};
const each = (references: readonly string[]) => references.map((reference) => [reference]);

const HYPOTHESES = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
const REFERENCES = [
  ['The dog bit the man.', 'The dog had bit the man.'],
  ['It was not unexpected.', 'No one was surprised.'],
  ['The man bit him first.', 'The man had bitten the dog.'],
];

describe('BLEU', () => {
  it('gives the published value for three sentences with two references', () => {
    expect(corpusBleu(HYPOTHESES, REFERENCES).score).toBeCloseTo(48.530827, 6);
    expect(corpusBleu(HYPOTHESES, REFERENCES, { tokenise: 'none' }).score).toBeCloseTo(49.1919566, 7);
    expect(corpusBleu(['', '', ''], REFERENCES).score).toBe(0);
  });

  it('smooths orders without a match exponentially', () => {
    const reference = 'producţia de zahăr brut se exprimă în zahăr alb;';
    const hypothesis = 'Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;';
    expect(sentenceBleu(hypothesis, [reference]).score).toBeCloseTo(8.493, 3);
    expect(sentenceBleu('this is a cat', ['okay thanks']).score).toBe(0);
  });

  it('counts only the orders a short sentence has', () => {
    expect(sentenceBleu('test', ['a test']).score).toBeCloseTo(36.78794411714425, 10);
    expect(sentenceBleu('a test', ['a test']).score).toBeCloseTo(100, 10);
  });

  it('splits text as mteval-v13a does', () => {
    expect(tokenise13a('It costs 3.50, he said (&quot;cheap&quot;).')).toBe(
      'It costs 3.50 , he said ( " cheap " ) .',
    );
  });

  it.runIf(hasShared)(
    'agrees with sacreBLEU on whole test sets to the last digit',
    () => {
      const golden = json('sacrebleu/reference_scores.json');
      const seen = new Set<string>();
      for (const [key, want] of Object.entries<Record<string, number>>(golden.corpus)) {
        const [set, pair, system] = key.split(' ') as [string, string, string];
        const to = pair.split('-')[1]!;
        const file = (name: string) => `flores/${pair}/${set}.${name}`;
        // One system a pair keeps the test short.
        if (seen.has(pair) || !existsSync(path.join(SHARED, file(`${system}.${to}`)))) continue;
        seen.add(pair);
        const hypotheses = lines(file(`${system}.${to}`));
        const references = each(lines(to === 'en' ? `flores/${set}.en` : file(to)));
        const bleu = corpusBleu(hypotheses, references);
        expect(bleu.score, key).toBeCloseTo(want.bleu!, 9);
        expect(bleu.correct, key).toEqual(want.counts);
        expect(bleu.total, key).toEqual(want.totals);
        expect(bleu.brevityPenalty, key).toBeCloseTo(want.bp!, 12);
        expect(corpusBleu(hypotheses, references, { tokenise: 'none' }).score, key).toBeCloseTo(
          want.bleu_none!,
          9,
        );
      }
    },
    300_000,
  );

  it.runIf(hasShared)('agrees on single sentences and on tokens', () => {
    const golden = json('sacrebleu/reference_scores.json');
    for (const { text, tokens } of Object.values<{ text: string; tokens: string }>(golden.tokenize_13a)) {
      expect(tokenise13a(text)).toBe(tokens);
    }
    for (const [key, rows] of Object.entries<{ i: number; bleu: number; chrf: number }[]>(golden.sentence)) {
      const [set, pair, system] = key.split(' ') as [string, string, string];
      const to = pair.split('-')[1]!;
      const hypotheses = lines(`flores/${pair}/${set}.${system}.${to}`);
      const references = lines(`flores/${pair}/${set}.${to}`);
      for (const { i, bleu, chrf } of rows) {
        expect(sentenceBleu(hypotheses[i]!, [references[i]!]).score).toBeCloseTo(bleu, 9);
        expect(sentenceChrf(hypotheses[i]!, [references[i]!])).toBeCloseTo(chrf, 9);
      }
    }
  });

  it.runIf(hasShared)(
    'agrees on WMT 2017',
    () => {
      const golden = json('sacrebleu/reference_scores.json').wmt17_en_de;
      const references = each(lines('sacrebleu/wmt17_reference.de.gz'));
      let compared = 0;
      for (const [system, want] of Object.entries<Record<string, number>>(golden)) {
        const name = system.replace('newstest2017.', '').replace('.en-de', '');
        const file = `sacrebleu/wmt17_${name}.de.gz`;
        if (!existsSync(path.join(SHARED, file))) continue;
        const hypotheses = lines(file);
        expect(corpusBleu(hypotheses, references).score, system).toBeCloseTo(want.bleu_13a!, 9);
        expect(corpusChrf(hypotheses, references), system).toBeCloseTo(want.chrf!, 9);
        compared++;
      }
      expect(compared).toBeGreaterThan(1);
    },
    120_000,
  );
});

describe('chrF', () => {
  it('gives the published values', () => {
    const cases: [string, string, number][] = [
      [
        'Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře.',
        'Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře.',
        39.14078509,
      ],
      [
        'Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.',
        'A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři.',
        31.22557079,
      ],
    ];
    for (const [hypothesis, reference, want] of cases) {
      expect(sentenceChrf(hypothesis, [reference], { epsilonSmoothing: true })).toBeCloseTo(want, 7);
    }
    expect(corpusChrf(['a', 'b'], [['a'], ['c']])).toBe(50);
    expect(sentenceChrf('a b c', ['abc'])).toBe(100);
    expect(sentenceChrf('', ['reference'])).toBe(0);
  });

  it.runIf(hasShared)('agrees with sacreBLEU on its own unit tests', () => {
    const cases = json('sacrebleu/unit_test_cases.json');
    for (const [hypothesis, references, want] of cases['test_chrf.test_sentence_level_chrf']) {
      expect(sentenceChrf(hypothesis, references, { epsilonSmoothing: true })).toBeCloseTo(want, 7);
    }
    for (const [hypotheses, references, want] of cases['test_chrf.test_cases_effective_order']) {
      expect(corpusChrf(hypotheses, each(references))).toBeCloseTo(want, 4);
    }
    for (const [hypotheses, references, want] of cases['test_chrf.test_cases_keep_whitespace']) {
      expect(corpusChrf(hypotheses, each(references), { whitespace: true, beta: 3 })).toBeCloseTo(want, 6);
    }
    for (const [hypotheses, references, want] of cases['test_chrf.test_cases']) {
      const score = corpusChrf(hypotheses, each(references), { epsilonSmoothing: true, beta: 3 });
      // The tolerance of sacreBLEU's own test.
      expect(Math.abs(score - want)).toBeLessThan(1e-4);
    }
  });

  it.runIf(hasShared)(
    'agrees with sacreBLEU on a whole test set, chrF++ too',
    () => {
      const want = json('sacrebleu/reference_scores.json').corpus['flores-test en-es bergamot-tiny'];
      const hypotheses = lines('flores/en-es/flores-test.bergamot-tiny.es');
      const references = each(lines('flores/en-es/flores-test.es'));
      expect(corpusChrf(hypotheses, references)).toBeCloseTo(want.chrf, 9);
      expect(corpusChrf(hypotheses, references, { wordOrder: 2 })).toBeCloseTo(want.chrfpp, 9);
    },
    60_000,
  );
});

describe('WER', () => {
  it('counts substitutions, deletions and insertions', () => {
    expect(wordErrors('a b c d e f', 'a x c e f g')).toEqual({
      substitutions: 1,
      deletions: 1,
      insertions: 1,
      referenceWords: 6,
      rate: 0.5,
    });
    expect(wordErrors('one two', '').deletions).toBe(2);
    expect(wordErrors('', 'one').rate).toBe(1);
    expect(wordErrors('', '').rate).toBe(0);
  });

  it('ignores case, punctuation and hyphens, keeps accents and inner apostrophes', () => {
    expect(normaliseForWer('“Well-known,” said DON’T! ¿Qué?')).toEqual([
      'well',
      'known',
      'said',
      "don't",
      'qué',
    ]);
  });

  it('sums errors over utterances', () => {
    const total = corpusWordErrors([
      { reference: 'a b c d', heard: 'a b c d' },
      { reference: 'a', heard: 'b' },
    ]);
    expect(total.rate).toBeCloseTo(0.2, 12);
  });
});
