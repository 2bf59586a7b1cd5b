import { LivedubError } from '../../../pipeline/errors.ts';
import type { CropBox } from '../../../pipeline/face/affine-paste.ts';
import type { EngineCall, EngineInfo } from '../../../pipeline/ports/engine.ts';
import type { PoolSlot, SessionPool } from '../../session-pool.ts';
import { Batches } from './batches.ts';
import { boxBetween, faceAxes } from './face-box.ts';
import type { LipSyncJob, LipSyncNetwork } from './lip-sync-network.ts';
import { OnnxModels } from './onnx-models.ts';
import { VOICE_RATE_HZ, type VoiceTimeline } from './voice-timeline.ts';
import { WAV2LIP_BANDS, WAV2LIP_FRAMES, WAV2LIP_SOUND, wav2lipWindow } from './wav2lip-mel.ts';

export interface Wav2LipOptions {
  readonly modelPath: string;
  readonly pool: SessionPool;
  /** Default: the manifest's entry. */
  readonly info?: EngineInfo;
  /** Threads inside one operator. Default 1. */
  readonly threads?: number;
  /** Computes on the GPU. Default false. */
  readonly gpu?: boolean;
}

const MODEL = 'model';
/**
 * The network was trained on windows that begin one picture of 25 fps before its own (`get_segmented_mels` in wav2lip_train.py).
 */
const WINDOW_LEAD_US = 40_000;
const FRAME_US = 12_500;
/** Top and bottom of the published crop (an S3FD box with 10 px more below the chin), as shares of the mesh's height. */
const TOP_SHARE = 0.08;
const BELOW_CHIN_SHARE = 0.06;
const [FOREHEAD, CHIN] = [10, 152];

/**
 * Wav2Lip (Prajwal et al. 2020, https://arxiv.org/abs/2008.10010, https://github.com/Rudrabha/Wav2Lip) in the ONNX form that its
 * exports have: mel spectrogram [B, 1, 80, 16] and face [B, 6, S, S] → face [B, 3, S, S], S = 96. Channels of the face: blue, green,
 * red with the lower half black, then the same without the mask; all 0…1 (inference.py). Input names differ between exports and
 * are not looked at. Weights: research and personal use only.
 */
export class Wav2Lip implements LipSyncNetwork {
  static readonly requiredFiles = [MODEL] as const;
  readonly info: EngineInfo;
  readonly sizePx: number;
  readonly lookAheadUs = WAV2LIP_FRAMES * FRAME_US - WINDOW_LEAD_US;
  readonly #models: OnnxModels;
  readonly #melInput: string;
  readonly #faceInput: string;
  readonly #batches: Batches<LipSyncJob, Float32Array>;

  private constructor(models: OnnxModels, options: Wav2LipOptions) {
    this.#models = models;
    this.info = options.info ?? { id: 'wav2lip', version: '1.0', licence: 'Wav2Lip' };
    const mel = models.input(MODEL, 'sound', ({ dims }) => dims.length === 4 && dims[2] === WAV2LIP_BANDS);
    const face = models.input(MODEL, 'a face', ({ dims }) => dims.length === 4 && dims[1] === 6);
    const size = face.dims[3];
    this.sizePx = typeof size === 'number' && size > 0 ? size : 96;
    this.#melInput = mel.name;
    this.#faceInput = face.name;
    this.#batches = new Batches({
      pool: options.pool,
      engine: this.info.id,
      run: (jobs, slot) => this.#run(jobs, slot),
    });
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async load(options: Wav2LipOptions): Promise<Wav2Lip> {
    const models = await OnnxModels.load({
      paths: { [MODEL]: options.modelPath },
      engine: options.info?.id ?? 'wav2lip',
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      gpu: options.gpu ?? false,
    });
    try {
      return new Wav2Lip(models, options);
    } catch (error) {
      await models.close();
      throw error;
    }
  }

  boxOf(landmarks: Float32Array): CropBox {
    const axes = faceAxes(landmarks);
    const [top, chin] = [axes.down(FOREHEAD), Math.max(axes.lowest, axes.down(CHIN))];
    const height = chin - top;
    return boxBetween(axes, top + TOP_SHARE * height, chin + BELOW_CHIN_SHARE * height);
  }

  async soundAt(voice: VoiceTimeline, timeUs: number): Promise<Float32Array> {
    const { before, samples } = WAV2LIP_SOUND;
    const fromUs = timeUs - WINDOW_LEAD_US - (before * 1e6) / VOICE_RATE_HZ;
    return wav2lipWindow(voice.read(fromUs, samples));
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
    const [area, rows] = [sizePx * sizePx, jobs.length];
    const mels = new Float32Array(rows * WAV2LIP_BANDS * WAV2LIP_FRAMES);
    const faces = new Float32Array(rows * 6 * area);
    for (const [row, { face, sound }] of jobs.entries()) {
      mels.set(sound, row * sound.length);
      for (let channel = 0; channel < 3; channel++) {
        // Blue first, as the network was trained.
        const plane = face.subarray((2 - channel) * area, (3 - channel) * area);
        const at = (row * 6 + channel) * area;
        faces.set(plane.subarray(0, (sizePx >> 1) * sizePx), at);
        faces.set(plane, at + 3 * area);
      }
    }
    const [made] = await this.#models.run(slot, MODEL, rows, {
      [this.#melInput]: { dims: [rows, 1, WAV2LIP_BANDS, WAV2LIP_FRAMES], data: mels },
      [this.#faceInput]: { dims: [rows, 6, sizePx, sizePx], data: faces },
    });
    if (made?.length !== rows * 3 * area)
      throw new LivedubError('LIVEDUB_E_ENGINE_FAILED', `${this.info.id} gave no faces of ${sizePx} px.`);
    return jobs.map((_, row) => {
      const face = new Float32Array(3 * area);
      for (let channel = 0; channel < 3; channel++) {
        const at = (row * 3 + channel) * area;
        face.set(made.subarray(at, at + area), (2 - channel) * area);
      }
      return face;
    });
  }
}
