import { downmix, Resampler } from '../audio/resample.ts';
import type { AudioRing } from '../audio/ring.ts';
import { SpeechLeveller } from '../audio/speech-level.ts';
import type { AudioFrame } from '../frames.ts';
import type { Stage, StageContext } from '../stage.ts';

export interface ReceiveStageOptions {
  /** Keeps the original for the mixers, 48 kHz. Default: none, the bed is another sound. */
  ring?: AudioRing;
  /** Sound before this media time is kept, but not handed on to be heard, µs. Default: all is heard. */
  hearFromUs?: number;
}

const SPEECH_RATE_HZ = 16_000;
/** Sound is handed on in pieces of this length: fewer, larger frames cost less. */
const PIECE_SAMPLES = 512;
/** Sound this far off the count of samples starts anew. */
const JUMP_US = 50_000;

/** Entry of the pipeline: keeps the original in the ring and hands on 16 kHz mono, raised where it is far too quiet, for the engines. */
export class ReceiveStage implements Stage<AudioFrame, AudioFrame> {
  readonly name = 'receive';
  readonly #ring: AudioRing | undefined;
  readonly #hearFromUs: number;
  #resampler = new Resampler({ fromHz: 48_000, toHz: SPEECH_RATE_HZ });
  readonly #leveller = new SpeechLeveller({ sampleRateHz: SPEECH_RATE_HZ });
  #originUs: number | undefined;
  #nextUs = 0;
  #emitted = 0;
  #waiting: Float32Array[] = [];
  #waitingSamples = 0;

  constructor(options: ReceiveStageOptions) {
    this.#ring = options.ring;
    this.#hearFromUs = options.hearFromUs ?? Number.NEGATIVE_INFINITY;
  }

  async process(frame: AudioFrame, ctx: StageContext<AudioFrame>): Promise<void> {
    this.#ring?.write(frame);
    if (frame.mediaTimeUs < this.#hearFromUs) return;
    if (this.#originUs !== undefined && frame.mediaTimeUs - this.#nextUs > JUMP_US)
      await this.#startAnew(ctx);
    this.#originUs ??= frame.mediaTimeUs;
    this.#nextUs = frame.mediaTimeUs + Math.round((frame.planes[0]!.length * 1_000_000) / frame.sampleRateHz);
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

  /** After a long hole: hands on what is left before it, and counts from behind it. */
  async #startAnew(ctx: StageContext<AudioFrame>): Promise<void> {
    await this.flush(ctx);
    this.#resampler = new Resampler({ fromHz: 48_000, toHz: SPEECH_RATE_HZ });
    this.#originUs = undefined;
    this.#emitted = 0;
  }

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
    ctx.observer.sound(plane, mediaTimeUs);
    await ctx.emit({ kind: 'audio', mediaTimeUs, sampleRateHz: SPEECH_RATE_HZ, planes: [plane] });
  }
}
