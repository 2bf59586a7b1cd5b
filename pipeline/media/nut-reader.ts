import { LivedubError } from '../errors.ts';
import {
  NUT_FLAG,
  NUT_ID,
  NUT_PACKET_BYTE,
  NUT_SHORT_PACKET_BYTES,
  NUT_START,
  pictureBytes,
  type RawPicture,
  type RawPictureFormat,
  type TimeBase,
} from './nut.ts';

/** Headers are some hundred bytes; whatever claims more is no NUT of FFmpeg's. */
const MAX_HEADER_BYTES = 64 * 1024;
/** 8K with room to spare. */
const MAX_PICTURE_PX = 2 ** 26;
const MAX_ENCODED_BYTES = 2 ** 26;
/** FFmpeg's own limit; the format leaves it open. */
const MAX_ELIDING_BYTES = 4096;
const NOTHING: Uint8Array = new Uint8Array(0);

/** How NUT calls what is read here. */
export type NutCodec = 'I420' | 'VP80' | 'H264';

export interface EncodedPicture extends RawPicture {
  readonly keyframe: boolean;
}

interface FrameCode {
  readonly flags: number;
  /** Ticks after the picture before, where the frame does not say itself. */
  readonly ptsDelta: number;
  readonly sizeFactor: number;
  readonly sizeBytes: number;
  readonly reserved: number;
}

interface MainHeader {
  readonly timeBases: readonly TimeBase[];
  readonly codes: readonly FrameCode[];
  /** What small frames begin with instead of bringing it themselves; the first is nothing. */
  readonly elided: readonly Uint8Array[];
}

interface FrameHeader {
  readonly pts: number;
  readonly keyframe: boolean;
  readonly elided: Uint8Array;
  /** With what is elided. */
  readonly sizeBytes: number;
}

/**
 * Reads one stream of pictures with their times, raw ones in 4:2:0 or encoded ones, from what FFmpeg writes with `-f nut`. A stream
 * that ends within a picture ends before it.
 */
export class NutReader {
  readonly format: RawPictureFormat;
  readonly #source: ByteSource;
  readonly #main: MainHeader;
  readonly #ptsShift: number;
  #lastPts = 0;

  private constructor(options: {
    source: ByteSource;
    main: MainHeader;
    format: RawPictureFormat;
    ptsShift: number;
  }) {
    this.#source = options.source;
    this.#main = options.main;
    this.format = options.format;
    this.#ptsShift = options.ptsShift;
  }

  /**
   * Reads the headers. Undefined when the stream ends before there were any: nothing could be decoded.
   * @param codec what the stream must be
   * @throws LIVEDUB_E_INPUT_UNREADABLE for anything but such a stream
   */
  static async open(
    chunks: AsyncIterable<Uint8Array>,
    codec: NutCodec = 'I420',
  ): Promise<NutReader | undefined> {
    const source = new ByteSource(chunks);
    const id = await source.take(NUT_ID.length);
    if (id === undefined) return undefined;
    if (Buffer.from(id).toString('latin1') !== NUT_ID) throw damaged('it does not begin as NUT');
    let main: MainHeader | undefined;
    for (;;) {
      const packet = await readPacket(source);
      if (packet === undefined) return undefined;
      if (packet.start === NUT_START.main) main = parseMain(packet.body);
      if (packet.start !== NUT_START.stream) continue;
      if (main === undefined) throw damaged('a stream comes before the main header');
      return new NutReader({ source, main, ...parseStream(packet.body, main, codec) });
    }
  }

  /** Raw pictures in the order of the stream, each in bytes of its own. */
  async *pictures(): AsyncGenerator<RawPicture> {
    const wantedBytes = pictureBytes(this.format);
    for await (const { pts, bytes } of this.#frames(wantedBytes)) yield { pts, bytes };
  }

  /** Encoded pictures in the order of the stream, each in bytes of its own. */
  encoded(): AsyncGenerator<EncodedPicture> {
    return this.#frames();
  }

  /** @param wantedBytes the size of each; default: up to MAX_ENCODED_BYTES */
  async *#frames(wantedBytes?: number): AsyncGenerator<EncodedPicture> {
    for (;;) {
      const code = await this.#source.byte();
      if (code === undefined) return;
      if (code === NUT_PACKET_BYTE) {
        const packet = await readPacket(this.#source, code);
        if (packet === undefined) return;
        if (packet.start === NUT_START.syncpoint) this.#sync(new Fields(packet.body).varint());
        continue;
      }
      const header = await this.#frameHeader(code);
      if (header === undefined) return;
      const { pts, keyframe, elided, sizeBytes } = header;
      if (sizeBytes === 0) continue;
      if (
        sizeBytes !== (wantedBytes ?? Math.min(sizeBytes, MAX_ENCODED_BYTES)) ||
        sizeBytes < elided.length
      ) {
        throw damaged(`a picture has ${sizeBytes} bytes${wantedBytes ? ` instead of ${wantedBytes}` : ''}`);
      }
      const bytes = await this.#source.take(sizeBytes, elided);
      if (bytes === undefined) return;
      yield { pts, keyframe, bytes };
    }
  }

  async #frameHeader(code: number): Promise<FrameHeader | undefined> {
    const source = this.#source;
    const entry = this.#main.codes[code]!;
    let { flags } = entry;
    if (flags & NUT_FLAG.invalid) throw damaged('a frame has an unknown code');
    if (flags & NUT_FLAG.coded) flags ^= await source.varint();
    if (flags & NUT_FLAG.streamId) await source.varint();
    let pts = this.#lastPts + entry.ptsDelta;
    if (flags & NUT_FLAG.codedPts) pts = this.#fullPts(await source.varint());
    let sizeBytes = entry.sizeBytes;
    if (flags & NUT_FLAG.sizeMsb) sizeBytes += entry.sizeFactor * (await source.varint());
    if (flags & NUT_FLAG.matchTime) await source.varint();
    const headerIndex = flags & NUT_FLAG.headerIndex ? await source.varint() : 0;
    const reserved = flags & NUT_FLAG.reserved ? await source.varint() : entry.reserved;
    for (let i = 0; i < reserved; i += 1) await source.varint();
    if (flags & NUT_FLAG.checksum && (await source.take(4)) === undefined) return undefined;
    if (source.ended) return undefined;
    this.#lastPts = pts;
    // Elision shortens small frames alone.
    const elided = (sizeBytes <= MAX_ELIDING_BYTES && this.#main.elided[headerIndex]) || NOTHING;
    return { pts, keyframe: (flags & NUT_FLAG.key) !== 0, elided, sizeBytes };
  }

  /** Times are sent as their lowest bits where those suffice, else whole, above the range of such bits. */
  #fullPts(coded: number): number {
    const range = 2 ** this.#ptsShift;
    if (coded >= range) return coded - range;
    const from = this.#lastPts - (range / 2 - 1);
    return from + modulo(coded - from, range);
  }

  /** A syncpoint says what time it is, whatever was lost before it. */
  #sync(coded: number): void {
    const { timeBases } = this.#main;
    const base = timeBases[coded % timeBases.length]!;
    const ticks = Math.floor(coded / timeBases.length);
    const own = this.format.timeBase;
    const factor = (base.numerator * own.denominator) / (base.denominator * own.numerator);
    this.#lastPts = Math.floor(ticks * factor);
  }
}

function parseMain(body: Uint8Array): MainHeader {
  const fields = new Fields(body);
  const version = fields.varint();
  if (version !== 3 && version !== 4) throw damaged(`its version is ${version}`);
  if (version === 4) fields.varint();
  if (fields.varint() !== 1) throw damaged('it has more than one stream');
  fields.varint();
  const timeBases = Array.from({ length: Math.min(fields.varint(), 16) }, () => ({
    numerator: fields.varint(),
    denominator: fields.varint(),
  }));
  const codes = parseFrameCodes(fields);
  const elided = [NOTHING];
  for (let left = fields.varint(); left > 0; left -= 1) elided.push(fields.bytes(fields.varint()));
  return { timeBases, codes, elided };
}

/** The table is sent as runs of codes that differ in size alone; what a run does not say is as in the run before. */
function parseFrameCodes(fields: Fields): FrameCode[] {
  const codes: FrameCode[] = [];
  const invalid: FrameCode = {
    flags: NUT_FLAG.invalid,
    ptsDelta: 0,
    sizeFactor: 0,
    sizeBytes: 0,
    reserved: 0,
  };
  let ptsDelta = 0;
  let sizeFactor = 1;
  while (codes.length < 256) {
    const flags = fields.varint();
    const given = fields.varint();
    if (given > 0) ptsDelta = fields.signedVarint();
    if (given > 1) sizeFactor = fields.varint();
    if (given > 2) fields.varint();
    const firstBytes = given > 3 ? fields.varint() : 0;
    const reserved = given > 4 ? fields.varint() : 0;
    const count = given > 5 ? fields.varint() : sizeFactor - firstBytes;
    for (let i = 6; i < given; i += 1) fields.varint();
    if (count < 1) throw damaged('its table of frame codes is empty');
    for (let i = 0; i < count && codes.length < 256; i += 1) {
      if (codes.length === NUT_PACKET_BYTE) codes.push(invalid);
      codes.push({ flags, ptsDelta, sizeFactor, sizeBytes: firstBytes + i, reserved });
    }
  }
  return codes;
}

function parseStream(
  body: Uint8Array,
  main: MainHeader,
  wanted: NutCodec,
): { format: RawPictureFormat; ptsShift: number } {
  const fields = new Fields(body);
  fields.varint();
  if (fields.varint() !== 0) throw damaged('its stream is no picture');
  const codec = Buffer.from(fields.bytes(fields.varint())).toString('latin1');
  if (codec !== wanted) throw damaged(`its pictures are ${codec}`);
  const timeBase = main.timeBases[fields.varint()];
  if (!timeBase?.numerator || !timeBase.denominator) throw damaged('its stream has no time base');
  const ptsShift = fields.varint();
  fields.varint();
  fields.varint();
  fields.varint();
  fields.skip(fields.varint());
  const [widthPx, heightPx] = [fields.varint(), fields.varint()];
  if (widthPx < 1 || heightPx < 1 || widthPx * heightPx > MAX_PICTURE_PX) {
    throw damaged(`its pictures have ${widthPx} × ${heightPx} pixels`);
  }
  const pixelAspect = { horizontal: fields.varint(), vertical: fields.varint() };
  return { format: { widthPx, heightPx, timeBase, pixelAspect }, ptsShift };
}

/** @param first the packet's first byte, where it was read already */
async function readPacket(
  source: ByteSource,
  first?: number,
): Promise<{ start: bigint; body: Uint8Array } | undefined> {
  const rest = await source.take(first === undefined ? 8 : 7);
  if (rest === undefined) return undefined;
  let start = BigInt(first ?? 0);
  for (const byte of rest) start = (start << 8n) | BigInt(byte);
  const length = await source.varint();
  // Nothing comes after the index, which is as long as the stream was.
  if (source.ended || start === NUT_START.index) return undefined;
  if (start >> 56n !== BigInt(NUT_PACKET_BYTE) || length < 4 || length > MAX_HEADER_BYTES) {
    throw damaged('a packet is not where it should be');
  }
  if (length > NUT_SHORT_PACKET_BYTES) await source.take(4);
  const body = await source.take(length);
  return body && { start, body: body.subarray(0, length - 4) };
}

/** The fields of a packet that is there as a whole. */
class Fields {
  readonly #body: Uint8Array;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  varint(): number {
    for (let value = 0; ; ) {
      const byte = this.#body[this.#at++];
      if (byte === undefined) throw damaged('a header is too short');
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  /** 1, −1, 2, −2, … are sent as 1, 2, 3, 4, … */
  signedVarint(): number {
    const value = this.varint() + 1;
    return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
  }

  bytes(count: number): Uint8Array {
    this.#at += count;
    return this.#body.subarray(this.#at - count, this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }
}

/** Takes bytes off a stream of chunks as they are asked for, and asks for no more of it. */
class ByteSource {
  /** The stream ended before what was asked for last. */
  ended = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async byte(): Promise<number | undefined> {
    if (this.#at === this.#chunk.length && !(await this.#next())) return undefined;
    return this.#chunk[this.#at++];
  }

  /**
   * Undefined when there are not as many.
   * @param first the first of them, which the stream does not bring
   */
  async take(count: number, first: Uint8Array = NOTHING): Promise<Uint8Array | undefined> {
    const out = Buffer.allocUnsafeSlow(count);
    out.set(first);
    for (let filled = first.length; filled < count; ) {
      if (this.#at === this.#chunk.length && !(await this.#next())) return undefined;
      const part = this.#chunk.subarray(this.#at, this.#at + count - filled);
      out.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
    return out;
  }

  /** Seven bits a byte, the highest first; 0 at the end of the stream. */
  async varint(): Promise<number> {
    for (let value = 0; ; ) {
      const byte = await this.byte();
      if (byte === undefined) return 0;
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  async #next(): Promise<boolean> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done) {
        this.ended = true;
        return false;
      }
      this.#chunk = next.value;
      this.#at = 0;
      if (this.#chunk.length > 0) return true;
    }
  }
}

function modulo(value: number, range: number): number {
  return ((value % range) + range) % range;
}

function damaged(why: string): LivedubError {
  return new LivedubError('LIVEDUB_E_INPUT_UNREADABLE', `The decoded picture cannot be read: ${why}.`);
}
