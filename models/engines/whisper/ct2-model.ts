import { LivedubError } from '../../../pipeline/errors.ts';

/** Element types with the numbers of CTranslate2's DataType. */
const TYPE_BYTES = [4, 1, 2, 4, 2, 2] as const;
const FLOAT32 = 0;
const INT8 = 1;
const INT16 = 2;
const INT32 = 3;
const FLOAT16 = 4;

interface Ct2Variable {
  readonly dims: readonly number[];
  readonly type: number;
  readonly bytes: Uint8Array;
}

const corrupt = (why: string): LivedubError =>
  new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `This is not a CTranslate2 model: ${why}`);

/**
 * Reads the binary model format of CTranslate2, version 6 (python/ctranslate2/specs/model_spec.py of
 * https://github.com/OpenNMT/CTranslate2): a name, a revision, then named arrays, then aliases.
 */
export class Ct2Model {
  readonly spec: string;
  readonly revision: number;
  readonly #variables = new Map<string, Ct2Variable>();

  /** @throws LIVEDUB_E_MODEL_CORRUPT */
  constructor(file: Uint8Array) {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    let at = 0;
    const take = (bytes: number): number => {
      const start = at;
      if (start + bytes > file.length) throw corrupt(`it ends after ${file.length} bytes`);
      at += bytes;
      return start;
    };
    const u8 = (): number => view.getUint8(take(1));
    const u16 = (): number => view.getUint16(take(2), true);
    const u32 = (): number => view.getUint32(take(4), true);
    // Strings carry their length with the closing zero.
    const text = (): string => {
      const length = u16();
      const start = take(length);
      return new TextDecoder().decode(file.subarray(start, start + Math.max(0, length - 1)));
    };
    const version = u32();
    if (version !== 6) throw corrupt(`version ${version}, not 6`);
    this.spec = text();
    this.revision = u32();
    for (let left = u32(); left > 0; left--) {
      const name = text();
      const dims = Array.from({ length: u8() }, u32);
      const type = u8();
      const lengthBytes = u32();
      const size = TYPE_BYTES[type];
      if (size === undefined) throw corrupt(`${name} has the unknown type ${type}`);
      if (dims.reduce((a, b) => a * b, 1) * size !== lengthBytes)
        throw corrupt(`${name} has the wrong length`);
      const start = take(lengthBytes);
      this.#variables.set(name, { dims, type, bytes: file.subarray(start, start + lengthBytes) });
    }
    for (let left = u32(); left > 0; left--) {
      const alias = text();
      const variable = this.#variables.get(text());
      if (!variable) throw corrupt(`${alias} stands for something that is not there`);
      this.#variables.set(alias, variable);
    }
  }

  has(name: string): boolean {
    return this.#variables.has(name);
  }

  /** A float array (float16 is widened). @throws LIVEDUB_E_MODEL_CORRUPT when it is not there or not float */
  floats(name: string): { readonly dims: readonly number[]; readonly data: Float32Array } {
    const { dims, type, bytes } = this.#get(name);
    // Copied first: arrays in the file lie at odd offsets. (A Buffer's own slice would not copy.)
    const { buffer } = new Uint8Array(bytes);
    if (type === FLOAT32) return { dims, data: new Float32Array(buffer) };
    if (type !== FLOAT16) throw corrupt(`${name} is not a float array`);
    const halves = new Uint16Array(buffer);
    const data = new Float32Array(halves.length);
    for (let i = 0; i < halves.length; i++) data[i] = HALF_TO_FLOAT[halves[i]!]!;
    return { dims, data };
  }

  /** A whole number, e.g. `encoder/num_heads`. @throws LIVEDUB_E_MODEL_CORRUPT */
  scalar(name: string): number {
    const { type, bytes } = this.#get(name);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (type === INT8) return view.getInt8(0);
    if (type === INT16) return view.getInt16(0, true);
    if (type === INT32) return view.getInt32(0, true);
    throw corrupt(`${name} is not a whole number`);
  }

  #get(name: string): Ct2Variable {
    const variable = this.#variables.get(name);
    if (!variable) throw corrupt(`it has no ${name}`);
    return variable;
  }
}

/** All 65 536 values of IEEE 754 binary16. */
const HALF_TO_FLOAT = Float32Array.from({ length: 65_536 }, (_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});
