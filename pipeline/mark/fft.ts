/** Fourier transform of real signals of one length, unscaled: forward and back multiplies by `size`. */
export interface RealFft {
  readonly size: number;
  /**
   * @param signal `size` samples.
   * @param spectrum Takes `size` numbers: bin 0, bin `size / 2`, then real and imaginary part of the bins between.
   */
  forward(signal: Float32Array, spectrum: Float32Array): void;
  /** The reverse; takes and gives the same layouts. */
  inverse(spectrum: Float32Array, signal: Float32Array): void;
}

const REAL = 0;
const FORWARD = 0;
const BACKWARD = 1;

let library: Promise<Pffft> | undefined;
const made = new Map<number, Promise<RealFft>>();

/** The transform of a length, a multiple of 32 with factors 2, 3 and 5 only. All users of a thread share it. */
export function createRealFft(size: number): Promise<RealFft> {
  let fft = made.get(size);
  if (fft === undefined) {
    library ??= load();
    fft = library.then((pffft) => new PffftReal(pffft, size));
    made.set(size, fft);
  }
  return fft;
}

/** With SIMD where the machine's WebAssembly has it. */
async function load(): Promise<Pffft> {
  try {
    return await (await import('@echogarden/pffft-wasm/simd')).default();
  } catch {
    return (await import('@echogarden/pffft-wasm')).default();
  }
}

class PffftReal implements RealFft {
  readonly size: number;
  readonly #pffft: Pffft;
  readonly #setup: number;
  readonly #from: number;
  readonly #to: number;
  readonly #work: number;

  constructor(pffft: Pffft, size: number) {
    this.size = size;
    this.#pffft = pffft;
    this.#setup = pffft._pffft_new_setup(size, REAL);
    if (this.#setup === 0) throw new RangeError(`There is no real transform of length ${size}.`);
    const [from, to, work] = [0, 0, 0].map(() => pffft._pffft_aligned_malloc(size * 4));
    this.#from = from!;
    this.#to = to!;
    this.#work = work!;
  }

  forward(signal: Float32Array, spectrum: Float32Array): void {
    this.#transform(signal, spectrum, FORWARD);
  }

  inverse(spectrum: Float32Array, signal: Float32Array): void {
    this.#transform(spectrum, signal, BACKWARD);
  }

  #transform(from: Float32Array, to: Float32Array, direction: 0 | 1): void {
    const pffft = this.#pffft;
    pffft.HEAPF32.set(from, this.#from >> 2);
    pffft._pffft_transform_ordered(this.#setup, this.#from, this.#to, this.#work, direction);
    // Asked for anew: the heap moves when it grows.
    to.set(pffft.HEAPF32.subarray(this.#to >> 2, (this.#to >> 2) + this.size));
  }
}
