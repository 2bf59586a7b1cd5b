/**
 * The memory of a wasm engine at a moment when it is idle. Speech engines carry noise, flutter and phase from one text
 * to the next; put back before each text, the same text gives the same samples.
 */
export class WasmSnapshot {
  readonly #used: Uint8Array;

  /** @param heap the whole memory; what follows its last byte that is not 0 is not kept */
  constructor(heap: Uint8Array) {
    let end = heap.length;
    while (end > 0 && heap[end - 1] === 0) end--;
    this.#used = heap.slice(0, end);
  }

  /** @param heap the memory as it is now; it may have grown */
  restore(heap: Uint8Array): void {
    heap.set(this.#used);
    heap.fill(0, this.#used.length);
  }
}
