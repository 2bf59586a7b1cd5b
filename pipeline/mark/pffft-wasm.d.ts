/** The package has no types of its own; only what is used is here. */
interface Pffft {
  readonly HEAPF32: Float32Array;
  _pffft_aligned_malloc(bytes: number): number;
  _pffft_new_setup(size: number, kind: 0 | 1): number;
  _pffft_transform_ordered(setup: number, from: number, to: number, work: number, direction: 0 | 1): void;
}
declare module '@echogarden/pffft-wasm' {
  const create: () => Promise<Pffft>;

  // biome-ignore lint/style/noDefaultExport: the package's own.
  export { create as default };
}
declare module '@echogarden/pffft-wasm/simd' {
  const create: () => Promise<Pffft>;

  // biome-ignore lint/style/noDefaultExport: the package's own.
  export { create as default };
}
