import { InferenceSession, Tensor } from 'onnxruntime-node';
import { testdataPath } from '../clips/testdata.ts';

/** 9.01 s, the model's only length. */
export const DNSMOS_SAMPLES = 144_160;

/** How good speech, background and the whole would be found, 1…5. */
export interface Mos {
  readonly speech: number;
  readonly background: number;
  readonly overall: number;
}

/** From the model's outputs to the scale of ratings, by power from 0, as published with DNSMOS P.835 (Reddy et al. 2022). */
const SCALE = {
  speech: [0.0052439, 1.22083953, -0.08397278],
  background: [-0.39604546, 1.60915514, -0.13166888],
  overall: [0.04602535, 1.11546468, -0.06766283],
} as const;

/** A model that was trained to rate speech as listeners do. */
export class Dnsmos {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /** Undefined where the shared test data does not have the model. */
  static async open(): Promise<Dnsmos | undefined> {
    const path = testdataPath('models/mos/dnsmos_sig_bak_ovr.onnx');
    if (path === undefined) return undefined;
    return new Dnsmos(
      await InferenceSession.create(path, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      }),
    );
  }

  /** @param sound `DNSMOS_SAMPLES` of 16 kHz */
  async rate(sound: Float32Array): Promise<Mos> {
    const input = new Tensor('float32', sound.slice(0, DNSMOS_SAMPLES), [1, DNSMOS_SAMPLES]);
    const outputs = await this.#session.run({ [this.#session.inputNames[0]!]: input });
    const [speech, background, overall] = outputs[this.#session.outputNames[0]!]!.data as Float32Array;
    return {
      speech: scaled(SCALE.speech, speech!),
      background: scaled(SCALE.background, background!),
      overall: scaled(SCALE.overall, overall!),
    };
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

function scaled([a, b, c]: readonly [number, number, number], x: number): number {
  return a + b * x + c * x * x;
}
