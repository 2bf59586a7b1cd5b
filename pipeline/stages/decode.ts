import { OPUS_RATE_HZ, OpusDecoder } from '../audio/opus.ts';
import type { AudioFrame, EncodedFrame } from '../frames.ts';
import type { Stage, StageContext } from '../stage.ts';

export interface DecodeStageOptions {
  /** Default: 2. */
  channels?: 1 | 2;
}

/** A frame this far off its place is moved there; less is rounding or slow clock correction. */
const TOLERANCE_US = 10_000;
/** Longer holes than this are silence: concealment fades to nothing anyway. */
const MAX_CONCEALED_US = 60_000;
/** A hole longer than this is not filled: sound goes on at a later media time. */
const MAX_FILLED_US = 2_000_000;
/** Silence is written in pieces of this length. */
const PIECE_US = 100_000;

/**
 * Decodes Opus to 48 kHz sound that is continuous in media time: holes are concealed, then silent; what comes twice is
 * dropped. Between two holes of more than 2 s, which are left open, everything after this stage may count samples.
 */
export class DecodeStage implements Stage<EncodedFrame, AudioFrame> {
  readonly name = 'decode';
  readonly #decoder: OpusDecoder;
  readonly #channels: 1 | 2;
  #nextUs: number | undefined;

  constructor(options: DecodeStageOptions = {}) {
    this.#channels = options.channels ?? 2;
    this.#decoder = new OpusDecoder({ channels: this.#channels });
  }

  async process(frame: EncodedFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    this.#nextUs ??= frame.mediaTimeUs;
    const offUs = frame.mediaTimeUs - this.#nextUs;
    if (offUs < -TOLERANCE_US) return;
    if (offUs > MAX_FILLED_US) {
      await this.#fill(MAX_CONCEALED_US, ctx);
      this.#nextUs = frame.mediaTimeUs;
    } else if (offUs > TOLERANCE_US) await this.#fill(offUs, ctx);
    await this.#emit(this.#decoder.decode(frame).planes, ctx);
  }

  async flush(): Promise<void> {}

  close(): void {}

  async #fill(lengthUs: number, ctx: StageContext<AudioFrame>): Promise<void> {
    const concealedUs = Math.min(lengthUs, MAX_CONCEALED_US);
    await this.#emit(this.#decoder.conceal(this.#nextUs!, concealedUs).planes, ctx);
    for (let leftUs = lengthUs - concealedUs; leftUs > 0; leftUs -= PIECE_US) {
      const samples = Math.round((Math.min(leftUs, PIECE_US) * OPUS_RATE_HZ) / 1e6);
      await this.#emit(
        Array.from({ length: this.#channels }, () => new Float32Array(samples)),
        ctx,
      );
    }
  }

  async #emit(planes: readonly Float32Array[], ctx: StageContext<AudioFrame>): Promise<void> {
    const samples = planes[0]!.length;
    if (samples === 0) return;
    const mediaTimeUs = this.#nextUs!;
    this.#nextUs = mediaTimeUs + Math.round((samples * 1e6) / OPUS_RATE_HZ);
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: OPUS_RATE_HZ, planes });
  }
}
