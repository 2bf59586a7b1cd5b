import { type LanguageDemand, NO_DEMAND } from '../../pipeline/demand.ts';
import type { Mode } from './contract.ts';

/** What one consumer of a channel (a viewer, a WHEP player, the recording) wants made. */
export interface Want {
  readonly language: string;
  /** `face`: the picture whose lips follow the dub. */
  readonly what: 'captions' | 'face' | `${'voice' | 'mix'}:${Mode}`;
}

const NOTHING = JSON.stringify(NO_DEMAND);
const HEARD = /^(voice|mix):/;

/** Adds up what all consumers of a channel want, per language. */
export class DemandBook {
  readonly #wants = new Map<object, readonly Want[]>();
  readonly #onChange: (language: string, demand: LanguageDemand) => void;
  #told = new Map<string, string>();

  /** @param onChange told only when the sum of a language changes */
  constructor(onChange: (language: string, demand: LanguageDemand) => void) {
    this.#onChange = onChange;
  }

  /** Replaces what `who` wants; nothing forgets them. */
  set(who: object, wants: readonly Want[]): void {
    const before = this.#wants.get(who) ?? [];
    if (wants.length === 0) this.#wants.delete(who);
    else this.#wants.set(who, wants);
    for (const language of new Set([...before, ...wants].map((want) => want.language))) {
      const demand = this.of(language);
      const key = JSON.stringify(demand);
      if ((this.#told.get(language) ?? NOTHING) === key) continue;
      if (key === NOTHING) this.#told.delete(language);
      else this.#told.set(language, key);
      this.#onChange(language, demand);
    }
  }

  of(language: string): LanguageDemand {
    const wanted = new Set<Want['what']>();
    for (const wants of this.#wants.values())
      for (const want of wants) if (want.language === language) wanted.add(want.what);
    const output = (mode: Mode) => ({
      voice: wanted.has(`voice:${mode}`),
      mix: wanted.has(`mix:${mode}`),
    });
    return {
      captions: wanted.has('captions'),
      interpret: output('interpret'),
      synced: output('synced'),
      face: wanted.has('face'),
    };
  }

  /** How many people hear a language; `recorder` is none. */
  listeners(language: string, recorder?: object): number {
    let count = 0;
    for (const [who, wants] of this.#wants)
      if (who !== recorder && wants.some((want) => want.language === language && HEARD.test(want.what)))
        count += 1;
    return count;
  }
}
