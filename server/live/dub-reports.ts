import type { LivedubError } from '../../pipeline/errors.ts';
import type { Notice, TextEvent } from './contract.ts';
import type { DubLinkState } from './dub-link.ts';
import type { RenditionFacts } from './live-channel-views.ts';
import type { FromLiveWorker, OpenedRendition } from './worker-messages.ts';

export interface DubReportsOptions {
  /** Something was heard, translated or spoken. */
  onText: (event: TextEvent) => void;
  onNotice: (notice: Omit<Notice, 'kind'>) => void;
  /** A rendition is shown differently now. */
  onChange: () => void;
}

/** How long ago an engine must have failed for its rendition to count as sound, ms. */
const SOUND_AFTER_MS = 15_000;

/** What a worker tells of the dub of one channel: passed on, and the newest of it kept. */
export class DubReports {
  readonly #o: DubReportsOptions;
  readonly #facts = new Map<string, RenditionFacts>();
  #levelDbfs: number | undefined;
  /** The dub was interrupted, which is told once. */
  #isLost = false;

  constructor(options: DubReportsOptions) {
    this.#o = options;
  }

  /** By language. */
  get facts(): ReadonlyMap<string, RenditionFacts> {
    return this.#facts;
  }

  /** RMS of the sound that is dubbed, dBFS. */
  get levelDbfs(): number | undefined {
    return this.#levelDbfs;
  }

  /** Interpret mode, by language: how far the voice trails, ms. */
  get lagMs(): Record<string, number> {
    const lags: Record<string, number> = {};
    for (const [language, { lagMs }] of this.#facts) if (lagMs !== undefined) lags[language] = lagMs;
    return lags;
  }

  opened(renditions: readonly OpenedRendition[]): void {
    for (const opened of renditions) this.#know(opened.language, { opened });
  }

  /** @param why the dub was interrupted */
  state(state: DubLinkState, why: LivedubError | undefined): void {
    if (why && !this.#isLost) {
      this.#isLost = true;
      const message = 'The dub is interrupted; the original goes on.';
      this.#o.onNotice({ level: 'warning', code: 'dub-lost', message });
    } else if (state === 'ready' && this.#isLost) {
      this.#isLost = false;
      this.#o.onNotice({ level: 'info', code: 'dub-back', message: 'The dub is running again.' });
    }
    this.#o.onChange();
  }

  receive(message: FromLiveWorker): void {
    switch (message.kind) {
      case 'text':
        this.#text(message.event);
        return;
      case 'lag':
        if (message.mode === 'interpret') this.#know(message.language, { lagMs: message.lagMs });
        return;
      case 'pulse':
        this.#levelDbfs = message.levelDbfs;
        return;
      case 'degraded': {
        const language = /:([a-z]{2,3})/.exec(message.stage)?.[1];
        if (language)
          this.#know(language, { degraded: message.error.message, degradedMs: performance.now() });
        this.#o.onNotice({
          level: 'warning',
          code: 'degraded',
          message: message.error.message,
          ...(language ? { language } : {}),
        });
        this.#o.onChange();
        return;
      }
      case 'left-original':
        if (message.reason === 'noise') return;
        this.#o.onNotice({
          level: 'info',
          code: 'speech-left-original',
          message: 'Some speech was not understood and stays original.',
        });
    }
  }

  /** The programme has ended. */
  clear(): void {
    this.#facts.clear();
    this.#isLost = false;
    this.#levelDbfs = undefined;
  }

  #text(event: TextEvent): void {
    if (event.kind === 'utterance' && event.outcome === 'spoken') this.#recovered(event.language);
    this.#o.onText(event);
    if (event.kind === 'utterance' && event.outcome === 'skipped-lag')
      this.#o.onNotice({
        level: 'warning',
        code: 'skipped',
        language: event.language,
        message: 'A sentence was left out to keep up.',
      });
  }

  /** A rendition that speaks again counts as sound after a while. */
  #recovered(language: string): void {
    const { degraded, degradedMs = 0, ...facts } = this.#facts.get(language) ?? {};
    if (degraded === undefined || performance.now() - degradedMs < SOUND_AFTER_MS) return;
    this.#facts.set(language, facts);
    this.#o.onChange();
  }

  #know(language: string, facts: RenditionFacts): void {
    this.#facts.set(language, { ...this.#facts.get(language), ...facts });
  }
}
