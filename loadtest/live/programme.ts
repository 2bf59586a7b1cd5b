import { setTimeout as sleep } from 'node:timers/promises';
import { LivedubError } from '../../pipeline/errors.ts';
import type { LanguageCode } from '../../pipeline/ports/engine.ts';
import { type DeskEvent, NewChannelSchema } from '../../server/live/contract.ts';
import { BenchBrowser, type BenchPage } from './bench-browser.ts';
import type { LiveServer } from './live-server.ts';

export interface ProgrammeOptions {
  readonly server: LiveServer;
  readonly id: string;
  readonly languages: readonly LanguageCode[];
  readonly sound: 'microphone' | 'beeps';
  readonly picture: boolean;
  /** See BenchBrowser. */
  readonly microphone: string;
  readonly loop: boolean;
  readonly delayMs?: number;
  readonly signal: AbortSignal;
}

/** Something the desk was told, and when, as wall time in ms. */
export interface ToldEvent {
  readonly atMs: number;
  readonly event: DeskEvent;
}

const DUB_READY_MS = 60_000;

/** A channel on the air: one browser in which one page publishes, one is the desk, and others may watch. */
export class BenchProgramme {
  readonly browser: BenchBrowser;
  readonly id: string;
  /** Wall time of media time 0, ms. */
  readonly originMs: number;
  readonly #options: ProgrammeOptions;
  readonly #publisher: BenchPage;
  readonly #desk: BenchPage;

  private constructor(
    options: ProgrammeOptions,
    parts: { browser: BenchBrowser; publisher: BenchPage; desk: BenchPage; originMs: number },
  ) {
    this.#options = options;
    this.id = options.id;
    this.browser = parts.browser;
    this.#publisher = parts.publisher;
    this.#desk = parts.desk;
    this.originMs = parts.originMs;
  }

  /** Goes on the air and runs `use` once the dub is ready; ends everything afterwards. */
  static async during<T>(
    options: ProgrammeOptions,
    use: (programme: BenchProgramme) => Promise<T>,
  ): Promise<T> {
    const { server, id, languages, microphone, loop, signal } = options;
    const browser = await BenchBrowser.open({ base: server.base, microphone, loop });
    const closeAtOnce = () => void browser.close();
    signal.addEventListener('abort', closeAtOnce, { once: true });
    try {
      signal.throwIfAborted();
      const channel = await server.createChannel(
        NewChannelSchema.parse({
          id,
          title: id,
          from: 'en',
          languages: languages.map((language) => ({ language })),
          ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
        }),
      );
      const desk = await browser.page();
      await desk.call('openDesk', id);
      const publisher = await browser.page();
      const { whip: endpoint, token } = channel.publish;
      const { sound, picture } = options;
      await publisher.call('publish', { endpoint, token, sound, picture });
      const startedAt = await onceDubbed(server, id);
      const originMs = Date.parse(startedAt);
      return await use(new BenchProgramme(options, { browser, publisher, desk, originMs }));
    } finally {
      signal.removeEventListener('abort', closeAtOnce);
      await browser.close();
      await server.removeChannel(id).catch(() => undefined);
    }
  }

  /** Waits until a media time, ms. */
  async until(mediaMs: number): Promise<void> {
    const waitMs = this.originMs + mediaMs - Date.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#options.signal });
  }

  async wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal });
  }

  async told(): Promise<readonly ToldEvent[]> {
    return await this.#desk.call('deskEvents');
  }

  async unpublish(): Promise<void> {
    await this.#publisher.call('unpublish');
  }
}

/** @returns when the programme began */
async function onceDubbed(server: LiveServer, id: string): Promise<string> {
  for (const endMs = Date.now() + DUB_READY_MS; Date.now() < endMs; await sleep(100)) {
    const { dub, startedAt, renditions } = await server.view(id);
    if (startedAt !== undefined && (dub === 'ready' || renditions.length === 0)) return startedAt;
  }
  throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `The dub is not ready within ${DUB_READY_MS / 1000} s.`);
}
