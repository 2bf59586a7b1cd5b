/**
 * Reads the MPEG transport stream (ISO/IEC 13818-1) that FFmpeg of our own writes: known PIDs, whole packets, one access
 * unit a PES packet. It is FFmpeg's one streamable output that carries both Opus and H.264 with exact times and hands
 * each frame over as soon as it is there.
 */

export interface TsFrame {
  readonly pid: number;
  /** µs on the stream's own scale, which begins anywhere; continues over the wrap of the 33-bit clock. */
  readonly ptsUs: number;
  /** H.264: an Annex B access unit. Opus: one packet. A buffer of its own. */
  readonly data: Uint8Array;
}

export interface TsReaderOptions {
  /** Which PIDs to read, and what is in them. */
  readonly codecs: ReadonlyMap<number, 'opus' | 'h264'>;
  readonly onFrame: (frame: TsFrame) => void;
}

const PACKET_BYTES = 188;
const SYNC = 0x47;
const CLOCK_HZ = 90_000;
const WRAP = 2 ** 33;
/** No access unit of a live picture is larger; a longer one is damage. */
const MAX_UNIT_BYTES = 8 * 2 ** 20;

/** First PID that FFmpeg gives to the streams of a program; the next stream has the next number. */
export const TS_FIRST_PID = 0x100;

/** FFmpeg's arguments for an output that TsReader reads at once: nothing is gathered, nothing is held back. */
export const TS_OUTPUT_ARGS: readonly string[] = [
  ...['-f', 'mpegts', '-mpegts_start_pid', String(TS_FIRST_PID), '-mpegts_copyts', '0'],
  ...['-pes_payload_size', '0', '-omit_video_pes_length', '0', '-muxdelay', '0', '-muxpreload', '0'],
  // Sound must not wait for a picture that has stopped.
  ...['-max_interleave_delta', '100000', '-flush_packets', '1'],
];

interface Unit {
  parts: Uint8Array[];
  bytes: number;
  /** Undefined: as long as it takes until the next one begins. */
  wantedBytes: number | undefined;
}

export class TsReader {
  readonly #options: TsReaderOptions;
  readonly #units = new Map<number, Unit>();
  #rest: Uint8Array = new Uint8Array(0);
  #lastPts: number | undefined;

  constructor(options: TsReaderOptions) {
    this.#options = options;
  }

  /** The next bytes; they must not be written to afterwards. */
  push(bytes: Uint8Array): void {
    let data = bytes;
    if (this.#rest.length > 0) data = Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (at + PACKET_BYTES <= data.length) {
      if (data[at] !== SYNC) {
        at += 1;
        continue;
      }
      this.#packet(data.subarray(at, at + PACKET_BYTES));
      at += PACKET_BYTES;
    }
    this.#rest = data.subarray(at);
  }

  /** The end: a unit of unknown length is whole now. */
  flush(): void {
    for (const [pid, unit] of this.#units) if (unit.wantedBytes === undefined) this.#finish(pid, unit);
    this.#units.clear();
  }

  #packet(packet: Uint8Array): void {
    const pid = ((packet[1]! & 0x1f) << 8) | packet[2]!;
    if (!this.#options.codecs.has(pid)) return;
    const control = packet[3]! & 0x30;
    if ((control & 0x10) === 0) return;
    const from = control === 0x30 ? 5 + packet[4]! : 4;
    if (from >= PACKET_BYTES) return;
    const payload = packet.subarray(from);
    let unit = this.#units.get(pid);
    if ((packet[1]! & 0x40) !== 0) {
      if (unit !== undefined && unit.wantedBytes === undefined) this.#finish(pid, unit);
      const length = (payload[4]! << 8) | payload[5]!;
      unit = { parts: [], bytes: 0, wantedBytes: length === 0 ? undefined : length + 6 };
      this.#units.set(pid, unit);
    }
    if (unit === undefined) return;
    unit.parts.push(payload);
    unit.bytes += payload.length;
    if (unit.bytes > MAX_UNIT_BYTES) this.#units.delete(pid);
    else if (unit.wantedBytes !== undefined && unit.bytes >= unit.wantedBytes) {
      this.#units.delete(pid);
      this.#finish(pid, unit);
    }
  }

  #finish(pid: number, unit: Unit): void {
    const pes = Buffer.concat(unit.parts, unit.wantedBytes ?? unit.bytes);
    const hasPts = pes.length > 14 && pes.readUIntBE(0, 3) === 1 && (pes[7]! & 0x80) !== 0;
    if (!hasPts) return;
    const ptsUs = (this.#unwrap(readPts(pes)) * 1e6) / CLOCK_HZ;
    const data = pes.subarray(9 + pes[8]!);
    if (this.#options.codecs.get(pid) === 'h264') this.#options.onFrame({ pid, ptsUs, data });
    else for (const packet of opusPackets(data)) this.#options.onFrame({ pid, ptsUs, data: packet });
  }

  /** The nearest time to the one before, so that both the wrap and B-frames' small steps back come out right. */
  #unwrap(pts: number): number {
    if (this.#lastPts === undefined) this.#lastPts = pts;
    else {
      const step = (((pts - this.#lastPts) % WRAP) + WRAP) % WRAP;
      this.#lastPts += step < WRAP / 2 ? step : step - WRAP;
    }
    return this.#lastPts;
  }
}

function readPts(pes: Buffer): number {
  const high = (pes[9]! >> 1) & 7;
  return high * 2 ** 30 + (pes.readUInt16BE(10) >> 1) * 2 ** 15 + (pes.readUInt16BE(12) >> 1);
}

/** Opus in MPEG-TS (ETSI TS 103 491 §4.4): each packet has a control header with its length. */
function* opusPackets(data: Buffer): Generator<Uint8Array> {
  let at = 0;
  while (at + 3 <= data.length && (data.readUInt16BE(at) & 0xffe0) === 0x7fe0) {
    const flags = data[at + 1]!;
    at += 2;
    let bytes = 0;
    while (data[at] === 0xff) bytes += data[at++]!;
    bytes += data[at++] ?? 0;
    if ((flags & 0x10) !== 0) at += 2;
    if ((flags & 0x08) !== 0) at += 2;
    if ((flags & 0x04) !== 0) at += 1 + (data[at] ?? 0);
    if (at + bytes > data.length) return;
    yield data.subarray(at, at + bytes);
    at += bytes;
  }
}
