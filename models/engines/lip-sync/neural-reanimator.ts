import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { Reanimation, ReanimationOptions, Reanimator } from '../../../pipeline/ports/reanimator.ts';
import type { LipSyncNetwork } from './lip-sync-network.ts';
import { NeuralReanimation } from './neural-reanimation.ts';

export interface NeuralReanimatorOptions {
  /** Closed with the reanimator. */
  readonly network: LipSyncNetwork;
  /** Called once the network is closed. */
  readonly onClosed?: () => Promise<void>;
}

/** Reanimation with a lip-sync network, which all channels share. */
export class NeuralReanimator implements Reanimator {
  readonly info: EngineInfo;
  readonly #o: NeuralReanimatorOptions;
  #closing: Promise<void> | undefined;

  constructor(options: NeuralReanimatorOptions) {
    this.#o = options;
    this.info = options.network.info;
  }

  /** @throws LIVEDUB_E_CLOSED */
  async open({ format, aheadUs = 0 }: ReanimationOptions): Promise<Reanimation> {
    if (this.#closing) throw new LivedubError('LIVEDUB_E_CLOSED', `${this.info.id} is closed.`);
    return new NeuralReanimation({ network: this.#o.network, format, aheadUs });
  }

  close(): Promise<void> {
    this.#closing ??= this.#o.network.close().then(() => this.#o.onClosed?.());
    return this.#closing;
  }
}
