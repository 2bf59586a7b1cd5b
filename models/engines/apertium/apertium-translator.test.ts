import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APERTIUM_MODES_DIRECTORY, ApertiumTranslator } from './apertium-translator.ts';
import { ApertiumLane } from './lane.ts';
import { discoverModes } from './modes.ts';
import { decodeReply, encodeRequest } from './stream-format.ts';

const modes = await discoverModes(APERTIUM_MODES_DIRECTORY);
const has = (from: string, to: string): boolean => modes.some((mode) => mode.from === from && mode.to === to);

/** Programs of ours that run a dictionary of this direction. */
function running(): number[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes('apertium-eng-spa'))
    .filter((pid) => read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === String(process.pid));
}

const call = () => ({ signal: new AbortController().signal, priority: 'live' as const, context: [] });

describe.skipIf(!has('en', 'es'))('ApertiumTranslator', () => {
  let translator: ApertiumTranslator;
  const toSpanish = async (text: string) => translator.translate({ ...call(), text, from: 'en', to: 'es' });
  beforeAll(() => {
    translator = new ApertiumTranslator({ modes });
  });
  afterAll(() => translator.close());

  it('translates a plain sentence', async () => {
    const { text, unknownWords } = await toSpanish('The house is very big.');
    expect(text).toBe('La casa es muy grande.');
    expect(unknownWords).toEqual([]);
  });

  it('reports unknown words and speaks them without marks', async () => {
    const { text, unknownWords } = await toSpanish('He bought two iPhones.');
    expect(unknownWords).toEqual(['iPhones']);
    expect(text).toMatch(/^Compró dos iPhones\.$/);
  });

  it('keeps numbers, markup characters and long rows of requests apart', async () => {
    const asked = Array.from({ length: 40 }, (_, i) => `Number ${i} is here.`);
    const replies = await Promise.all(asked.map(toSpanish));
    for (const [i, { text }] of replies.entries()) expect(text).toContain(` ${i} `);
    const odd = await toSpanish('It costs $5 [five] {and} <more> ^now$ at 50% or a/b \\ end.');
    expect(odd.text).toContain('$5');
    expect(odd.text).toContain('50%');
    expect((await toSpanish('The end.')).text).toBe('El fin.');
  });

  it('is not reached by shell characters', async () => {
    const { text } = await toSpanish("The dog; touch /x && $(id) `id` | cat 'quote.");
    expect(text).toContain('perro');
  });

  it('answers text without words as it is', async () => {
    expect(await toSpanish(' … ')).toEqual({ text: '…', unknownWords: [] });
  });

  it.skipIf(!has('en', 'es') || !has('es', 'fr'))('goes through Spanish into French', async () => {
    expect(translator.pairs).toContainEqual({ from: 'en', to: 'fr', tier: 'gist', via: ['es'] });
    const { text } = await translator.translate({
      ...call(),
      text: 'The house is very big.',
      from: 'en',
      to: 'fr',
    });
    expect(text).toBe('La maison est très grande.');
  });

  it('refuses a pair it has no way for', async () => {
    const request = { ...call(), text: 'hello', from: 'en', to: 'ja' };
    await expect(translator.translate(request)).rejects.toMatchObject({ code: 'LIVEDUB_E_PAIR_UNSUPPORTED' });
  });

  it('starts again after a crash and answers the request it was at', async () => {
    await toSpanish('One.');
    const before = running();
    expect(before.length).toBeGreaterThan(0);
    process.kill(before[0]!, 'SIGKILL');
    expect((await toSpanish('The house is very big.')).text).toBe('La casa es muy grande.');
    expect(running().some((pid) => before.includes(pid))).toBe(false);
  });

  it('stops on request', async () => {
    const controller = new AbortController();
    const asked = translator.translate({
      ...call(),
      signal: controller.signal,
      text: 'Hello.',
      from: 'en',
      to: 'es',
    });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'LIVEDUB_E_ABORTED' });
    expect((await toSpanish('The house is very big.')).text).toBe('La casa es muy grande.');
  });

  it('leaves no process behind when it closes, twice', async () => {
    const other = new ApertiumTranslator({ modes });
    await translator.close();
    await other.translate({ ...call(), text: 'Hello.', from: 'en', to: 'es' });
    const pids = running();
    await Promise.all([other.close(), other.close()]);
    await expect.poll(() => running().filter((pid) => pids.includes(pid))).toEqual([]);
    await expect(other.translate({ ...call(), text: 'Hello.', from: 'en', to: 'es' })).rejects.toMatchObject({
      code: 'LIVEDUB_E_CLOSED',
    });
  });
});

describe('ApertiumLane', () => {
  const lane = (command: string, args: string[], queueLimit = 4, timeoutMs = 5_000) =>
    new ApertiumLane({
      mode: { name: 'test', from: 'en', to: 'es', stages: [{ command, args }] },
      queueLimit,
      timeoutMs,
    });

  it('serves live before upload, then by deadline', async () => {
    const one = lane('cat', []);
    const order: string[] = [];
    const ask = (name: string, priority: 'live' | 'upload', deadlineMs?: number) =>
      one
        .run(encodeRequest(name), {
          ...call(),
          priority,
          ...(deadlineMs === undefined ? {} : { deadlineMs }),
        })
        .then((reply) => order.push(decodeReply(reply).text));
    await Promise.all([
      ask('first', 'upload'),
      ask('upload', 'upload'),
      ask('late', 'live', 200),
      ask('soon', 'live', 100),
    ]);
    expect(order).toEqual(['first', 'soon', 'late', 'upload']);
    await one.close();
  });

  it('refuses more than its queue holds', async () => {
    const one = lane('cat', [], 2);
    const asked = Array.from({ length: 5 }, () => one.run(encodeRequest('x'), call()));
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(2);
    await one.close();
  });

  it('gives up on programs that end or do not answer', async () => {
    const ending = lane('false', []);
    await expect(ending.run(encodeRequest('x'), call())).rejects.toMatchObject({
      code: 'LIVEDUB_E_ENGINE_FAILED',
    });
    const silent = lane('sleep', ['60'], 4, 100);
    await expect(silent.run(encodeRequest('x'), call())).rejects.toMatchObject({
      code: 'LIVEDUB_E_ENGINE_FAILED',
    });
    const absent = lane('/nonexistent/program', []);
    await expect(absent.run(encodeRequest('x'), call())).rejects.toMatchObject({
      code: 'LIVEDUB_E_DEPENDENCY_MISSING',
    });
    await Promise.all([ending.close(), silent.close(), absent.close()]);
  });
});
