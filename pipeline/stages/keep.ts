import type { AudioRing } from '../audio/ring.ts';
import type { AudioFrame } from '../frames.ts';
import type { Stage } from '../stage.ts';

/** Keeps sound in a ring for the mixers: the bed, where another sound is dubbed. */
export class KeepStage implements Stage<AudioFrame, never> {
  readonly name = 'keep';
  readonly #ring: AudioRing;

  constructor(options: { ring: AudioRing }) {
    this.#ring = options.ring;
  }

  async process(frame: AudioFrame): Promise<void> {
    this.#ring.write(frame);
  }

  async flush(): Promise<void> {}

  close(): void {}
}
