import { LivedubError } from '../../../pipeline/errors.ts';
import type { EngineCall } from '../../../pipeline/ports/engine.ts';
import type { SessionPool } from '../../session-pool.ts';
import { LogMel } from '../whisper/log-mel.ts';
import type { OnnxModels } from './onnx-models.ts';
import { type HeardUtterance, VOICE_RATE_HZ, type VoiceTimeline } from './voice-timeline.ts';

/** Time of one frame of features. */
export const FEATURE_FRAME_US = 20_000;
const BANDS = 80;
/** What Whisper hears at once: 30 s. */
const SEGMENT_SAMPLES = 30 * VOICE_RATE_HZ;
const MEL_FRAMES = 3000;
const SEGMENT_FRAMES = 1500;
/** So many frames of the silence behind an utterance are kept. */
const TAIL_FRAMES = 10;

export interface WhisperFeaturesOptions {
  readonly models: OnnxModels;
  /** Which of them. */
  readonly model: string;
  readonly pool: SessionPool;
}

/**
 * Whisper's encoder as MuseTalk listens to it (audio_processor.py of https://github.com/TMElyralab/MuseTalk): the outputs of all its
 * layers. Model file: input_features [B, 80, 3000] → either one output [B, 1500, layers, width] or one [B, 1500, width] for each
 * layer, the embedding first (`output_hidden_states`). An utterance is heard once, whole, in pieces of 30 s.
 */
export class WhisperFeatures {
  /** Numbers of one frame: layers × width. */
  readonly frameLength: number;
  readonly #options: WhisperFeaturesOptions;
  readonly #input: string;
  readonly #isStacked: boolean;
  readonly #logMel = new LogMel(BANDS);
  /** [frame][layer][width], frame k beginning 20 · k ms into the utterance. */
  readonly #heard = new WeakMap<HeardUtterance, Promise<Float32Array>>();
  #silence: Promise<Float32Array> | undefined;

  /** @throws LIVEDUB_E_MODEL_CORRUPT */
  constructor(options: WhisperFeaturesOptions) {
    const { models, model } = options;
    this.#options = options;
    this.#input = models.input(model, 'sound', ({ dims }) => dims.length === 3 && dims[1] === BANDS).name;
    const { outputs } = models.signature(model);
    const dims = outputs[0]?.dims ?? [];
    this.#isStacked = dims.length === 4;
    this.frameLength = Number(dims.at(-1)) * (this.#isStacked ? Number(dims[2]) : outputs.length);
    if (!(this.frameLength > 0))
      throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${models.engine}: ${model} names no sizes.`);
  }

  /**
   * @param frames so many from `fromUs` on
   * @returns [frame][layer][width]; between utterances what the encoder makes of silence
   */
  async window(
    voice: VoiceTimeline,
    fromUs: number,
    frames: number,
    call: EngineCall,
  ): Promise<Float32Array> {
    const { frameLength } = this;
    const out = new Float32Array(frames * frameLength);
    const silence = await this.#ofSilence(call);
    for (let frame = 0; frame < frames; frame++) out.set(silence, frame * frameLength);
    const untilUs = fromUs + frames * FEATURE_FRAME_US;
    for (const utterance of voice.between(fromUs - TAIL_FRAMES * FEATURE_FRAME_US, untilUs)) {
      const features = await this.#ofUtterance(utterance, call);
      const first = Math.round((fromUs - utterance.startUs) / FEATURE_FRAME_US);
      const from = Math.max(0, -first);
      const to = Math.min(frames, features.length / frameLength - first);
      if (to > from)
        out.set(
          features.subarray((first + from) * frameLength, (first + to) * frameLength),
          from * frameLength,
        );
    }
    return out;
  }

  #ofUtterance(utterance: HeardUtterance, call: EngineCall): Promise<Float32Array> {
    const known = this.#heard.get(utterance);
    if (known !== undefined) return known;
    const made = this.#encode(utterance.pcm, call);
    this.#heard.set(utterance, made);
    made.catch(() => this.#heard.delete(utterance));
    return made;
  }

  #ofSilence(call: EngineCall): Promise<Float32Array> {
    if (this.#silence !== undefined) return this.#silence;
    const made = this.#encode(new Float32Array(VOICE_RATE_HZ), call).then((frames) =>
      frames.slice(25 * this.frameLength, 26 * this.frameLength),
    );
    this.#silence = made;
    made.catch(() => {
      this.#silence = undefined;
    });
    return made;
  }

  async #encode(pcm: Float32Array, call: EngineCall): Promise<Float32Array> {
    const { models, model, pool } = this.#options;
    const { frameLength } = this;
    const wanted = Math.ceil((pcm.length / VOICE_RATE_HZ) * 50) + TAIL_FRAMES;
    const out = new Float32Array(wanted * frameLength);
    for (let done = 0; done < wanted; done += SEGMENT_FRAMES) {
      const from = (done / SEGMENT_FRAMES) * SEGMENT_SAMPLES;
      const mel = this.#logMel.compute(pcm.subarray(from, from + SEGMENT_SAMPLES), MEL_FRAMES);
      const layers = await pool.run(call, { engine: models.engine }, (slot) =>
        models.run(slot, model, 1, { [this.#input]: { dims: [1, BANDS, MEL_FRAMES], data: mel } }),
      );
      const frames = Math.min(SEGMENT_FRAMES, wanted - done);
      const width = this.#isStacked ? frameLength : frameLength / layers.length;
      for (const [layer, data] of layers.slice(0, frameLength / width).entries()) {
        for (let frame = 0; frame < frames; frame++)
          out.set(
            data.subarray(frame * width, (frame + 1) * width),
            (done + frame) * frameLength + layer * width,
          );
      }
    }
    return out;
  }
}
