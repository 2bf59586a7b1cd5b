import { describePairs, findInstalled, supportedPairs } from '../../models/registry.ts';
import { ModelStore } from '../../models/store/model-store.ts';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';

/** Which languages a dub is measured in, if they are installed. */
const PREFERRED: readonly LanguageCode[] = ['es', 'fr', 'pt', 'it', 'ca', 'gl'];
const MOST = 3;

/**
 * Up to three languages that English can be dubbed into with what is installed.
 * @throws LivedubError LIVEDUB_E_PAIR_UNSUPPORTED
 */
export async function dubLanguages(): Promise<LanguageCode[]> {
  const pairs = supportedPairs(await findInstalled(new ModelStore()));
  const fromEnglish = pairs.filter(({ from }) => from === 'en').map(({ to }) => to);
  const chosen = PREFERRED.filter((language) => fromEnglish.includes(language)).slice(0, MOST);
  if (chosen.length > 0) return chosen;
  throw new LivedubError(
    'LIVEDUB_E_PAIR_UNSUPPORTED',
    `Nothing installed dubs English into ${PREFERRED.join(', ')}.`,
    { remedy: `Supported now: ${describePairs(pairs) || 'none'}. See \`livedub doctor\`.` },
  );
}
