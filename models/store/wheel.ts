import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Unzip, UnzipInflate } from 'fflate';

/**
 * Appends one member of a zip archive (a Python wheel is one) to an open file, a piece at a time.
 * @throws Error when the archive is broken or has no such member
 */
export async function appendMember(
  archive: string,
  member: string,
  target: FileHandle,
  signal: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<void> {
  let found = false;
  let done = false;
  let failure: Error | undefined;
  let pieces: Uint8Array[] = [];
  const unzip = new Unzip((file) => {
    if (file.name !== member) return;
    found = true;
    file.ondata = (error, piece, final) => {
      if (error) failure = error;
      else pieces.push(piece);
      done ||= final;
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  const stream = createReadStream(archive, { highWaterMark: 1 << 18, signal });
  for await (const chunk of stream) {
    unzip.push(chunk as Buffer, false);
    if (failure !== undefined) throw failure;
    for (const piece of pieces) {
      await target.write(piece);
      onBytes?.(piece.length);
    }
    pieces = [];
    if (done) return;
  }
  throw new Error(found ? `${member} ends early in ${archive}` : `${archive} has no ${member}`);
}
