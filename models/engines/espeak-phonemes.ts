import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { LivedubError } from '../../pipeline/errors.ts';
import type { EngineInfo } from '../../pipeline/ports/engine.ts';
import { EngineThread } from '../engine-thread.ts';
import type { PoolSlot } from '../session-pool.ts';

export interface EspeakPhonemesOptions {
  /** espeak-ng.js with espeak-ng.data beside it. Default: the installed npm package. */
  readonly scriptPath?: string;
}

export interface PhonemeBody {
  readonly text: string;
  readonly voice: string;
}

/** What neural voices need of a phonemiser; tests give their own. */
export interface Phonemes {
  /**
   * @param voice eSpeak's name of a language variety: `en-us`, `es`, `fr`, `it`, `pt-br`
   * @returns one list per sentence: IPA phonemes with their stress mark, `' '` between words, punctuation as it was
   */
  phonemes(slot: Pick<PoolSlot, 'signal' | 'addComputeMs'>, body: PhonemeBody): Promise<string[][]>;
}

/**
 * Text to IPA by eSpeak NG (https://github.com/espeak-ng/espeak-ng, GPL-3.0) on a thread of its own. Numbers and
 * abbreviations are read out as the language does.
 */
export class EspeakPhonemes implements Phonemes {
  readonly info: EngineInfo = { id: 'espeak-ng', version: '1.52', licence: 'GPL-3.0-or-later' };
  readonly #thread: EngineThread;

  private constructor(thread: EngineThread) {
    this.#thread = thread;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING when the package is not installed */
  static async load(options: EspeakPhonemesOptions = {}): Promise<EspeakPhonemes> {
    const script = options.scriptPath ?? packagedScript();
    const thread = new EngineThread({
      entry: new URL('./espeak-phonemes-thread.ts', import.meta.url),
      label: 'espeak-ng-phonemes',
    });
    try {
      await thread.request('load', pathToFileURL(script).href);
    } catch (cause) {
      await thread.close();
      throw new LivedubError('LIVEDUB_E_MODEL_MISSING', `eSpeak NG did not load from ${script}.`, { cause });
    }
    return new EspeakPhonemes(thread);
  }

  async phonemes(slot: Pick<PoolSlot, 'signal' | 'addComputeMs'>, body: PhonemeBody): Promise<string[][]> {
    const answer = await this.#thread.request<string[][]>('phonemes', body, { signal: slot.signal });
    slot.addComputeMs(answer.computeMs);
    return answer.result;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

function packagedScript(): string {
  try {
    return createRequire(import.meta.url).resolve('@echogarden/espeak-ng-emscripten');
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_MISSING', 'The package of eSpeak NG is not installed.', {
      cause,
    });
  }
}
