import { LivedubError } from '../../../pipeline/errors.ts';

export interface TorchTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

interface Storage {
  readonly key: string;
  readonly type: string;
}

interface LazyTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

const MARK = Symbol('mark');
/** The only names a file may mention; naming one runs nothing. */
const ALLOWED =
  /^(collections\.OrderedDict|torch\._utils\._rebuild_tensor_v2|torch\.(Float|Long|Double|Int|Half)Storage)$/;
const STORAGE_BYTES: Readonly<Record<string, number>> = {
  FloatStorage: 4,
  IntStorage: 4,
  LongStorage: 8,
  DoubleStorage: 8,
  HalfStorage: 2,
};

const corrupt = (why: string): LivedubError =>
  new LivedubError('LIVEDUB_E_MODEL_CORRUPT', `This is not a PyTorch checkpoint that can be read: ${why}`);

class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

class Tensor {
  readonly of: LazyTensor;
  constructor(of: LazyTensor) {
    this.of = of;
  }
}

/**
 * Reads float tensors from a checkpoint in PyTorch's format before 1.6: five pickles (magic, protocol, system, object,
 * storage keys), then the storages. Data only: of pickle's opcodes those that make values, of its globals the three
 * above, and none is ever called.
 * @returns tensors by dotted path, e.g. `model_state.lstm.weight_ih_l0`
 * @throws LIVEDUB_E_MODEL_CORRUPT
 */
export function readTorchTensors(file: Uint8Array): Map<string, TorchTensor> {
  const reader = new PickleReader(file);
  if (reader.read() !== 0x1950a86a20f9469cfc6cn) throw corrupt('wrong magic number');
  reader.read();
  reader.read();
  const root = reader.read();
  const keys = reader.read();
  if (!Array.isArray(keys)) throw corrupt('no storage keys');
  const storages = new Map<string, Uint8Array>();
  let at = reader.at;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (const key of keys) {
    const storage = reader.storages.get(String(key));
    if (!storage || at + 8 > file.length) throw corrupt('a storage is missing');
    const bytes = Number(view.getBigInt64(at, true)) * (STORAGE_BYTES[storage.type] ?? 0);
    at += 8;
    if (bytes < 0 || at + bytes > file.length) throw corrupt('a storage is cut off');
    storages.set(storage.key, file.subarray(at, at + bytes));
    at += bytes;
  }
  const tensors = new Map<string, TorchTensor>();
  collect(root, '', (path, { of }) => {
    const bytes = storages.get(of.storage.key);
    if (of.storage.type === 'FloatStorage' && bytes) tensors.set(path, materialise(of, bytes));
  });
  return tensors;
}

function materialise({ offset, dims, strides }: LazyTensor, bytes: Uint8Array): TorchTensor {
  const { buffer } = new Uint8Array(bytes);
  const all = new Float32Array(buffer);
  const length = dims.reduce((a, b) => a * b, 1);
  const dense = dims.reduceRight(
    (step, dim, i) => (strides[i] === step || dim === 1 ? step * dim : Number.NaN),
    1,
  );
  if (dense !== length || offset + length > all.length) throw corrupt('a tensor is not one dense piece');
  return { dims, data: all.slice(offset, offset + length) };
}

function collect(value: unknown, path: string, found: (path: string, tensor: Tensor) => void): void {
  if (value instanceof Tensor) found(path, value);
  else if (value instanceof Map) {
    for (const [key, inner] of value) collect(inner, path ? `${path}.${String(key)}` : String(key), found);
  }
}

/** One pickle after another, protocol 2 (the opcodes are those of CPython's pickletools.py). */
class PickleReader {
  at = 0;
  readonly storages = new Map<string, Storage>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): unknown {
    const stack: unknown[] = [];
    const memo = new Map<number, unknown>();
    const toMark = (): unknown[] => {
      const mark = stack.lastIndexOf(MARK);
      if (mark < 0) throw corrupt('a mark is missing');
      const items = stack.splice(mark);
      return items.slice(1);
    };
    const tuple = (count: number): void => void stack.push(stack.splice(-count));
    for (;;) {
      const op = String.fromCharCode(this.#u8());
      switch (op) {
        case '\x80':
          this.#u8();
          break;
        case '.':
          return stack.pop();
        case '(':
          stack.push(MARK);
          break;
        case '\x8a':
          stack.push(this.#long(this.#u8()));
          break;
        case 'J':
          stack.push(this.#view.getInt32(this.#take(4), true));
          break;
        case 'K':
          stack.push(this.#u8());
          break;
        case 'M':
          stack.push(this.#view.getUint16(this.#take(2), true));
          break;
        case 'G':
          stack.push(this.#view.getFloat64(this.#take(8)));
          break;
        case '\x88':
        case '\x89':
          stack.push(op === '\x88');
          break;
        case 'N':
          stack.push(undefined);
          break;
        case 'X':
          stack.push(this.#text(this.#u32()));
          break;
        case '}':
          stack.push(new Map());
          break;
        case ']':
        case ')':
          stack.push([]);
          break;
        case '\x85':
        case '\x86':
        case '\x87':
          tuple(op.charCodeAt(0) - 0x84);
          break;
        case 't':
          stack.push(toMark());
          break;
        case 'q':
          memo.set(this.#u8(), stack.at(-1));
          break;
        case 'r':
          memo.set(this.#u32(), stack.at(-1));
          break;
        case 'h':
          stack.push(memo.get(this.#u8()));
          break;
        case 'j':
          stack.push(memo.get(this.#u32()));
          break;
        case 'u':
        case 's': {
          const items = op === 'u' ? toMark() : stack.splice(-2);
          const map = stack.at(-1);
          if (!(map instanceof Map)) throw corrupt('items without a dictionary');
          for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
          break;
        }
        case 'e':
        case 'a': {
          const items = op === 'e' ? toMark() : stack.splice(-1);
          const list = stack.at(-1);
          if (!Array.isArray(list)) throw corrupt('items without a list');
          list.push(...items);
          break;
        }
        case 'b':
          // State of an object that is data already (an OrderedDict's attributes): not wanted.
          stack.pop();
          break;
        case 'c':
          stack.push(this.#global());
          break;
        case 'Q':
          stack.push(this.#storage(stack.pop()));
          break;
        case 'R':
          stack.push(build(stack.splice(-2)));
          break;
        default:
          throw corrupt(`opcode ${op.charCodeAt(0)} is not allowed`);
      }
    }
  }

  #global(): Global {
    const name = `${this.#line()}.${this.#line()}`;
    if (!ALLOWED.test(name)) throw corrupt(`${name} is not allowed`);
    return new Global(name);
  }

  #storage(id: unknown): Storage {
    const [kind, type, key] = Array.isArray(id) ? id : [];
    if (kind !== 'storage' || !(type instanceof Global)) throw corrupt('an unknown reference');
    const storage = { key: String(key), type: type.name.replace('torch.', '') };
    this.storages.set(storage.key, storage);
    return storage;
  }

  #take(bytes: number): number {
    const start = this.at;
    if (start + bytes > this.#bytes.length) throw corrupt('it ends early');
    this.at += bytes;
    return start;
  }
  #u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  #u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  #text(length: number): string {
    const start = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(start, start + length));
  }
  #line(): string {
    const end = this.#bytes.indexOf(10, this.at);
    if (end < 0) throw corrupt('it ends early');
    const text = this.#text(end - this.at);
    this.at++;
    return text;
  }
  #long(length: number): bigint | number {
    const start = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]!);
    const signed = length === 0 ? 0n : BigInt.asIntN(8 * length, value);
    return signed > -(2n ** 53n) && signed < 2n ** 53n ? Number(signed) : signed;
  }
}

/** What the two allowed callables would make, as data. */
function build([callable, args]: unknown[]): unknown {
  if (!(callable instanceof Global) || !Array.isArray(args)) throw corrupt('an unknown call');
  if (callable.name === 'collections.OrderedDict') return new Map();
  if (callable.name !== 'torch._utils._rebuild_tensor_v2') throw corrupt(`${callable.name} is not callable`);
  const [storage, offset, dims, strides] = args;
  return new Tensor({ storage, offset: Number(offset), dims, strides });
}
