import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';

const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** English name of a language; undefined for what is no ISO 639-1 code. */
export function languageName(code: LanguageCode): string | undefined {
  return /^[a-z]{2}$/.test(code) ? names.of(code) : undefined;
}

/** @throws LIVEDUB_E_LANGUAGE_UNKNOWN */
export function requireLanguage(code: LanguageCode): void {
  if (languageName(code) !== undefined) return;
  const lower = code.toLowerCase().slice(0, 2);
  const meant = languageName(lower) === undefined ? '' : ` Did you mean ${lower} (${languageName(lower)})?`;
  throw new LivedubError('LIVEDUB_E_LANGUAGE_UNKNOWN', `“${code}” is no language code.`, {
    remedy: `Use an ISO 639-1 code such as en, es or fr.${meant}`,
  });
}

/** What Whisper hears (openai/whisper, tokenizer.py), as ISO 639-1. */
export const WHISPER_LANGUAGES: readonly LanguageCode[] = (
  'en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy ' +
  'sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz ' +
  'fo ht ps tk nn mt sa lb my bo tl mg as tt ln ha ba jv su'
).split(' ');
