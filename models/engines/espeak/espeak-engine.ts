import type { Alignment } from '../../../pipeline/ports/aligner.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { SessionPool } from '../../session-pool.ts';
import { GuardedThread } from '../engine-thread-guard.ts';
import type { EspeakAlignBody, EspeakReading, EspeakUtterance } from './utterance.ts';

export interface EspeakEngineOptions {
  /** espeak-ng.js of npm @echogarden/espeak-ng-emscripten; its data lies beside it. */
  readonly scriptPath: string;
  readonly pool: SessionPool;
  /** Default `1.52`. */
  readonly version?: string;
}

/** eSpeak NG in a thread of its own; the synthesiser and the aligner share one. */
export class EspeakEngine {
  readonly info: EngineInfo;
  readonly #thread: GuardedThread;

  constructor(options: EspeakEngineOptions) {
    this.info = { id: 'espeak-ng', version: options.version ?? '1.52', licence: 'GPL-3.0-or-later' };
    this.#thread = new GuardedThread({
      entry: new URL('./espeak-thread.ts', import.meta.url),
      label: 'eSpeak NG',
      pool: options.pool,
      engine: 'espeak-ng',
      load: { scriptPath: options.scriptPath },
    });
  }

  /** Reads a text aloud. */
  read(reading: EspeakReading, call: EngineCall): Promise<EspeakUtterance> {
    return this.#thread.request<EspeakUtterance>('read', reading, call);
  }

  /** @param body.pcm 16 kHz mono; copied, not taken away */
  align(body: EspeakAlignBody, call: EngineCall): Promise<Alignment> {
    return this.#thread.request<Alignment>('align', body, call);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
