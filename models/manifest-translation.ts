import type { ModelInput } from './manifest.ts';
import { hubFiles } from './manifest-files.ts';

function apertium(
  packageName: string,
  version: string,
  title: string,
  pairs: [string, string][],
  probe: string,
  tier: 'gist' | 'fair',
): ModelInput {
  return {
    id: packageName,
    version,
    title,
    task: 'translate',
    languages: [...new Set(pairs.flat())],
    pairs,
    tier,
    licence: 'GPL-2.0-or-later',
    commercialUse: true,
    files: [],
    system: { packages: ['apertium', packageName], probe: `/usr/share/apertium/modes/${probe}.mode` },
  };
}

/** OPUS-MT (Tiedemann and Thottingal 2020), English into another language. */
function opusMt(language: string, name: string, licence: string): ModelInput {
  return {
    id: `opus-mt-en-${language}`,
    version: 'main',
    title: `OPUS-MT English → ${name}`,
    task: 'translate',
    languages: ['en', language],
    pairs: [['en', language]],
    tier: 'good',
    licence,
    commercialUse: true,
    files: hubFiles(`Xenova/opus-mt-en-${language}`),
  };
}

/** Models that translate. */
export const TRANSLATION_MODELS: readonly ModelInput[] = [
  apertium(
    'apertium-eng-spa',
    '0.8.1',
    'Apertium English ↔ Spanish',
    [
      ['en', 'es'],
      ['es', 'en'],
    ],
    'eng-spa',
    'gist',
  ),
  apertium(
    'apertium-eng-cat',
    '1.0.1',
    'Apertium English ↔ Catalan',
    [
      ['en', 'ca'],
      ['ca', 'en'],
    ],
    'eng-cat',
    'gist',
  ),
  apertium(
    'apertium-en-gl',
    '0.5.4',
    'Apertium English ↔ Galician',
    [
      ['en', 'gl'],
      ['gl', 'en'],
    ],
    'en-gl',
    'gist',
  ),
  apertium(
    'apertium-spa-cat',
    '2.2.0',
    'Apertium Spanish ↔ Catalan',
    [
      ['es', 'ca'],
      ['ca', 'es'],
    ],
    'spa-cat',
    'fair',
  ),
  apertium(
    'apertium-es-pt',
    '1.1.6',
    'Apertium Spanish ↔ Portuguese',
    [
      ['es', 'pt'],
      ['pt', 'es'],
    ],
    'es-pt',
    'fair',
  ),
  apertium(
    'apertium-es-gl',
    '1.0.8',
    'Apertium Spanish ↔ Galician',
    [
      ['es', 'gl'],
      ['gl', 'es'],
    ],
    'es-gl',
    'fair',
  ),
  apertium(
    'apertium-fr-es',
    '0.9.4',
    'Apertium French ↔ Spanish',
    [
      ['fr', 'es'],
      ['es', 'fr'],
    ],
    'fr-es',
    'fair',
  ),
  apertium(
    'apertium-spa-ita',
    '0.2.0',
    'Apertium Spanish ↔ Italian',
    [
      ['es', 'it'],
      ['it', 'es'],
    ],
    'spa-ita',
    'fair',
  ),
  apertium(
    'apertium-fra-cat',
    '1.9.0',
    'Apertium French ↔ Catalan',
    [
      ['fr', 'ca'],
      ['ca', 'fr'],
    ],
    'fra-cat',
    'fair',
  ),
  apertium(
    'apertium-cat-ita',
    '0.2.0',
    'Apertium Catalan ↔ Italian',
    [
      ['ca', 'it'],
      ['it', 'ca'],
    ],
    'cat-ita',
    'fair',
  ),
  apertium(
    'apertium-por-cat',
    '0.10.0',
    'Apertium Portuguese ↔ Catalan',
    [
      ['pt', 'ca'],
      ['ca', 'pt'],
    ],
    'por-cat',
    'fair',
  ),
  opusMt('es', 'Spanish', 'Apache-2.0'),
  opusMt('fr', 'French', 'Apache-2.0'),
  opusMt('de', 'German', 'CC-BY-4.0'),
  opusMt('it', 'Italian', 'Apache-2.0'),
  {
    id: 'nllb-200-distilled-600m',
    version: 'main',
    title: 'NLLB-200 distilled 600M',
    task: 'translate',
    languages: ['mul'],
    tier: 'good',
    licence: 'CC-BY-NC-4.0',
    commercialUse: false,
    files: hubFiles('Xenova/nllb-200-distilled-600M'),
  },
];
