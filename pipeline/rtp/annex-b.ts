/**
 * Splits an Annex B access unit (ITU-T H.264 §B.1) into its NAL units, as views. Start codes of three and four bytes;
 * data without any start code is one unit.
 */
export function splitAnnexB(data: Uint8Array): Uint8Array[] {
  const buffer = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const units: Uint8Array[] = [];
  let start = -1;
  let from = 0;
  for (;;) {
    const at = buffer.indexOf(START_CODE, from);
    if (at < 0) break;
    // A zero before the start code belongs to it: no NAL unit ends in a zero byte (§7.4.1).
    if (start >= 0) push(units, buffer, start, trimZeros(buffer, start, at));
    start = at + 3;
    from = start;
  }
  if (start < 0) return buffer.length > 0 ? [buffer] : [];
  push(units, buffer, start, buffer.length);
  return units;
}

const START_CODE = Buffer.from([0, 0, 1]);

function trimZeros(data: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && data[at - 1] === 0) at -= 1;
  return at;
}

function push(units: Uint8Array[], data: Buffer, start: number, end: number): void {
  if (end > start) units.push(data.subarray(start, end));
}
