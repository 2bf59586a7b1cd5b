import { downmix, Resampler } from '../audio/resample.ts';
import type { AudioRing } from '../audio/ring.ts';
import { SpeechLeveller } from '../audio/speech-level.ts';
import type { AudioFrame } from '../frames.ts';
import type { Stage, StageContext } from '../stage.ts';

export interface ReceiveStageOptions {
  /** Keeps the original for the mixers, 48 kHz. */
  ring: AudioRing;
}

const SPEECH_RATE_HZ = 16_000;
/** Sound is handed on in pieces of this length: fewer, larger frames cost less. */
const PIECE_SAMPLES = 512;

/** Entry of the pipeline: keeps the original in the ring and hands on 16 kHz mono, raised where it is far too quiet, for the engines. */
export class ReceiveStage implements Stage<AudioFrame, AudioFrame> {
  readonly name = 'receive';
  readonly #ring: AudioRing;
  readonly #resampler = new Resampler({ fromHz: 48_000, toHz: SPEECH_RATE_HZ });
  readonly #leveller = new SpeechLeveller({ sampleRateHz: SPEECH_RATE_HZ });
  #originUs: number | undefined;
  #emitted = 0;
  #waiting: Float32Array[] = [];
  #waitingSamples = 0;

  constructor(options: ReceiveStageOptions) {
    this.#ring = options.ring;
  }

  async process(frame: AudioFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    this.#originUs ??= frame.mediaTimeUs;
    this.#ring.write(frame);
    this.#hold(this.#leveller.process(this.#resampler.process(downmix(frame.planes))));
    if (this.#waitingSamples >= PIECE_SAMPLES) await this.#emit(ctx);
  }

  async flush(ctx: StageContext<AudioFrame>): Promise<void> {
    if (this.#originUs === undefined) return;
    this.#hold(this.#leveller.process(this.#resampler.flush()));
    this.#hold(this.#leveller.flush());
    await this.#emit(ctx);
  }

  close(): void {}

  #hold(pcm: Float32Array): void {
    if (pcm.length === 0) return;
    this.#waiting.push(pcm);
    this.#waitingSamples += pcm.length;
  }

  async #emit(ctx: StageContext<AudioFrame>): Promise<void> {
    if (this.#waitingSamples === 0) return;
    const plane = new Float32Array(this.#waitingSamples);
    let at = 0;
    for (const piece of this.#waiting) {
      plane.set(piece, at);
      at += piece.length;
    }
    const mediaTimeUs = this.#originUs! + Math.round((this.#emitted * 1_000_000) / SPEECH_RATE_HZ);
    this.#emitted += plane.length;
    this.#waiting = [];
    this.#waitingSamples = 0;
    ctx.observer.sound(plane);
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: SPEECH_RATE_HZ, planes: [plane] });
  }
}
