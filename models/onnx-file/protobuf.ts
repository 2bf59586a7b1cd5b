/**
 * Just enough of the protocol buffers wire format (https://protobuf.dev/programming-guides/encoding/) to read a file,
 * change a few messages in it and write it back: unknown fields keep their bytes.
 */
export type WireValue = bigint | Uint8Array;

export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: 0 | 1 | 2 | 5;
  /** A bigint for varints, the raw bytes otherwise (a view into the file, not a copy). */
  readonly value: WireValue;
}

/** @throws RangeError when the bytes are no protocol buffers message */
export function readFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('The message ends inside a number.');
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw new RangeError('A number in the message is too long.');
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('The message ends inside a field.');
    const view = bytes.subarray(at, at + length);
    at += length;
    return view;
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) fields.push({ number, wire, value: varint() });
    else if (wire === 1) fields.push({ number, wire, value: take(8) });
    else if (wire === 2) fields.push({ number, wire, value: take(Number(varint())) });
    else if (wire === 5) fields.push({ number, wire, value: take(4) });
    else throw new RangeError(`Wire type ${wire} is not in use.`);
  }
  return fields;
}

function varintBytes(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(out);
}

/** The inverse of `readFields`. */
export function writeFields(fields: readonly WireField[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (const { number, wire, value } of fields) {
    chunks.push(varintBytes(BigInt(number * 8 + wire)));
    if (typeof value === 'bigint') chunks.push(varintBytes(value));
    else {
      if (wire === 2) chunks.push(varintBytes(BigInt(value.length)));
      chunks.push(value);
    }
  }
  const out = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const varintField = (number: number, value: number | bigint): WireField => ({
  number,
  wire: 0,
  value: BigInt(value),
});
export const bytesField = (number: number, value: Uint8Array): WireField => ({ number, wire: 2, value });
export const textField = (number: number, value: string): WireField =>
  bytesField(number, encoder.encode(value));
export const messageField = (number: number, fields: readonly WireField[]): WireField =>
  bytesField(number, writeFields(fields));
/** All length-delimited values of one field. */
export const allBytes = (fields: readonly WireField[], number: number): Uint8Array[] =>
  fields.filter((f) => f.number === number && f.wire === 2).map((f) => f.value as Uint8Array);
export const firstBytes = (fields: readonly WireField[], number: number): Uint8Array | undefined =>
  fields.find((f) => f.number === number && f.wire === 2)?.value as Uint8Array | undefined;
export const text = (bytes: Uint8Array | undefined): string => (bytes ? decoder.decode(bytes) : '');
