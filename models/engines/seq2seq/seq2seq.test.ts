import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SessionPool } from '../../session-pool.ts';
import { Marian } from '../marian/marian.ts';
import { Nllb } from '../nllb/nllb.ts';
import { NLLB_CODES } from '../nllb/nllb-languages.ts';
import { bestCandidates, completesLoop } from './beam.ts';
import type { Seq2SeqFiles } from './seq2seq-session.ts';
import { writeTinyTranslator } from './tiny-model.ts';

const call = () => ({ signal: new AbortController().signal, priority: 'upload' as const, context: [] });
const info = { id: 'tiny', version: '0', licence: 'Apache-2.0' };
const pool = new SessionPool();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'livedub-seq2seq-'));
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

async function files(startPiece: '<pad>' | '</s>'): Promise<Seq2SeqFiles> {
  return writeTinyTranslator(await mkdtemp(path.join(folder, 'model-')), startPiece);
}

describe('Marian', () => {
  it.each([1, 3])('translates word by word through the cache with %i beams', async (beams) => {
    const marian = await Marian.load({
      ...(await files('<pad>')),
      pool,
      info,
      pairs: [{ from: 'en', to: 'es' }],
      beams,
    });
    const result = await marian.translate({ ...call(), text: 'hello world hello', from: 'en', to: 'es' });
    expect(result).toEqual({ text: 'hola mundo hola', unknownWords: [] });
    expect(marian.pairs).toEqual([{ from: 'en', to: 'es', tier: 'good', via: [] }]);
    await marian.close();
    await marian.close();
  });

  it('names words the model does not know, and takes empty text', async () => {
    const marian = await Marian.load({
      ...(await files('<pad>')),
      pool,
      info,
      pairs: [{ from: 'en', to: 'es' }],
    });
    const result = await marian.translate({ ...call(), text: 'hello Kyiv', from: 'en', to: 'es' });
    expect(result.unknownWords).toEqual(['Kyiv']);
    expect(result.text).toContain('hola');
    expect((await marian.translate({ ...call(), text: ' ', from: 'en', to: 'es' })).text).toBe('');
    await marian.close();
  });

  it('refuses other pairs and stops when asked', async () => {
    const marian = await Marian.load({
      ...(await files('<pad>')),
      pool,
      info,
      pairs: [{ from: 'en', to: 'es' }],
    });
    const request = { ...call(), text: 'hello', from: 'en', to: 'de' };
    await expect(marian.translate(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_PAIR_UNSUPPORTED' });
    const signal = AbortSignal.abort();
    await expect(marian.translate({ ...request, to: 'es', signal })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ABORTED',
    });
    await marian.close();
    await expect(marian.translate({ ...request, to: 'es' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });

  it('cuts a long text and translates all of it', async () => {
    const marian = await Marian.load({
      ...(await files('<pad>')),
      pool,
      info,
      pairs: [{ from: 'en', to: 'es' }],
    });
    // The Thue-Morse sequence: nothing in it comes three times in a row, so the guard against loops stays out of it.
    const ones = (n: number): number => n.toString(2).replaceAll('0', '').length;
    const source = Array.from({ length: 240 }, (_, n) => (ones(n) % 2 === 0 ? 'hello' : 'world'));
    const result = await marian.translate({ ...call(), text: source.join(' '), from: 'en', to: 'es' });
    expect(result.text.split(' ')).toEqual(source.map((word) => (word === 'hello' ? 'hola' : 'mundo')));
    await marian.close();
  });

  it('says what is missing or broken', async () => {
    const good = await files('<pad>');
    const load = (change: Partial<Seq2SeqFiles>) =>
      Marian.load({ ...good, ...change, pool, info, pairs: [] });
    await expect(load({ encoderPath: '/nowhere' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_MODEL_MISSING',
    });
    const broken = path.join(folder, 'broken.json');
    await writeFile(broken, '{}');
    await expect(load({ configPath: broken })).rejects.toMatchObject({ code: 'LIVEDUB_E_MODEL_CORRUPT' });
  });
});

describe('NLLB', () => {
  it('puts the languages in front of the source and of the translation', async () => {
    const nllb = await Nllb.load({ ...(await files('</s>')), pool, info, languages: ['en', 'es'] });
    const result = await nllb.translate({ ...call(), text: 'hello world', from: 'en', to: 'es' });
    expect(result.text).toBe('hola mundo');
    expect(nllb.pairs.map(({ from, to }) => `${from}-${to}`)).toEqual(['en-es', 'es-en']);
    await nllb.close();
  });

  it('knows every language by one code', () => {
    expect(new Set(NLLB_CODES.values()).size).toBe(NLLB_CODES.size);
    for (const code of NLLB_CODES.values()) expect(code).toMatch(/^[a-z]{3}_[A-Z][a-z]{3}$/u);
  });
});

describe('the search', () => {
  it('sees loops of one token and of phrases', () => {
    expect(completesLoop([7, 7, 7], 7)).toBe(true);
    expect(completesLoop([7, 7], 7)).toBe(false);
    expect(completesLoop([1, 2, 3, 1, 2, 3, 1, 2], 3)).toBe(true);
    expect(completesLoop([1, 2, 3, 1, 2], 3)).toBe(false);
  });

  it('orders continuations of all beams and leaves out what is banned', () => {
    const beams = [
      { ids: [], score: Math.log(0.5) },
      { ids: [], score: Math.log(0.4) },
    ];
    const logits = Float32Array.from([0.6, 0.3, 0.1, 0.1, 0.8, 0.1].map(Math.log));
    const best = bestCandidates(beams, logits, 3, new Set([0]), 2);
    expect(best.map(({ id, from }) => [from, id])).toEqual([
      [1, 1],
      [0, 1],
    ]);
    expect(Math.exp(best[0]!.score)).toBeCloseTo(0.32, 5);
  });
});
