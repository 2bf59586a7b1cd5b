import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { affineCrop, type CropArea, type CropTarget } from '../../../pipeline/face/affine-crop.ts';
import type { Picture } from '../../../pipeline/face/picture.ts';
import { openNativeSession } from '../../ort-native.ts';
import { BLAZE_FACE_SIZE, type FoundFace, readFaces } from './blaze-face.ts';
import { toPicture } from './face-areas.ts';

/** Files of convert-face.ts. */
export interface FaceNetworkPaths {
  readonly blazeface: string;
  readonly facemesh: string;
  readonly iris: string;
  /** Absent where faces cannot be described. */
  readonly faceres?: string;
}

export interface MeshResult {
  /** 468 × (x, y, z), px of the picture. */
  readonly points: Float32Array;
  /** 0…1. */
  readonly confidence: number;
}

const MESH_SIZE = 192;
const EYE_SIZE = 64;
const VECTOR_SIZE = 224;
/** Of the 76 points around an eye the last five are the iris: its centre and four on its rim. */
const IRIS_POINT = 71;

/**
 * The networks that see faces. They compute on the calling thread, which is one that does nothing but faces, and each is run once when
 * it is opened, so that the first picture takes no longer than others.
 */
export class FaceNetworks {
  readonly #detector: Network;
  readonly #mesh: Network;
  readonly #iris: Network;
  readonly #describer: Network | undefined;

  private constructor(networks: {
    readonly detector: Network;
    readonly mesh: Network;
    readonly iris: Network;
    readonly describer: Network | undefined;
  }) {
    this.#detector = networks.detector;
    this.#mesh = networks.mesh;
    this.#iris = networks.iris;
    this.#describer = networks.describer;
  }

  /** @throws LIVEDUB_E_MODEL_MISSING, LIVEDUB_E_MODEL_CORRUPT */
  static async open({ blazeface, facemesh, iris, faceres }: FaceNetworkPaths): Promise<FaceNetworks> {
    return new FaceNetworks({
      detector: await Network.open(blazeface, 'picture', BLAZE_FACE_SIZE, {
        scale: 1 / 127.5,
        offset: -1,
        outside: 'black',
      }),
      mesh: await Network.open(facemesh, 'face', MESH_SIZE, { scale: 1 / 255 }),
      iris: await Network.open(iris, 'eye', EYE_SIZE, { scale: 1 / 255 }),
      describer: faceres === undefined ? undefined : await Network.open(faceres, 'face', VECTOR_SIZE, {}),
    });
  }

  get canDescribe(): boolean {
    return this.#describer !== undefined;
  }

  /** Looks for faces in the whole picture. @returns best first */
  async detect(picture: Picture, minScore: number): Promise<FoundFace[]> {
    const { widthPx, heightPx } = picture;
    const area: CropArea = {
      centreX: (widthPx - 1) / 2,
      centreY: (heightPx - 1) / 2,
      sizePx: Math.max(widthPx, heightPx),
    };
    const { coarseScores, fineScores, coarseBoxes, fineBoxes } = await this.#detector.run(picture, area);
    return readFaces(
      {
        coarseScores: coarseScores!,
        fineScores: fineScores!,
        coarseBoxes: coarseBoxes!,
        fineBoxes: fineBoxes!,
      },
      area,
      minScore,
    );
  }

  async mesh(picture: Picture, area: CropArea): Promise<MeshResult> {
    const { points, confidence } = await this.#mesh.run(picture, area);
    return { points: toPicture(points!, area, MESH_SIZE), confidence: confidence![0]! };
  }

  async iris(picture: Picture, area: CropArea): Promise<{ x: number; y: number; radiusPx: number }> {
    const { points } = await this.#iris.run(picture, area);
    const iris = toPicture(points!.slice(IRIS_POINT * 3), area, EYE_SIZE);
    const [x, y] = [iris[0]!, iris[1]!];
    let radius = 0;
    for (let i = 3; i < 15; i += 3) radius += Math.hypot(iris[i]! - x, iris[i + 1]! - y) / 4;
    return { x, y, radiusPx: radius };
  }

  /** @returns 1024 values, not yet of unit length; undefined where the network is not installed */
  async describe(picture: Picture, area: CropArea): Promise<Float32Array | undefined> {
    return (await this.#describer?.run(picture, area))?.vector;
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#detector, this.#mesh, this.#iris, this.#describer].map((network) => network?.close()),
    );
  }
}

/** One network with the memory for its input. */
class Network {
  readonly #session: InferenceSession;
  readonly #target: CropTarget;
  readonly #feeds: Record<string, Tensor>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(session: InferenceSession, input: string, target: CropTarget) {
    this.#session = session;
    this.#target = target;
    const { size, samples } = target;
    this.#feeds = { [input]: new Tensor('float32', samples, [1, 3, size, size]) };
  }

  static async open(
    path: string,
    input: string,
    size: number,
    values: Omit<CropTarget, 'size' | 'samples'>,
  ): Promise<Network> {
    const session = await openNativeSession(path);
    const network = new Network(session, input, {
      ...values,
      size,
      samples: new Float32Array(3 * size * size),
    });
    await session.run(network.#feeds);
    return network;
  }

  /** Runs wait for one another: several streams share the input's memory. */
  run(picture: Picture, area: CropArea): Promise<Record<string, Float32Array>> {
    const run = this.#last.then(async () => {
      affineCrop(picture, area, this.#target);
      const outputs = await this.#session.run(this.#feeds);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
      );
    });
    this.#last = run.catch(() => {});
    return run;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#session.release();
  }
}
