import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { LivedubError } from '../../../pipeline/errors.ts';

/** A constant of a TensorFlow.js model, row-major. */
export interface TfjsTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** One operation of a TensorFlow.js graph. */
export interface TfjsNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes or constants. */
  readonly inputs: readonly string[];
  ints(attribute: string): number[];
  texts(attribute: string): string[];
  flag(attribute: string): boolean;
}

export interface TfjsModel {
  /** In an order in which each comes after its inputs. */
  readonly nodes: readonly TfjsNode[];
  readonly constants: ReadonlyMap<string, TfjsTensor>;
}

const AttributeSchema = z.looseObject({
  s: z.string().optional(),
  b: z.boolean().optional(),
  list: z.object({ i: z.array(z.coerce.number()).optional(), s: z.array(z.string()).optional() }).optional(),
  shape: z.object({ dim: z.array(z.object({ size: z.coerce.number() })).default([]) }).optional(),
});
const ModelSchema = z.looseObject({
  modelTopology: z.looseObject({
    node: z.array(
      z.looseObject({
        name: z.string(),
        op: z.string(),
        input: z.array(z.string()).default([]),
        attr: z.record(z.string(), AttributeSchema).default({}),
      }),
    ),
  }),
  weightsManifest: z.array(
    z.looseObject({
      weights: z.array(
        z.looseObject({
          name: z.string(),
          shape: z.array(z.int().nonnegative()),
          dtype: z.enum(['float32', 'int32']),
          quantization: z.looseObject({ dtype: z.literal('float16') }).optional(),
        }),
      ),
    }),
  ),
});
type Attributes = Readonly<Record<string, z.infer<typeof AttributeSchema>>>;

/**
 * Reads a TensorFlow.js graph model: a JSON file and one file of weights, in float32 or float16.
 * @throws LIVEDUB_E_MODEL_CORRUPT when the files are something else or do not belong together
 */
export async function readTfjsModel(jsonPath: string, weightsPath: string): Promise<TfjsModel> {
  const [json, weights] = await Promise.all([readFile(jsonPath, 'utf8'), readFile(weightsPath)]);
  try {
    const model = ModelSchema.parse(JSON.parse(json));
    const constants = readConstants(
      model.weightsManifest.flatMap((group) => group.weights),
      weights,
    );
    const nodes = model.modelTopology.node.map(
      ({ name, op, input, attr }): TfjsNode => ({
        name,
        op,
        inputs: input.filter((name) => !name.startsWith('^')).map((name) => name.replace(/:0$/, '')),
        ...readers(attr),
      }),
    );
    return { nodes, constants };
  } catch (cause) {
    throw new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `${jsonPath} is no graph model this build can read.`, {
      cause,
    });
  }
}

function readers(attributes: Attributes): Pick<TfjsNode, 'ints' | 'texts' | 'flag'> {
  const text = (base64: string) => Buffer.from(base64, 'base64').toString();
  return {
    ints: (name) => attributes[name]?.list?.i ?? attributes[name]?.shape?.dim.map(({ size }) => size) ?? [],
    texts: (name) => {
      const { s, list } = attributes[name] ?? {};
      return (s === undefined ? (list?.s ?? []) : [s]).map(text);
    },
    flag: (name) => attributes[name]?.b === true,
  };
}

function readConstants(
  entries: z.infer<typeof ModelSchema>['weightsManifest'][number]['weights'],
  file: Buffer,
): Map<string, TfjsTensor> {
  const constants = new Map<string, TfjsTensor>();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  for (const { name, shape, dtype, quantization } of entries) {
    const length = shape.reduce((product, size) => product * size, 1);
    const data = dtype === 'int32' ? new Int32Array(length) : new Float32Array(length);
    const bytes = quantization === undefined ? 4 : 2;
    for (let i = 0; i < length; i += 1, at += bytes) {
      if (dtype === 'int32') data[i] = view.getInt32(at, true);
      else data[i] = bytes === 2 ? fromHalf(view.getUint16(at, true)) : view.getFloat32(at, true);
    }
    constants.set(name, { shape, data });
  }
  if (at !== file.length) throw new RangeError(`${file.length - at} bytes of weights are left over`);
  return constants;
}

/** IEEE 754 half precision. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
