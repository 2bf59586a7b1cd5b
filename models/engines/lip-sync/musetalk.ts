import { LivedubError } from '../../../pipeline/errors.ts';
import type { CropBox } from '../../../pipeline/face/affine-paste.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';
import { Batches } from './batches.ts';
import { boxBetween, faceAxes } from './face-box.ts';
import type { LipSyncJob, LipSyncNetwork } from './lip-sync-network.ts';
import { type Feed, OnnxModels, type TensorSignature } from './onnx-models.ts';
import type { VoiceTimeline } from './voice-timeline.ts';
import { FEATURE_FRAME_US, WhisperFeatures } from './whisper-features.ts';

export interface MuseTalkOptions {
  /** Files by `MuseTalk.requiredFiles`. */
  readonly paths: Readonly<Record<(typeof MuseTalk.requiredFiles)[number], string>>;
  readonly pool: SessionPool;
  /** Default: the manifest's entry. */
  readonly info?: EngineInfo;
  /** Threads inside one operator. Default 1. */
  readonly threads?: number;
  /** Computes on the GPU. Default false. */
  readonly gpu?: boolean;
}

/** Frames of features for one picture, and how many of them lie before it (`get_whisper_chunk`: two pictures on each side). */
const WINDOW_FRAMES = 10;
const FRAMES_BEFORE = 4;
/** Of the VAE: what latents are multiplied with outside of it, and how much smaller than the picture they are. */
const SCALE = 0.18215;
const SHRINK = 8;
const LATENT_CHANNELS = 4;
/** The middle of the crop lies on the lower bridge of the nose. */
const NOSE_BRIDGE = 195;
/** Version 1.5 lengthens the crop below the chin by 10 px of a face of about 256. */
const BELOW_CHIN_SHARE = 0.04;

/**
 * MuseTalk (https://arxiv.org/abs/2410.10122, https://github.com/TMElyralab/MuseTalk): paints the lower half of a face in the latent
 * space of Stable Diffusion's VAE, in one step. Four ONNX files as torch and optimum export them; what an input is for is told
 * from its shape, floats may be of 16 bits:
 * - `vae_encoder`: face [B, 3, 256, 256], −1…1 → latents [B, 4, 32, 32], or their means and variances [B, 8, 32, 32]; unscaled
 * - `unet`: latents [B, 8, 32, 32] (masked, then whole), time step (0), features [B, 50, 384] → latents [B, 4, 32, 32]; the
 *   positions of the features are added here (unet.py)
 * - `vae_decoder`: latents [B, 4, 32, 32], unscaled → face [B, 3, 256, 256], −1…1
 * - `whisper_encoder`: see WhisperFeatures
 */
export class MuseTalk implements LipSyncNetwork {
  static readonly requiredFiles = ['unet', 'vae_encoder', 'vae_decoder', 'whisper_encoder'] as const;
  readonly info: EngineInfo;
  readonly sizePx: number;
  readonly lookAheadUs = (WINDOW_FRAMES - FRAMES_BEFORE) * FEATURE_FRAME_US;
  readonly #models: OnnxModels;
  readonly #features: WhisperFeatures;
  readonly #inputs: { readonly face: string; readonly latents: string; readonly sound: string };
  readonly #step: TensorSignature | undefined;
  readonly #decoderInput: string;
  readonly #tokens: number;
  readonly #width: number;
  readonly #positions: Float32Array;
  readonly #batches: Batches<LipSyncJob, Float32Array>;

  private constructor(models: OnnxModels, options: MuseTalkOptions) {
    const { pool } = options;
    this.#models = models;
    this.info = options.info ?? { id: 'musetalk', version: '1.5', licence: 'MIT' };
    this.#features = new WhisperFeatures({ models, model: 'whisper_encoder', pool });
    const ofRank = (rank: number, channels?: number) => (tensor: TensorSignature) =>
      tensor.dims.length === rank && (channels === undefined || tensor.dims[1] === channels);
    const face = models.input('vae_encoder', 'a face', ofRank(4, 3));
    const sound = models.input('unet', 'sound', ofRank(3));
    this.#inputs = {
      face: face.name,
      latents: models.input('unet', 'latents', ofRank(4, 2 * LATENT_CHANNELS)).name,
      sound: sound.name,
    };
    this.#step = models.signature('unet').inputs.find(({ dims }) => dims.length < 2);
    this.#decoderInput = models.input('vae_decoder', 'latents', ofRank(4, LATENT_CHANNELS)).name;
    const size = face.dims[3];
    this.sizePx = typeof size === 'number' && size > 0 ? size : 256;
    const width = sound.dims[2];
    this.#width = typeof width === 'number' && width > 0 ? width : 384;
    this.#tokens = (WINDOW_FRAMES * this.#features.frameLength) / this.#width;
    if (!Number.isInteger(this.#tokens)) {
      throw new LivedubError(
        'LIVEDUB_E_MODEL_CORRUPT',
        `${this.info.id}: the features of whisper_encoder do not fit unet.`,
      );
    }
    this.#positions = positions(this.#tokens, this.#width);
    this.#batches = new Batches({
      pool,
      engine: this.info.id,
      run: (jobs, slot) => this.#run(jobs, slot),
    });
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: MuseTalkOptions): Promise<MuseTalk> {
    const models = await OnnxModels.load({
      paths: options.paths,
      engine: options.info?.id ?? 'musetalk',
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      gpu: options.gpu ?? false,
    });
    try {
      return new MuseTalk(models, options);
    } catch (error) {
      await models.close();
      throw error;
    }
  }

  /** As far above the bridge of the nose as the chin is below it (preprocessing.py), and a little more below. */
  boxOf(landmarks: Float32Array): CropBox {
    const axes = faceAxes(landmarks);
    const half = axes.lowest - axes.down(NOSE_BRIDGE);
    return boxBetween(axes, axes.lowest - 2 * half, axes.lowest + 2 * half * BELOW_CHIN_SHARE);
  }

  soundAt(voice: VoiceTimeline, timeUs: number, call: EngineCall): Promise<Float32Array> {
    return this.#features.window(voice, timeUs - FRAMES_BEFORE * FEATURE_FRAME_US, WINDOW_FRAMES, call);
  }

  animate(job: LipSyncJob, call: EngineCall): Promise<Float32Array> {
    return this.#batches.add(job, call);
  }

  close(): Promise<void> {
    this.#batches.close();
    return this.#models.close();
  }

  async #run(jobs: readonly LipSyncJob[], slot: PoolSlot): Promise<Float32Array[]> {
    const { sizePx } = this;
    const rows = jobs.length;
    const side = sizePx / SHRINK;
    const latentArea = side * side;
    const [encoded] = await this.#models.run(slot, 'vae_encoder', 2 * rows, {
      [this.#inputs.face]: maskedAndWhole(jobs, sizePx),
    });
    // Of means and variances only the means are taken: the same picture gives the same face.
    const channels = encoded!.length / (2 * rows * latentArea);
    const latents = new Float32Array(rows * 2 * LATENT_CHANNELS * latentArea);
    for (let half = 0; half < 2 * rows; half++) {
      const from = half * channels * latentArea;
      const part = encoded!.subarray(from, from + LATENT_CHANNELS * latentArea);
      latents.set(scaled(part, SCALE), half * LATENT_CHANNELS * latentArea);
    }
    const sound = new Float32Array(rows * this.#positions.length);
    for (const [row, job] of jobs.entries()) {
      for (let i = 0; i < this.#positions.length; i++)
        sound[row * this.#positions.length + i] = job.sound[i]! + this.#positions[i]!;
    }
    const feeds: Record<string, Feed> = {
      [this.#inputs.latents]: { dims: [rows, 2 * LATENT_CHANNELS, side, side], data: latents },
      [this.#inputs.sound]: { dims: [rows, this.#tokens, this.#width], data: sound },
    };
    if (this.#step !== undefined)
      feeds[this.#step.name] = { dims: this.#step.dims.length === 0 ? [] : [1], data: new Float32Array(1) };
    const [painted] = await this.#models.run(slot, 'unet', rows, feeds);
    const [made] = await this.#models.run(slot, 'vae_decoder', rows, {
      [this.#decoderInput]: { dims: [rows, LATENT_CHANNELS, side, side], data: scaled(painted!, 1 / SCALE) },
    });
    const length = 3 * sizePx * sizePx;
    if (made?.length !== rows * length)
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${this.info.id} gave no faces of ${sizePx} px.`);
    return jobs.map((_, row) =>
      made.slice(row * length, (row + 1) * length).map((value) => Math.min(1, Math.max(0, value / 2 + 0.5))),
    );
  }
}

/** Each face twice, first with its lower half black, −1…1. */
function maskedAndWhole(jobs: readonly LipSyncJob[], sizePx: number): Feed {
  const area = sizePx * sizePx;
  const length = 3 * area;
  const data = new Float32Array(2 * jobs.length * length);
  for (const [row, { face }] of jobs.entries()) {
    const [masked, whole] = [2 * row * length, (2 * row + 1) * length];
    for (let i = 0; i < length; i++) {
      const value = 2 * face[i]! - 1;
      data[masked + i] = i % area < area / 2 ? value : -1;
      data[whole + i] = value;
    }
  }
  return { dims: [2 * jobs.length, 3, sizePx, sizePx], data };
}

const scaled = (values: Float32Array, by: number): Float32Array => values.map((value) => value * by);

/** Sines and cosines of each position (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, §3.5). */
function positions(count: number, width: number): Float32Array {
  return Float32Array.from({ length: count * width }, (_, i) => {
    const [position, dimension] = [Math.floor(i / width), i % width];
    const angle = position * 10_000 ** (-(dimension - (dimension % 2)) / width);
    return dimension % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}
