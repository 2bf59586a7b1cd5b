import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo, LanguageCode } from '../../../pipeline/ports/engine.ts';
import type {
  TranslateRequest,
  Translation,
  TranslationPair,
  Translator,
} from '../../../pipeline/ports/translator.ts';
import { ApertiumLane } from './lane.ts';
import { type ApertiumMode, discoverModes } from './modes.ts';
import { findRoutes, type Route } from './routes.ts';
import { decodeReply, encodeRequest } from './stream-format.ts';
import { prepareSource, tidyTarget } from './tidy.ts';

export interface ApertiumTranslatorOptions {
  /** What is installed: see `discoverModes`. */
  readonly modes: readonly ApertiumMode[];
  /** Version shown in reports. Default `3.8`. */
  readonly version?: string;
  /** Requests that may wait per direction. Default 256. */
  readonly queueLimit?: number;
  /** Longest wait for the programs' reply, ms. Default 10 000: the first reply waits for dictionaries to load. */
  readonly timeoutMs?: number;
  /** Told what each request cost, ms of wall time in the programs. */
  readonly onCompute?: (computeMs: number) => void;
}

/** Where Debian's packages put the mode files. */
export const APERTIUM_MODES_DIRECTORY = '/usr/share/apertium/modes';

/** Longest text of one request; a clause is a hundredth of it. */
const MAX_CHARACTERS = 10_000;

/**
 * Rule-based translation by Apertium (Forcada et al. 2011, "Apertium: a free/open-source platform for rule-based
 * machine translation"), direct or through one language between. Programs start when a pair is first used and stay.
 */
export class ApertiumTranslator implements Translator {
  readonly info: EngineInfo;
  readonly pairs: readonly TranslationPair[];
  readonly needsAudio = false;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #lanes = new Map<string, ApertiumLane>();
  readonly #options: ApertiumTranslatorOptions;
  #closing: Promise<void> | undefined;

  constructor(options: ApertiumTranslatorOptions) {
    this.#options = options;
    this.info = { id: 'apertium', version: options.version ?? '3.8', licence: 'GPL-2.0-or-later' };
    const routes = findRoutes(options.modes);
    this.pairs = routes.map((route) => route.pair);
    this.#routes = new Map(routes.map((route) => [`${route.pair.from}-${route.pair.to}`, route]));
  }

  /** Finds what Debian has installed. @returns undefined when there is no direction at all */
  static async discover(
    options: Omit<ApertiumTranslatorOptions, 'modes'> & { readonly directory?: string } = {},
  ): Promise<ApertiumTranslator | undefined> {
    const modes = await discoverModes(options.directory ?? APERTIUM_MODES_DIRECTORY);
    return modes.length === 0 ? undefined : new ApertiumTranslator({ ...options, modes });
  }

  /** Starts a pair's programs ahead of its first request. */
  async warm(from: LanguageCode, to: LanguageCode): Promise<void> {
    await Promise.all(
      (this.#routes.get(`${from}-${to}`)?.modes ?? []).map((mode) => this.#lane(mode).warm()),
    );
  }

  /**
   * @throws LIVEDUB_E_PAIR_UNSUPPORTED, LIVEDUB_E_BAD_REQUEST (text too long), LIVEDUB_E_ABORTED, LIVEDUB_E_CLOSED,
   * LIVEDUB_E_CHANNEL_OVERFLOW, LIVEDUB_E_ENGINE_FAILED
   */
  async translate(request: TranslateRequest): Promise<Translation> {
    const { from, to, text } = request;
    if (this.#closing !== undefined) throw new LivedubError('LIVEDUB_E_CLOSED', 'This translator is closed.');
    const route = this.#routes.get(`${from}-${to}`);
    if (route === undefined) {
      throw new LivedubError('LIVEDUB_E_PAIR_UNSUPPORTED', `Apertium has no way from ${from} to ${to}.`);
    }
    if (text.length > MAX_CHARACTERS) {
      throw new LivedubError(
        'LIVEDUB_E_BAD_REQUEST',
        `A text of ${text.length} characters is too long to translate.`,
      );
    }
    if (!/[\p{L}\p{N}]/u.test(text)) return { text: text.trim(), unknownWords: [] };
    const unknown = new Set<string>();
    let current = text;
    for (const mode of route.modes) {
      const source = prepareSource(current, mode.from);
      const startedMs = performance.now();
      const reply = decodeReply(await this.#lane(mode).run(encodeRequest(source), request));
      this.#options.onCompute?.(performance.now() - startedMs);
      for (const word of reply.unknownWords) unknown.add(word);
      current = tidyTarget(reply.text, source, mode.to);
    }
    return { text: current, unknownWords: [...unknown] };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([...this.#lanes.values()].map((lane) => lane.close())).then(
      () => undefined,
    );
    return this.#closing;
  }

  #lane(mode: ApertiumMode): ApertiumLane {
    let lane = this.#lanes.get(mode.name);
    if (lane === undefined) {
      const { queueLimit = 256, timeoutMs = 10_000 } = this.#options;
      lane = new ApertiumLane({ mode, queueLimit, timeoutMs });
      this.#lanes.set(mode.name, lane);
    }
    return lane;
  }
}
