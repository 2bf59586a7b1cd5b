import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resample } from '../pipeline/audio/resample.ts';
import { findInstalled } from './registry/engines.ts';
import { supportedPairs } from './registry/plan.ts';
import type { Engines } from './registry.ts';
import { loadEngines } from './registry.ts';
import { ModelStore, storeOptionsFromEnv } from './store/model-store.ts';

const lacking: string[] = [];
const store = new ModelStore(storeOptionsFromEnv());
const pairs = supportedPairs(await findInstalled(store));
const can = (from: string, to: string): boolean => pairs.some((pair) => pair.from === from && pair.to === to);
for (const id of ['silero-vad-v5', 'espeak-ng', 'moonshine-tiny-en']) {
  if ((await store.status(id)).state !== 'installed') lacking.push(id);
}

describe.skipIf(lacking.length > 0)('loadEngines', () => {
  let engines: Engines;
  const call = { signal: new AbortController().signal, priority: 'upload' as const };
  beforeAll(async () => {
    engines = await loadEngines({ store });
  });
  afterAll(() => engines.close());

  it('offers the pairs that the packaged engines reach', () => {
    expect(engines.pairs().map(({ from, to }) => `${from}-${to}`)).toEqual(
      pairs.map(({ from, to }) => `${from}-${to}`),
    );
  });

  it.skipIf(!can('en', 'es'))('plans English into Spanish with engines that work', async () => {
    const plan = await engines.plan({ from: 'en', to: ['es'] });
    expect(plan.recogniser.info.id).toBe('moonshine-tiny-en');
    const [rendition] = plan.renditions;
    const { translator, synthesiser, voice, tier } = rendition!;
    expect(tier).toBe('gist');
    const translated = await translator.translate({
      ...call,
      text: 'The house is very big.',
      from: 'en',
      to: 'es',
      context: [],
    });
    expect(translated.text).toBe('La casa es muy grande.');
    const speech = await synthesiser.synthesise({ ...call, text: translated.text, voice, rate: 1 });
    expect(speech.pcm.length / speech.sampleRateHz).toBeGreaterThan(1);
    expect(Object.keys(engines.cpuSecondsByEngine())).toContain('apertium');
  });

  it('loads an engine once', async () => {
    if (!can('en', 'ca')) return;
    const [one, two] = await Promise.all([
      engines.plan({ from: 'en', to: ['ca'] }),
      engines.plan({ from: 'en', to: ['ca'] }),
    ]);
    expect(one.renditions[0]!.translator).toBe(two.renditions[0]!.translator);
    expect(one.recogniser).toBe(two.recogniser);
  });

  it('hears that speech is English, and that noise is nothing', async () => {
    const recogniser = engines.installed.recognisers[0]!;
    expect(recogniser.languages).toContain('en');
    const speaker = engines.installed.synthesisers.find(({ voices }) =>
      voices.some(({ language }) => language === 'en'),
    );
    expect(speaker).toBeDefined();
    const plan = await engines.plan({ from: 'en', to: [pairs.find(({ from }) => from === 'en')!.to] });
    const voice = plan.renditions[0]!.synthesiser.voices.find(({ language }) => language === 'en')!;
    const text = 'Good morning. The weather will be fine today in most parts of the country.';
    const speech = await plan.renditions[0]!.synthesiser.synthesise({ ...call, text, voice, rate: 1 });
    const pcm = resample(speech.pcm, speech.sampleRateHz, 16_000);
    expect(await engines.identifyLanguage([pcm], call.signal)).toBe('en');
    expect(await engines.identifyLanguage([new Float32Array(32_000)], call.signal)).toBeUndefined();
  });

  it('answers LIVEDUB_E_CLOSED once it is closed', async () => {
    const other = await loadEngines({ store });
    await Promise.all([other.close(), other.close()]);
    await expect(other.plan({ from: 'en', to: [pairs[0]!.to] })).rejects.toMatchObject({
      code: expect.stringMatching(/LIVEDUB_E_(CLOSED|PAIR_UNSUPPORTED|LANGUAGE_NOT_RECOGNISED)/),
    });
  });
});
