import {
  type LanguageDemand,
  type Mode,
  NO_DEMAND,
  type OutputKind,
  type RenditionControl,
} from './demand.ts';
import type { LanguageCode } from './ports/engine.ts';
import { NO_TERMS, type Terms } from './text/terms.ts';

/** Where live playout is: media time heard now in a mode. */
export interface PlayoutPosition {
  headUs(mode: Mode): number | undefined;
}

const MODES: readonly Mode[] = ['interpret', 'synced'];
/** A clause that would be heard later than this is given up before any work is done for it, µs. */
const HOPELESS_US = 8_000_000;

/** What the stages of one language are to do now; changed from outside, asked by them clause by clause. */
export class RenditionState {
  readonly language: LanguageCode;
  demand: LanguageDemand = NO_DEMAND;
  control: RenditionControl = 'on';
  terms: Terms = NO_TERMS;
  readonly #lagMs = new Map<Mode, number>();

  readonly #playout: PlayoutPosition | undefined;

  /** @param playout undefined in a replay, where nothing comes too late */
  constructor(language: LanguageCode, playout?: PlayoutPosition) {
    this.language = language;
    this.#playout = playout;
  }

  /** Whether a clause can be spoken within the lag cap in no mode that anybody wants. */
  isHopeless(clause: { readonly startUs: number; readonly endUs: number }): boolean {
    const modes = MODES.filter((mode) => !this.heard || this.wants(mode));
    return modes.every((mode) => {
      const headUs = this.#playout?.headUs(mode);
      const dueUs = mode === 'interpret' ? clause.endUs : clause.startUs;
      return headUs !== undefined && headUs - dueUs > HOPELESS_US;
    });
  }

  /** Whether anybody wants anything of the language. */
  get wanted(): boolean {
    return this.demand.captions || this.heard;
  }

  /** Whether somebody listens. */
  get heard(): boolean {
    return this.wants('interpret') || this.wants('synced');
  }

  wants(mode: Mode): boolean {
    const { voice, mix } = this.demand[mode];
    return voice || mix;
  }

  wantsOutput(mode: Mode, kind: OutputKind): boolean {
    return this.demand[mode][kind];
  }

  /** Whether new clauses are kept from being spoken. */
  get held(): boolean {
    return this.control === 'hold' || this.control === 'stop';
  }

  /** Whether the voice is to be silent at once. */
  get silent(): boolean {
    return this.control === 'mute' || this.control === 'stop';
  }

  /** The largest lag over the modes that are listened to, ms. */
  get lagMs(): number {
    let lagMs = 0;
    for (const [mode, value] of this.#lagMs) if (this.wants(mode)) lagMs = Math.max(lagMs, value);
    return lagMs;
  }

  setLag(mode: Mode, lagMs: number): void {
    this.#lagMs.set(mode, lagMs);
  }
}
