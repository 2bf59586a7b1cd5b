/**
 * Writes protocol buffers (https://protobuf.dev/programming-guides/encoding/): just the wire types ONNX uses. Large byte
 * fields are kept as references until `chunks()`, so that a model of 100 MB is not copied again and again.
 */
export class ProtoWriter {
  readonly #chunks: Uint8Array[] = [];
  #small: number[] = [];
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** An int32, int64, bool or enum field; negative numbers take ten bytes, as the format wants. */
  int(field: number, value: number | bigint): this {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 5));
    this.#raw(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(value.length));
    this.#raw(value);
    return this;
  }

  /** Repeated integers in packed form. */
  packedInts(field: number, values: readonly (number | bigint)[]): this {
    const body = new ProtoWriter();
    for (const value of values) body.#varint(BigInt(value));
    return this.message(field, body);
  }

  message(field: number, body: ProtoWriter): this {
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(body.lengthBytes));
    for (const chunk of body.chunks()) this.#raw(chunk);
    return this;
  }

  /** The message in pieces, in order. */
  chunks(): readonly Uint8Array[] {
    this.#seal();
    return this.#chunks;
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#lengthBytes);
    let at = 0;
    for (const chunk of this.chunks()) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #raw(bytes: Uint8Array): void {
    this.#lengthBytes += bytes.length;
    if (bytes.length <= 256) {
      for (const byte of bytes) this.#small.push(byte);
      return;
    }
    this.#seal();
    this.#chunks.push(bytes);
  }

  #varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    do {
      const byte = Number(rest & 0x7fn);
      rest >>= 7n;
      this.#small.push(rest > 0n ? byte | 0x80 : byte);
      this.#lengthBytes++;
    } while (rest > 0n);
  }

  #seal(): void {
    if (this.#small.length === 0) return;
    this.#chunks.push(Uint8Array.from(this.#small));
    this.#small = [];
  }
}
